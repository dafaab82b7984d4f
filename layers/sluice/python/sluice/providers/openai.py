"""OpenAI's chat completions format, spoken by OpenAI and by many compatible hosts.

Source: https://platform.openai.com/docs/api-reference/chat. Compatible hosts are taken as they are where it does no
harm: members they leave out get defaults, members they add are passed on. What makes no sense is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import from_json, to_json

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, FinishReason
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.usage import CompletionTokensDetails, PromptTokensDetails, Usage
from sluice.errors import SluiceError, UpstreamError
from sluice.providers.contract import ChatStream, Framing, ReplyContext, Target, UpstreamRequest
from sluice.providers.failures import failure_of_status, retry_after_of
from sluice.wire.events import WireEvent

FRAMING: Framing = "sse"
STREAM_CONTENT_TYPE = "text/event-stream"

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

_DONE = b"[DONE]"

_GATEWAY_MEMBERS = frozenset({"search_enabled"})
"""Request members that are Sluice's own and mean nothing to a provider."""

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"})
"""Codes of a 429 that no waiting mends: the operator's account is at its end."""


def chat_request(request: ChatCompletionRequest, target: Target) -> UpstreamRequest:
    """The request as it came, for the candidate's model; a stream is always asked for its usage."""
    body = request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(_GATEWAY_MEMBERS))
    body["model"] = target.model
    if request.streams:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    headers = {
        "content-type": "application/json",
        "accept": STREAM_CONTENT_TYPE if request.streams else "application/json",
        **target.headers,
    }
    if target.credential is not None:
        headers["authorization"] = f"Bearer {target.credential}"
    return UpstreamRequest(
        url=f"{target.base_url.rstrip('/')}/chat/completions", body=to_json(body), headers=headers
    )


def chat_completion(body: bytes, context: ReplyContext) -> ChatCompletion:
    """A whole reply in OpenAI's format, under the name that the client asked for."""
    raw = _object(body)
    _raise_reported(raw)
    _normalize(raw, context)
    for choice in _objects(raw.get("choices")):
        choice["finish_reason"] = _finish_reason(choice.get("finish_reason"))
        choice.setdefault("index", 0)
        _normalize_logprobs(choice)
    raw["object"] = "chat.completion"
    reply = _validated(ChatCompletion, raw)
    if not reply.choices:
        raise UpstreamError("The provider answered without a choice.")
    return reply


def chat_stream(context: ReplyContext) -> ChatStream:
    """A translator for one streamed reply."""
    return _OpenAIStream(context)


class _OpenAIStream:
    """Chunks as they come, until ``[DONE]``.

    A stream is complete when each choice that began has a finish reason; ``[DONE]`` alone does not make it so, and
    its absence does not make it broken, because several hosts leave it out.
    """

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._open: set[int] = set()
        self._closed: set[int] = set()
        self.finished = False

    @property
    def complete(self) -> bool:
        return bool(self._closed) and self._open <= self._closed

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        if self.finished:
            return ()
        if event.data.strip() == _DONE:
            self.finished = True
            return ()
        raw = _object(event.data)
        _raise_reported(raw)
        _normalize(raw, self._context)
        for part in _objects(raw.get("choices")):
            _normalize_choice(part)
        raw["object"] = "chat.completion.chunk"
        chunk = _validated(ChatCompletionChunk, raw)
        for choice in chunk.choices:
            self._open.add(choice.index)
            if choice.finish_reason is not None:
                self._closed.add(choice.index)
        return (chunk,) if chunk.choices or chunk.usage is not None else ()


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where the provider sent none.

    DeepSeek counts cached prompt tokens in ``prompt_cache_hit_tokens``; Groq sends its usage under ``x_groq``.
    """
    if not isinstance(raw, dict):
        return None
    counted = _validated(_RawUsage, raw)
    prompt_details = dict(counted.prompt_tokens_details or {})
    prompt_details.setdefault("cached_tokens", counted.prompt_cache_hit_tokens)
    return Usage(
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.prompt_tokens + counted.completion_tokens,
        prompt_tokens_details=_details(PromptTokensDetails, prompt_details),
        completion_tokens_details=_details(CompletionTokensDetails, counted.completion_tokens_details or {}),
    )


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """OpenAI's error object, or whatever a compatible host or a proxy before it answered."""
    reported = _ReportedError()
    try:
        raw = from_json(body)
        reported = _ReportedError.model_validate(raw.get("error") if isinstance(raw, dict) else None)
    except ValueError:
        pass  # not JSON or of another shape: the status says enough
    if status == 429 and (reported.code in _QUOTA_CODES or reported.type in _QUOTA_CODES):
        return UpstreamError("The gateway's account at the provider is exhausted.", retriable=False)
    return failure_of_status(
        status,
        reported.message,
        param=reported.param,
        code=reported.code,
        retry_after=retry_after_of(headers),
    )


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_Text = Annotated[str | None, BeforeValidator(_text)]


