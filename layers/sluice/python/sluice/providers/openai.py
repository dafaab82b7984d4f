"""OpenAI's chat completions format, spoken by OpenAI and by many compatible hosts.

Source: https://platform.openai.com/docs/api-reference/chat. Compatible hosts are taken as they are where it does no
harm: members they leave out get defaults, members they add are passed on. What makes no sense is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, assert_never

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, FinishReason
from sluice.api.usage import CompletionTokensDetails, PromptTokensDetails, Usage
from sluice.credentials import AWSCredentials
from sluice.errors import SluiceError, UpstreamError
from sluice.providers.contract import ChatStream, ProviderCall, UpstreamRequest
from sluice.providers.failures import failure_of_status, retry_after_of
from sluice.wire.events import WireEvent
from sluice.wire.sse import SSEDecoder

ADDRESS: str | None = None
STREAM_CONTENT_TYPE = "text/event-stream"
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

_DONE = b"[DONE]"

_GATEWAY_MEMBERS = frozenset({"search_enabled"})
"""Request members that are Sluice's own and mean nothing to a provider."""

_OUR_MEMBERS = ("requestHash", "responseHash", "search_result", "error")

_REPORTED_STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "overloaded_error": 503,
    "engine_overloaded": 503,
}
"""What an error inside a reply of status 200 would have been as a status, by its code or type; anything else: 500."""

_CREDENTIAL_REASONS = frozenset({"API_KEY_INVALID"})
"""Google's reasons for a 400 that is the gateway's credential and not the client's request."""

_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"})
"""Codes that no waiting mends: the operator's account is at its end."""


def chat_request(call: ProviderCall) -> UpstreamRequest:
    """The request as it came, for the candidate's model; a stream is always asked for its usage."""
    request, target = call.request, call.target
    body = request.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(_GATEWAY_MEMBERS))
    body["model"] = target.model
    if request.streams:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    headers = {
        **{name.lower(): value for name, value in target.headers.items()},
        "content-type": "application/json",
        "accept": STREAM_CONTENT_TYPE if request.streams else "application/json",
    }
    match target.credential:
        case str(secret):
            headers["authorization"] = f"Bearer {secret}"
        case AWSCredentials():
            raise UpstreamError("A provider of OpenAI's format has no use for an AWS role.", retriable=False)
        case None:
            pass
        case _:
            assert_never(target.credential)
    return UpstreamRequest(
        url=f"{target.base_url.rstrip('/')}/chat/completions", body=to_json(body), headers=headers
    )


def chat_completion(body: bytes, call: ProviderCall) -> ChatCompletion:
    """A whole reply in OpenAI's format, under the name that the client asked for."""
    raw = _object(body)
    _raise_reported(raw)
    _normalize(raw, call)
    for choice in _objects(raw.get("choices")):
        choice["finish_reason"] = _finish_reason(choice.get("finish_reason"))
        choice.setdefault("index", 0)
        _normalize_logprobs(choice)
    raw["object"] = "chat.completion"
    reply = _validated(ChatCompletion, raw)
    if not reply.choices:
        raise UpstreamError("The provider answered without a choice.")
    return reply


def chat_stream(call: ProviderCall) -> ChatStream:
    """A translator for one streamed reply."""
    return _OpenAIStream(call)


