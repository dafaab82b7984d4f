"""OpenAI's text completions format, the predecessor of chat; spoken by vLLM, llama.cpp and others for all their models.

Source: https://platform.openai.com/docs/api-reference/completions.
"""

from typing import Any

from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.openai import replies
from sluice.providers.openai.chat import finish_reason
from sluice.providers.openai.replies import ChunkStream, complete_head, reply_object
from sluice.providers.openai.requests import post
from sluice.providers.reading import objects_of, validated
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
    for choice in objects_of(raw["choices"]):
        _complete(choice)
        choice["finish_reason"] = finish_reason(choice.get("finish_reason"))
    raw["object"] = "text_completion"
    reply = validated(Completion, raw)
    if not reply.choices:
        raise UpstreamError("The provider answered without a choice.")
    return reply


def reply_stream(call: Call) -> ReplyStream[CompletionChunk]:
    """A translator for one streamed reply."""
    return ChunkStream(call, call.request.choices, _chunk)


def _chunk(raw: dict[str, Any]) -> CompletionChunk:
    for choice in objects_of(raw["choices"]):
        _complete(choice)
        reason = choice.get("finish_reason")
        choice["finish_reason"] = finish_reason(reason) if reason else None
    raw["object"] = "text_completion"
    return validated(CompletionChunk, raw)


def _complete(choice: dict[str, Any]) -> None:
    """What hosts leave out of a choice."""
    choice.setdefault("index", 0)
    choice["text"] = choice.get("text") or ""
