"""Requests to Anthropic's provider, and what becomes of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mock_anthropic import fault
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.providers.anthropic import PROVIDER, chat
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.features import check_supported
from sluice.wire.events import WireEvent

MODEL = "claude-sonnet-4-6"
TARGET = Target("anthropic", "https://api.anthropic.com", MODEL, "sk-ant-upstream", output_tokens=8_000)
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
CITY: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def target(*capabilities: str, model: str = MODEL) -> Target:
    """A model of these capabilities."""
    return replace(TARGET, model=model, capabilities=frozenset(capabilities))


def call(to: Target = TARGET, **members: Any) -> ProviderCall[ChatCompletionRequest]:
    """A request on its way."""
    request = validate(ChatCompletionRequest, {"model": "asked-for", "messages": [USER], **members})
    return ProviderCall(request, to, id="chatcmpl-ours", now=1_700_000_000.5)


def sent(to: Target = TARGET, **members: Any) -> dict[str, Any]:
    """What Anthropic gets, which it would take."""
    asked = call(to, **members)
    check_supported(asked.request, PROVIDER.features)
    request = chat.upstream_request(asked)
    assert fault(request) is None
    body: dict[str, Any] = json.loads(request.body)
    return body


def called(*ids: str, **members: Any) -> dict[str, Any]:
    """An assistant's message that calls the tool, once for each id."""
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **members}


def result(call_id: str, content: Any = "sunny") -> dict[str, Any]:
    """What the tool answers."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def events_in(data: bytes) -> list[WireEvent]:
    """A stream's events."""
    decoder = chat.new_decoder()
    return decoder.feed(data) + decoder.flush()


def chunks_of(events: Iterable[WireEvent | dict[str, Any]]) -> tuple[list[ChatCompletionChunk], bool]:
    """A stream's chunks, and whether it is complete."""
    stream = chat.reply_stream(call())
    found: list[ChatCompletionChunk] = []
    for each in events:
        found += stream.feed(each if isinstance(each, WireEvent) else WireEvent(json.dumps(each).encode()))
    return found, stream.complete


def added_up(chunks: Sequence[ChatCompletionChunk]) -> ChatCompletion:
    """The reply that chunks make together."""
    accumulator = ChatAccumulator()
    for chunk in chunks:
        accumulator.add(chunk)
    return accumulator.whole()
