"""Chat by Gemini: ``generateContent`` and ``streamGenerateContent``.

A prompt that Gemini's filters block is answered without any candidate and with status 200. It is a good reply here,
too, of one choice with the finish reason ``content_filter`` and a refusal that names the filter: as OpenAI's clients
know it, and as nothing that another attempt would mend.

Source: https://ai.google.dev/api/generate-content.
"""

from collections.abc import Sequence
from typing import Any

from sluice.api.chat_reply import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    Function,
    FunctionDelta,
    ReplyMessage,
    ToolCall,
    ToolCallDelta,
)
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.gemini import requests
from sluice.providers.gemini.contents import conversation_of
from sluice.providers.gemini.generation import generation_config, safety_settings
from sluice.providers.gemini.logprobs import logprobs_of
from sluice.providers.gemini.replies import (
    Listener,
    Said,
    SaidCall,
    block_reason,
    finish_reason,
    refusal,
    reply_id,
    reply_object,
)
from sluice.providers.gemini.signatures import extra_content
from sluice.providers.gemini.thinking import way_of
from sluice.providers.gemini.tools import tools_of
from sluice.providers.gemini.usage import usage_of
from sluice.providers.one_call import one_call_of, one_call_stream
from sluice.providers.reading import count_of, objects_of
from sluice.wire.events import WireEvent
from sluice.wire.sse import SSEDecoder

type Call = ProviderCall[ChatCompletionRequest]

STREAM_CONTENT_TYPE = requests.STREAM_CONTENT_TYPE
new_decoder = SSEDecoder


def upstream_request(call: Call) -> UpstreamRequest:
    """The request in Gemini's words."""
    request, target = call.request, call.target
    body = conversation_of(request.messages, signed=way_of(target) == "thinking_level") | tools_of(request)
    config, safety = generation_config(request, target), safety_settings(request)
    if config:
        body["generationConfig"] = config
    if safety is not None:
        body["safetySettings"] = safety
    method = "streamGenerateContent" if request.streams else "generateContent"
    return requests.post(target, method, body, streams=request.streams)


def whole_reply(body: bytes, call: Call) -> ChatCompletion:
    """A whole reply, under the name that the client asked for."""
    raw = reply_object(body)
    name = reply_id(raw, call.id)
    blocked = block_reason(raw)
    if blocked is not None:
        message = ReplyMessage(refusal=refusal(blocked))
        choices = [Choice(index=0, message=message, finish_reason="content_filter")]
    else:
        candidates = objects_of(raw.get("candidates"))
        choices = [_choice(candidate, position, call.id) for position, candidate in enumerate(candidates)]
    if not choices:
        raise UpstreamError("The provider answered without a candidate.")
    reply = ChatCompletion(
        id=name,
        created=int(call.now),
        model=call.request.model,
        choices=choices,
        usage=usage_of(raw.get("usageMetadata")),
    )
    return one_call_of(reply, call.request)


def reply_stream(call: Call) -> ReplyStream[ChatCompletionChunk]:
    """A translator for one streamed reply."""
    return one_call_stream(_Stream(call), call.request)


class _Stream:
    """A streamed reply. Gemini announces no end: it is complete once every candidate asked for has ended."""

    finished = False

    def __init__(self, call: Call) -> None:
        self._call = call
        self._id: str | None = None
        self._expected = call.request.n or 1
        self._listeners: dict[int, Listener] = {}
        self._ended: set[int] = set()
        self._blocked = False

    @property
    def complete(self) -> bool:
        """See ``ReplyStream``."""
        every = len(self._ended) >= self._expected and self._listeners.keys() <= self._ended
        return self._blocked or every

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        """See ``ReplyStream``.

        Each event counts the usage anew. Only what is said from a candidate's end on is the true count; a stream that
        breaks off before is better estimated.
        """
        raw = reply_object(event.data)
        if self._id is None:
            self._id = reply_id(raw, self._call.id)
        blocked = block_reason(raw)
        if blocked is not None:
            self._blocked = True
            delta = Delta(refusal=refusal(blocked))
            choices = [ChunkChoice(index=0, delta=delta, finish_reason="content_filter")]
        else:
            choices = [
                choice
                for position, candidate in enumerate(objects_of(raw.get("candidates")))
                if (choice := self._choice(candidate, position)) is not None
            ]
        usage = usage_of(raw.get("usageMetadata")) if self._blocked or self._ended else None
        if not choices and usage is None:
            return ()
        return (
            ChatCompletionChunk(
                id=self._id,
                created=int(self._call.now),
                model=self._call.request.model,
                choices=choices,
                usage=usage,
            ),
        )

    def _choice(self, candidate: dict[str, Any], position: int) -> ChunkChoice | None:
        index = _index(candidate, position)
        listener = self._listeners.get(index)
        if listener is None:
            listener = self._listeners[index] = Listener(self._call.id, index)
        said = listener.hear(candidate)
        logprobs = logprobs_of(candidate.get("logprobsResult"))
        reason = candidate.get("finishReason")
        ended = reason and finish_reason(reason, has_calls=listener.has_calls)
        if ended:
            self._ended.add(index)
        elif not said and logprobs is None:
            return None
        return ChunkChoice(index=index, delta=_delta(said), logprobs=logprobs, finish_reason=ended or None)


def _choice(candidate: dict[str, Any], position: int, call_id: str) -> Choice:
    index = _index(candidate, position)
    listener = Listener(call_id, index)
    said = listener.hear(candidate)
    return Choice(
        index=index,
        message=ReplyMessage(
            content=said.text or None,
            reasoning_content=said.thoughts or None,
            reasoning_details=said.details or None,
            tool_calls=[_call(call) for call in said.calls] or None,
        ),
        logprobs=logprobs_of(candidate.get("logprobsResult")),
        finish_reason=finish_reason(candidate.get("finishReason"), has_calls=listener.has_calls),
    )


def _index(candidate: dict[str, Any], position: int) -> int:
    """Which candidate it is; the first one's number, 0, may be left out."""
    given = candidate.get("index")
    index = position if given is None else count_of(given)
    if index is None or index >= 2**31:
        raise UpstreamError("The provider's answer is malformed at 'candidates.index'.")
    return index


def _call(call: SaidCall) -> ToolCall:
    function = Function(name=call.name, arguments=call.arguments)
    if call.signature is None:
        return ToolCall(id=call.id, function=function)
    return ToolCall(id=call.id, function=function, extra_content=extra_content(call.signature))


def _delta(said: Said) -> Delta:
    return Delta(
        content=said.text or None,
        reasoning_content=said.thoughts or None,
        reasoning_details=said.details or None,
        tool_calls=[_call_delta(call) for call in said.calls] or None,
    )


def _call_delta(call: SaidCall) -> ToolCallDelta:
    extra = {} if call.signature is None else {"extra_content": extra_content(call.signature)}
    function = FunctionDelta(name=call.name, arguments=call.arguments)
    return ToolCallDelta(index=call.index, id=call.id, type="function", function=function, **extra)
