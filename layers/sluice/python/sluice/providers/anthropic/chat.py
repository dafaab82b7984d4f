"""Chat by Anthropic's Messages API.

Source: https://platform.claude.com/docs/en/api/messages.
"""

from typing import Any

from pydantic_core import to_json

from sluice.api.chat_reply import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    Function,
    ReplyMessage,
    ToolCall,
)
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.anthropic import requests
from sluice.providers.anthropic.conversation import conversation_of
from sluice.providers.anthropic.failures import raise_reported
from sluice.providers.anthropic.formats import format_of
from sluice.providers.anthropic.members import cached
from sluice.providers.anthropic.reasoning import redacted_detail, thinking_detail
from sluice.providers.anthropic.replies import finish_reason, id_of, refusal_of, text_of, unknown_block
from sluice.providers.anthropic.streams import MessageStream
from sluice.providers.anthropic.thinking import thinking_of
from sluice.providers.anthropic.tools import tools_of
from sluice.providers.anthropic.usage import usage_of
from sluice.providers.contract import ProviderCall, ReplyStream, UpstreamRequest
from sluice.providers.reading import parsed_object
from sluice.wire.sse import SSEDecoder

type Call = ProviderCall[ChatCompletionRequest]

STREAM_CONTENT_TYPE = requests.STREAM_CONTENT_TYPE
new_decoder = SSEDecoder

DEFAULT_TEMPERATURE = 1
EVERY_TOKEN = 1
"""The ``top_p`` that leaves none out."""

DEFAULT_MAX_TOKENS = 4_096
"""Anthropic wants a limit in each request; this one stands where neither the client nor the catalogue gives one."""


def upstream_request(call: Call) -> UpstreamRequest:
    """The request in Anthropic's words.

    Raises:
        InvalidRequestError: the conversation cannot be one for Anthropic.
        UnsupportedParameterError: Anthropic has no way to say it.
        UpstreamError: the target's credential is of a kind that Anthropic does not know.
    """
    request, target = call.request, call.target
    conversation = conversation_of(request.messages, target.capabilities)
    max_tokens = request.output_limit or target.output_tokens or DEFAULT_MAX_TOKENS
    thinking, effort = thinking_of(
        request,
        max_tokens,
        target.capabilities,
        resumes_without_thoughts=conversation.resumes_without_thoughts,
    )
    body: dict[str, Any] = {"model": target.model, "max_tokens": max_tokens}
    if conversation.system:
        body["system"] = _system(conversation.system)
    body["messages"] = conversation.turns
    body |= tools_of(request, conversation.called)
    body |= _sampling(request)
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    if thinking is not None:
        body["thinking"] = thinking
    output = {"effort": effort, "format": format_of(request.response_format)}
    if any(output.values()):
        body["output_config"] = {name: value for name, value in output.items() if value}
    cached(body, request.model_extra, "")
    if request.streams:
        body["stream"] = True
    return requests.post(target, "/messages", body, streams=request.streams)


def _system(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """The system prompt: one text, unless parts of it are to be cached."""
    if any(len(block) > 2 for block in blocks):
        return blocks
    return "\n\n".join(block["text"] for block in blocks)


def _sampling(request: ChatCompletionRequest) -> dict[str, Any]:
    """How the answer is chosen. What Anthropic does anyway is not said, for newer models refuse it all the same."""
    found: dict[str, Any] = {}
    if request.temperature not in (None, DEFAULT_TEMPERATURE):
        if request.temperature > 1:
            raise UnsupportedParameterError(
                "The model's provider takes temperatures from 0 to 1.", param="temperature"
            )
        found["temperature"] = request.temperature
    if request.top_p not in (None, EVERY_TOKEN):
        found["top_p"] = request.top_p
    top_k = (request.model_extra or {}).get("top_k")
    if top_k is not None:
        found["top_k"] = top_k
    if request.stop:
        stops = [request.stop] if isinstance(request.stop, str) else request.stop
        if any(not stop or stop.isspace() for stop in stops):
            raise UnsupportedParameterError(
                "The model's provider takes no stop sequence of nothing but white space.", param="stop"
            )
        found["stop_sequences"] = stops
    return found


def whole_reply(body: bytes, call: Call) -> ChatCompletion:
    """A whole reply, under the name that the client asked for.

    Raises:
        SluiceError: it is none, or reports a failure.
    """
    raw = parsed_object(body)
    raise_reported(raw)
    blocks = raw.get("content")
    if not isinstance(blocks, list):
        raise UpstreamError("The provider's answer has no content.")
    message = _Message()
    for index, block in enumerate(blocks):
        message.add(index, block)
    choice = Choice(
        index=0,
        message=message.whole(refusal_of(raw)),
        finish_reason=finish_reason(raw.get("stop_reason")),
    )
    return ChatCompletion(
        id=id_of(raw) or call.id,
        created=int(call.now),
        model=call.request.model,
        choices=[choice],
        usage=usage_of(raw.get("usage")),
    )


class _Message:
    """What the blocks of a message say together."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._details: list[dict[str, Any]] = []
        self._calls: list[ToolCall] = []

    def add(self, index: int, block: Any) -> None:
        match block:
            case {"type": "text"}:
                self._texts.append(text_of(block, "text"))
            case {"type": "thinking"}:
                thought = text_of(block, "thinking")
                self._thoughts.append(thought)
                signature = text_of(block, "signature") if "signature" in block else None
                self._details.append(thinking_detail(thought, signature, index))
            case {"type": "redacted_thinking"}:
                self._details.append(redacted_detail(text_of(block, "data"), index))
            case {"type": "tool_use"} if isinstance(arguments := block.get("input") or {}, dict):
                function = Function(name=text_of(block, "name"), arguments=to_json(arguments).decode())
                self._calls.append(ToolCall(id=text_of(block, "id"), function=function))
            case _:
                raise unknown_block(block)

    def whole(self, refusal: str | None) -> ReplyMessage:
        return ReplyMessage(
            content="".join(self._texts) if self._texts else None,
            refusal=refusal,
            reasoning_content="".join(self._thoughts) or None,
            reasoning_details=self._details or None,
            tool_calls=self._calls or None,
        )


def reply_stream(call: Call) -> ReplyStream[ChatCompletionChunk]:
    """A translator for one streamed reply."""
    return MessageStream(call)
