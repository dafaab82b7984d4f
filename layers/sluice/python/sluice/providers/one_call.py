"""``parallel_tool_calls: false`` for providers that cannot be told: of the calls in a turn the client gets the first.

That is what it asks for: no more than one call. A model that wanted several makes the next one once the first is
answered. What the provider has written, and bills, is counted all the same.
"""

from collections.abc import Sequence

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, ChunkChoice
from sluice.api.chat_request import ChatCompletionRequest
from sluice.providers.contract import ReplyStream
from sluice.wire.events import WireEvent


def one_call_of(reply: ChatCompletion, request: ChatCompletionRequest) -> ChatCompletion:
    """A whole reply with the first of each choice's calls, where the request wants no more."""
    if request.parallel_tool_calls is False:
        for choice in reply.choices:
            if choice.message.tool_calls:
                del choice.message.tool_calls[1:]
    return reply


def one_call_stream(
    stream: ReplyStream[ChatCompletionChunk], request: ChatCompletionRequest
) -> ReplyStream[ChatCompletionChunk]:
    """A stream likewise."""
    return _OneCallStream(stream) if request.parallel_tool_calls is False else stream


class _OneCallStream:
    """Leaves out what is said of later calls; chunks that say nothing else do not come."""

    def __init__(self, stream: ReplyStream[ChatCompletionChunk]) -> None:
        self._stream = stream

    @property
    def complete(self) -> bool:
        """See ``ReplyStream``."""
        return self._stream.complete

    @property
    def finished(self) -> bool:
        """See ``ReplyStream``."""
        return self._stream.finished

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        """See ``ReplyStream``."""
        found = []
        for chunk in self._stream.feed(event):
            chunk.choices = [choice for choice in chunk.choices if _keeps(choice)]
            if chunk.choices or chunk.usage is not None:
                found.append(chunk)
        return found


def _keeps(choice: ChunkChoice) -> bool:
    """Take later calls out of a choice; whether it is still of use."""
    calls = choice.delta.tool_calls
    if not calls:
        return True
    first = [call for call in calls if call.index == 0]
    choice.delta.tool_calls = first or None
    return bool(first) or choice.finish_reason is not None or choice.says_something
