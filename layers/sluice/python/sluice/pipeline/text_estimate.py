"""How many tokens completions and embeddings have probably used; see ``pipeline.estimate``."""

from sluice.accounting.costs import TokenCount
from sluice.api.completion_reply import Completion
from sluice.api.completion_request import CompletionRequest
from sluice.api.text_input import Text
from sluice.pipeline.estimate import tokens_of


def completion_estimate(
    request: CompletionRequest, received: Completion | None, most: TokenCount
) -> TokenCount:
    """Of what was sent and received; an echo of the prompt was not written by the model."""
    texts = [choice.text for choice in received.choices] if received else []
    echoed = [text for text in request.prompts if isinstance(text, str)] if request.echo else []
    written = sum(tokens_of(_without_echo(text, echoed)) for text in texts)
    return TokenCount(
        prompt=min(text_tokens(request.prompts), most.prompt), completion=min(written, most.completion)
    )


def text_tokens(texts: list[Text]) -> int:
    """Of texts, or exactly, where they came as tokens."""
    return sum(tokens_of(text) if isinstance(text, str) else len(text) for text in texts)


def _without_echo(text: str, echoed: list[str]) -> str:
    """The text without the prompt that it begins with, the longest of those that it may be."""
    found = max((prompt for prompt in echoed if text.startswith(prompt)), key=len, default="")
    return text.removeprefix(found)