class _ReportedError(BaseModel):
    """OpenAI's error object; some hosts send numbers as codes."""

    model_config = ConfigDict(extra="ignore")

    message: _Text = None
    type: _Text = None
    param: _Text = None
    code: _Text = None


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_cache_hit_tokens: int | None = None
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


def _details[Details: BaseModel](shape: type[Details], raw: Mapping[str, Any]) -> Details | None:
    counted = {name: count for name, count in raw.items() if count is not None}
    return _validated(shape, counted) if counted else None


def _object(data: bytes) -> dict[str, Any]:
    try:
        raw = from_json(data)
    except ValueError as error:
        raise UpstreamError("The provider's answer is not JSON.") from error
    if not isinstance(raw, dict):
        raise UpstreamError("The provider's answer is not a JSON object.")
    return raw


def _objects(value: object) -> list[dict[str, Any]]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _validated[Shape: BaseModel](shape: type[Shape], raw: Mapping[str, Any]) -> Shape:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        place = ".".join(str(element) for element in error.errors(include_input=False)[0]["loc"])
        raise UpstreamError(f"The provider's answer is malformed at '{place}'.") from error


def _raise_reported(raw: Mapping[str, Any]) -> None:
    """An ``error`` member in a reply of status 200 is a failure all the same."""
    reported = raw.get("error")
    if reported:
        code = reported.get("code") if isinstance(reported, dict) else None
        raise UpstreamError(
            "The provider failed while it answered." + (f" Its code is '{code}'." if code else "")
        )


def _normalize(raw: dict[str, Any], context: ReplyContext) -> None:
    """Members that every reply has, whole or chunk."""
    raw["id"] = raw.get("id") or context.id
    raw["created"] = raw.get("created") or context.created
    raw["model"] = context.model
    raw["choices"] = raw.get("choices") or []
    groq = raw.get("x_groq")
    raw["usage"] = usage_of(raw.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None))


def _normalize_choice(choice: dict[str, Any]) -> None:
    """Where hosts differ in a chunk's choice."""
    choice.setdefault("index", 0)
    choice["finish_reason"] = _finish_reason(choice["finish_reason"]) if choice.get("finish_reason") else None
    _normalize_logprobs(choice)
    delta = choice.get("delta") or {}
    choice["delta"] = delta
    if isinstance(delta, dict):
        delta["role"] = delta.get("role") or None  # some hosts send ""
        for position, call in enumerate(_objects(delta.get("tool_calls"))):
            call.setdefault("index", position)  # Gemini's compatible endpoint leaves it out
            call["type"] = call.get("type") or None


def _normalize_logprobs(choice: dict[str, Any]) -> None:
    """Both lists of OpenAI's logprobs stand even when null; older hosts only know the one of the content."""
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict):
        logprobs.setdefault("content", None)
        logprobs.setdefault("refusal", None)


def _finish_reason(reason: object) -> FinishReason:
    known = FINISH_REASONS.get(reason) if isinstance(reason, str) else None
    if known is None:
        raise UpstreamError(f"The provider stopped for a reason unknown to the gateway: {reason!r:.40}.")
    return known