class _OpenAIStream:
    """Chunks as they come, until ``[DONE]``.

    A stream is complete when each choice that began has a finish reason; ``[DONE]`` alone does not make it so. Its
    absence does not make it broken, because several hosts leave it out, but then every choice asked for must be there.
    """

    def __init__(self, call: ProviderCall) -> None:
        self._call = call
        self._open: set[int] = set()
        self._closed: set[int] = set()
        self._tool_calls: dict[int, tuple[int, str | None]] = {}
        self.finished = False

    @property
    def complete(self) -> bool:
        expected = 1 if self.finished else (self._call.request.n or 1)
        return len(self._closed) >= expected and self._open <= self._closed

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        if self.finished:
            return ()
        if event.data.strip() == _DONE:
            self.finished = True
            return ()
        raw = _object(event.data)
        _raise_reported(raw)
        _normalize(raw, self._call)
        for part in _objects(raw.get("choices")):
            _normalize_choice(part)
            self._number_tool_calls(part)
        raw["object"] = "chat.completion.chunk"
        chunk = _validated(ChatCompletionChunk, raw)
        for choice in chunk.choices:
            self._open.add(choice.index)
            if choice.finish_reason is not None:
                self._closed.add(choice.index)
        return (chunk,) if chunk.choices or chunk.usage is not None else ()

    def _number_tool_calls(self, choice: dict[str, Any]) -> None:
        """Give a call its ``index`` where a host leaves it out (Gemini's compatible endpoint).

        A new id, or without any id a name, begins the next call; anything else goes on with the last one.
        """
        delta = choice["delta"]
        for call in _objects(delta.get("tool_calls") if isinstance(delta, dict) else None):
            last, last_id = self._tool_calls.get(choice["index"], (-1, None))
            call_id = call.get("id") or None
            if call.get("index") is None:
                function = call.get("function")
                named = isinstance(function, dict) and bool(function.get("name"))
                begins = call_id != last_id if call_id else named
                call["index"] = last + 1 if begins or last < 0 else last
            if isinstance(call["index"], int):
                same = call["index"] == last
                self._tool_calls[choice["index"]] = (call["index"], call_id or (last_id if same else None))


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where the provider sent none.

    DeepSeek counts cached prompt tokens in ``prompt_cache_hit_tokens``; Groq sends its usage under ``x_groq``. Hosts of
    Gemini's models leave what it thought out of the completion, but not out of the total, and bill it all the same.
    """
    if not isinstance(raw, dict):
        return None
    counted = _validated(_RawUsage, raw)
    completion_details = dict(counted.completion_tokens_details or {})
    unseen = counted.total_tokens - counted.prompt_tokens - counted.completion_tokens
    if unseen > 0:
        counted.completion_tokens += unseen
        completion_details.setdefault("reasoning_tokens", unseen)
    prompt_details = dict(counted.prompt_tokens_details or {})
    prompt_details.setdefault("cached_tokens", counted.prompt_cache_hit_tokens)
    return Usage(
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.prompt_tokens + counted.completion_tokens,
        prompt_tokens_details=_details(PromptTokensDetails, prompt_details),
        completion_tokens_details=_details(CompletionTokensDetails, completion_details),
    )


def failure(status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
    """OpenAI's error object, or whatever a compatible host or a proxy before it answered."""
    try:
        raw = from_json(body)
    except ValueError:
        raw = None  # not JSON: the status says enough
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]  # Google wraps it in an array
    return _failure_of(status, raw.get("error") if isinstance(raw, dict) else None, retry_after_of(headers))


def _failure_of(status: int, error: object, retry_after: float | None = None) -> SluiceError:
    try:
        reported = _ReportedError.model_validate(error)
    except ValidationError:
        reported = _ReportedError()
    if reported.code in _QUOTA_CODES or reported.type in _QUOTA_CODES:
        return UpstreamError("The gateway's account at the provider is exhausted.", retriable=False)
    if any(detail.get("reason") in _CREDENTIAL_REASONS for detail in _objects(reported.details)):
        status = 401
    return failure_of_status(
        status, reported.message, param=reported.param, code=reported.code, retry_after=retry_after
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
    details: object = None


_Tokens = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    total_tokens: _Tokens = 0
    prompt_cache_hit_tokens: _Tokens | None = None
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
    """An ``error`` member in a reply of status 200 is a failure all the same, with the status that its code names."""
    error = raw.get("error")
    if not error:
        return
    kind, code = (error.get("type"), error.get("code")) if isinstance(error, dict) else (None, None)
    names = [name for name in (code, kind) if isinstance(name, str)]
    status = next((_REPORTED_STATUSES[name] for name in names if name in _REPORTED_STATUSES), 500)
    if isinstance(code, int) and 400 <= code <= 599:
        status = code
    raise _failure_of(status, error)


def _normalize(raw: dict[str, Any], call: ProviderCall) -> None:
    """Members that every reply has, whole or chunk. What the gateway adds itself is not taken from elsewhere."""
    for member in _OUR_MEMBERS:
        raw.pop(member, None)
    raw["id"] = raw.get("id") or call.id
    raw["created"] = raw.get("created") or int(call.now)
    raw["model"] = call.request.model
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
        for call in _objects(delta.get("tool_calls")):
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
