"""OpenAI's chat completions format, spoken by OpenAI and by many compatible hosts.

Source: https://platform.openai.com/docs/api-reference/chat.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, FinishReason
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.failures import failure_of_status
from sluice.providers.features import GATEWAY_MEMBERS
from sluice.providers.openai import replies
from sluice.providers.openai.dialect import ANY, OUTPUT_LIMITS, Dialect
from sluice.providers.openai.express import express, rename
from sluice.providers.openai.failures import raise_reported
from sluice.providers.openai.replies import ChunkStream, complete_head, reply_object
from sluice.providers.openai.requests import post
from sluice.providers.openai.thoughts import Details, keep_signed, take_thoughts
from sluice.providers.reading import objects_of, validated
from sluice.wire.sse import SSEDecoder

type Call = ProviderCall[ChatCompletionRequest]

STREAM_CONTENT_TYPE = replies.STREAM_CONTENT_TYPE
new_decoder = SSEDecoder

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
    # Compatible hosts' own words for the same.
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
}

FAILED_ENDS: Mapping[str, int] = {
    "abort": 502,
    "error": 502,
    "insufficient_system_resource": 503,
}
"""Ends of choices that are failures (vLLM; Mistral, OpenRouter; DeepSeek), and the statuses they would have been."""


def upstream_request(call: Call, dialect: Dialect = ANY) -> UpstreamRequest:
    """The request in a host's words, for the candidate's model.

    Raises:
        UnsupportedParameterError: a message has something that the host does not know.
    """
    request = call.request
    body = request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(GATEWAY_MEMBERS))
    if call.target.output_limit is not None:
        rename(body, dict.fromkeys(OUTPUT_LIMITS - {call.target.output_limit}, call.target.output_limit))
    if dialect is not ANY:
        express(body, dialect)
    streams = request.streams
    return post(call.target, "/chat/completions", body, streams=streams, asks_usage=dialect.asks_usage)


def whole_reply(body: bytes, call: Call) -> ChatCompletion:
    """A whole reply in OpenAI's format, under the name that the client asked for."""
    raw = reply_object(body)
    complete_head(raw, call)
    for choice in objects_of(raw["choices"]):
        raise_reported(choice)
        choice["index"] = choice.get("index") or 0
        message = choice.get("message")
        if isinstance(message, dict):
            message["role"] = message.get("role") or "assistant"
            _normalize_message(message)
            _complete_calls(message)
            keep_signed(message)
        choice["finish_reason"] = finish_reason(choice.get("finish_reason") or _unsaid_end(choice))
        _normalize_logprobs(choice)
    raw["object"] = "chat.completion"
    reply = validated(ChatCompletion, raw)
    if not reply.choices:
        raise UpstreamError("The provider answered without a choice.")
    return reply


def reply_stream(call: Call) -> ReplyStream[ChatCompletionChunk]:
    """A translator for one streamed reply."""
    numbers, details = _CallNumbers(), Details()

    def chunk(raw: dict[str, Any]) -> ChatCompletionChunk:
        for choice in objects_of(raw["choices"]):
            _normalize_choice(choice)
            numbers.give(choice)
            details.take(choice)
        raw["object"] = "chat.completion.chunk"
        return validated(ChatCompletionChunk, raw)

    return ChunkStream(call, call.request.n or 1, chunk)


class _CallNumbers:
    """The indexes of a stream's tool calls, where a host leaves them out (Gemini's compatible endpoint)."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, str | None]] = {}

    def give(self, choice: dict[str, Any]) -> None:
        """Give the calls of a chunk's choice their indexes.

        A new id, or without any id a name, begins the next call; anything else goes on with the last one.
        """
        delta = choice["delta"]
        if not isinstance(choice["index"], int):
            return  # it will not be taken as a chunk
        for call in objects_of(delta.get("tool_calls") if isinstance(delta, dict) else None):
            last, last_id = self._last.get(choice["index"], (-1, None))
            call_id = call.get("id") or None
            if call.get("index") is None:
                function = call.get("function")
                named = isinstance(function, dict) and bool(function.get("name"))
                begins = call_id != last_id if call_id else named
                call["index"] = last + 1 if begins or last < 0 else last
            if isinstance(call["index"], int):
                same = call["index"] == last
                self._last[choice["index"]] = (call["index"], call_id or (last_id if same else None))


def _normalize_choice(choice: dict[str, Any]) -> None:
    """Where hosts differ in a chunk's choice."""
    raise_reported(choice)
    choice.setdefault("index", 0)
    choice["finish_reason"] = finish_reason(choice["finish_reason"]) if choice.get("finish_reason") else None
    _normalize_logprobs(choice)
    delta = choice.get("delta") or {}
    choice["delta"] = delta
    if isinstance(delta, dict):
        delta["role"] = delta.get("role") or None  # some hosts send ""
        _normalize_message(delta)
        for call in objects_of(delta.get("tool_calls")):
            call["type"] = call.get("type") or None


def _normalize_message(message: dict[str, Any]) -> None:
    """Where hosts differ in what a model says, whole or in a delta."""
    take_thoughts(message)
    message["tool_calls"] = message.get("tool_calls") or None
    for call in objects_of(message["tool_calls"]):
        function = call.get("function")
        if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
            function["arguments"] = to_json(
                function["arguments"]
            ).decode()  # Mistral's models may send the object


def _complete_calls(message: Mapping[str, Any]) -> None:
    """What hosts leave out of a whole call."""
    for call in objects_of(message["tool_calls"]):
        function = call.get("function")
        if isinstance(function, dict) and function.get("arguments") is None:
            function["arguments"] = "{}"
        call["type"] = call.get("type") or "function"


def _unsaid_end(choice: Mapping[str, Any]) -> str | None:
    """Why a choice has ended whose host does not say (xAI sends "" where tools are called)."""
    message = choice.get("message")
    return "tool_calls" if isinstance(message, dict) and message.get("tool_calls") else None


def _normalize_logprobs(choice: dict[str, Any]) -> None:
    """Both lists of OpenAI's logprobs stand even when null; older hosts only know the one of the content."""
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict):
        choice["logprobs"] = None  # Together's is a number
        return
    logprobs.setdefault("content", None)
    logprobs.setdefault("refusal", None)


def finish_reason(reason: object) -> FinishReason:
    """Why a choice ended, in OpenAI's word for it.

    Raises:
        SluiceError: it has none, or the reason is a failure.
    """
    if isinstance(reason, str) and reason in FAILED_ENDS:
        raise failure_of_status(FAILED_ENDS[reason], None)
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is None:
        raise UpstreamError(f"The provider stopped for a reason unknown to the gateway: {reason!r:.40}.")
    return known
