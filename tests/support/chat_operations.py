"""The chat of a provider that has one: only those have none that a catalogue declares."""

from sluice.providers.contract import ChatOperation, Provider


def chat_of(provider: Provider) -> ChatOperation:
    """How it chats."""
    assert provider.chat is not None
    return provider.chat
