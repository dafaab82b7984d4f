"""OpenAI's text completions format, the predecessor of chat; spoken by vLLM, llama.cpp and others for all their models.

Source: https://platform.openai.com/docs/api-reference/completions.
"""

from collections.abc import Sequence
from typing import Any

from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.openai import replies
from sluice.providers.openai.chat import finish_reason
from sluice.providers.openai.replies import DONE, ChoiceEnds, complete_head, reply_object
from sluice.providers.openai.requests import post
from sluice.providers.reading import objects_of, validated
from sluice.wire.events import WireEvent
from sluice.wire.sse import SSEDecoder

type Call = ProviderCall[CompletionRequest]

STREAM_CONTENT_TYPE = replies.STREAM_CONTENT_TYPE
new_decoder = SSEDecoder


def upstream_request(call: Call) -> UpstreamRequest:
    """The request as it came, for the candidate's model; the default of ``max_tokens`` is not left to the host."""
    request = call.request
    body = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    body["max_tokens"] = request.output_tokens
    return post(call.target, "/completions", body, streams=request.streams)


def whole_reply(body: bytes, call: Call) -> Completion:
    """A whole reply, under the name that the client asked for."""
    raw = reply_object(body)
    complete_head(raw, call)
    for choice in objects_of(raw.get("choices")):
        _complete(choice)
        choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
    raw["object"] = "text_completion"
    reply = validated(Completion, raw)
    if not reply.choices:
        raise UpstreamError("The provider answered without a choice.")
    return reply


def reply_stream(call: Call) -> ReplyStream[CompletionChunk]:
    """A translator for one streamed reply."""
    return _Stream(call)


class _Stream:
    """Chunks as they come, until ``[DONE]``."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ends = ChoiceEnds(call.request.choices)
        self.finished = False

    @property
    def complete(self) -> bool:
        return self._ends.all(finished=self.finished)

    def feed(self, event: WireEvent) -> Sequence[CompletionChunk]:
        if self.finished:
            return ()
        if event.data.strip() == DONE:
            self.finished = True
            return ()
        raw = reply_object(event.data)
        complete_head(raw, self._call)
        for choice in objects_of(raw.get("choices")):
            _complete(choice)
            reason = choice.get("finish_reason")
            choice["finish_reason"] = finish_reason(reason) if reason else None
        raw["object"] = "text_completion"
        chunk = validated(CompletionChunk, raw)
        for part in chunk.choices:
            self._ends.take(part.index, ended=part.finish_reason is not None)
        return (chunk,) if chunk.choices or chunk.usage is not None else ()


def _complete(choice: dict[str, Any]) -> None:
    """What hosts leave out of a choice."""
    choice.setdefault("index", 0)
    choice["text"] = choice.get("text") or ""
