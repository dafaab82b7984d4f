"""Each host's replies, in the shapes that its documentation and its SDK show, come out in OpenAI's.

``documented/<host>`` has them: ``whole.json`` and ``stream.sse`` say the same, ``tools.json`` and ``tools.sse`` too.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from chat_operations import chat_of
from openai_schemas import check_chunk, check_completion
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk, ReplyMessage
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.errors import InvalidRequestError, OverloadedError, UpstreamError
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.registry import PROVIDERS

FOLDER = Path(__file__).with_name("documented")
HOSTS = sorted(path.name for path in FOLDER.iterdir())
CALL = ProviderCall(
    validate(ChatCompletionRequest, {"model": "asked-for", "messages": [{"role": "user", "content": "Hi"}]}),
    Target("host", "http://host.example", "up"),
    id="chatcmpl-ours",
    now=1_795_000_000.0,
)
CACHED = {"ollama": None}
"""Hosts that do not say in OpenAI's place what they had cached: then it costs the whole price."""

DETAILS = {
    "mistral": {
        "type": "reasoning.text",
        "text": "Greet back. Politely.",
        "signature": "c2ln",
        "format": "mistral-thinking",
        "index": 0,
    },
    "openrouter": {
        "type": "reasoning.text",
        "text": "Greet back. Politely.",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
}
"""What comes back with the next turn."""


def bytes_of(host: str, name: str) -> bytes:
    return (FOLDER / host / name).read_bytes()


def whole(host: str, name: str) -> ChatCompletion:
    return chat_of(PROVIDERS[host]).whole_reply(bytes_of(host, name), CALL)


def streamed(host: str, name: str, *, cut: int | None = None) -> list[ChatCompletionChunk]:
    """The chunks of a stream whose bytes come in pieces of ``cut``; all of it has to be there."""
    chat = chat_of(PROVIDERS[host])
    decoder, stream = chat.new_decoder(), chat.reply_stream(CALL)
    data = bytes_of(host, name)
    size = cut or len(data)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    events = [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.flush())
    chunks = [chunk for event in events for chunk in stream.feed(event)]
    assert stream.complete
    return chunks


def added_up(chunks: list[ChatCompletionChunk]) -> ChatCompletion:
    accumulator = ChatAccumulator()
    for chunk in chunks:
        accumulator.add(chunk)
    return accumulator.whole()


def message_of(reply: ChatCompletion) -> ReplyMessage:
    (choice,) = reply.choices
    return choice.message


def test_there_are_replies_of_every_host() -> None:
    declared = {kind for kind in PROVIDERS if PROVIDERS[kind].chat.__class__.__name__ == "HostChat"}
    assert set(HOSTS) == declared - {"openai-platform"}  # whose shapes these are


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("form", ["whole", "stream"])
def test_text_and_thoughts(host: str, form: str) -> None:
    reply = whole(host, "whole.json") if form == "whole" else added_up(streamed(host, "stream.sse"))
    check_completion(with_hashes(reply))
    message = message_of(reply)
    assert (message.content, message.reasoning_content) == ("Grüezi!", "Greet back. Politely.")
    assert reply.choices[0].finish_reason == "stop"
    assert "reasoning" not in message.model_dump()
    details = message.reasoning_details
    signed = host in DETAILS and (
        form == "whole" or host != "mistral"
    )  # its documented stream has no signature
    assert details == ([DETAILS[host]] if signed else None)
    usage = reply.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (21, 12, 33)
    cached = None if usage.prompt_tokens_details is None else usage.prompt_tokens_details.cached_tokens
    assert cached == CACHED.get(host, 16)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("form", ["whole", "stream"])
def test_tool_calls(host: str, form: str) -> None:
    reply = whole(host, "tools.json") if form == "whole" else added_up(streamed(host, "tools.sse"))
    check_completion(with_hashes(reply))
    (call,) = message_of(reply).tool_calls or []
    assert call.id
    assert call.function is not None
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Zürich"})
    assert reply.choices[0].finish_reason == "tool_calls"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 117 == reply.usage.prompt_tokens + reply.usage.completion_tokens


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["stream.sse", "tools.sse"])
def test_a_stream_is_the_same_however_its_bytes_come(host: str, name: str) -> None:
    chunks = streamed(host, name)
    for chunk in chunks:
        check_chunk(chunk.model_dump(mode="json"))
    for cut in (1, 7, 64):
        assert streamed(host, name, cut=cut) == chunks


def with_hashes(reply: ChatCompletion) -> dict[str, Any]:
    """As the client gets it."""
    return {**reply.model_dump(mode="json"), "requestHash": "0" * 64, "responseHash": "0" * 64}


def test_details_come_once_and_whole_in_a_stream() -> None:
    found = [
        detail
        for chunk in streamed("openrouter", "stream.sse")
        for choice in chunk.choices
        for detail in choice.delta.reasoning_details or ()
    ]
    assert found == [DETAILS["openrouter"]]


def test_a_signature_that_comes_last_belongs_to_the_whole_thought() -> None:
    chat = chat_of(PROVIDERS["mistral"])
    data = bytes_of("mistral", "stream.sse").replace(b'"Politely."}]', b'"Politely."}],"signature":"c2ln"')
    stream, decoder = chat.reply_stream(CALL), chat.new_decoder()
    reply = added_up([chunk for event in decoder.feed(data) for chunk in stream.feed(event)])
    assert message_of(reply).reasoning_details == [DETAILS["mistral"]]


@pytest.mark.parametrize(
    ("host", "status", "message", "param"),
    [
        ("mistral", 422, "messages[1].user.name: Extra inputs are not permitted", "messages[1].user.name"),
        ("deepseek", 400, "must be passed back", None),
        ("groq", 400, "'logprobs' is not supported", "logprobs"),
        ("together", 422, "must be at least 1", "max_tokens"),
        ("xai", 400, "Argument not supported on this model: presencePenalty", None),
        ("openrouter", 400, "not a valid model ID", None),
        ("vllm", 400, "maximum context length is 4096", None),
        ("ollama", 400, "invalid image input", None),
    ],
)
def test_what_is_the_clients_fault_is_told_in_the_hosts_words(
    host: str, status: int, message: str, param: str | None
) -> None:
    error = PROVIDERS[host].failure(status, {}, bytes_of(host, "error.json"))
    assert isinstance(error, InvalidRequestError)
    assert message in error.message
    assert (error.status, error.param) == (400, param)


def test_a_prompt_that_moderation_refuses_is_no_fault_of_the_credential() -> None:
    error = PROVIDERS["openrouter"].failure(403, {}, bytes_of("openrouter", "moderated.json"))
    assert isinstance(error, InvalidRequestError)
    assert error.code == "content_policy_violation"
    assert isinstance(PROVIDERS["openrouter"].failure(403, {}, b"{}"), UpstreamError)


@pytest.mark.parametrize("host", HOSTS)
def test_an_account_without_credit_is_told_as_such(host: str) -> None:
    error = PROVIDERS[host].failure(402, {}, b'{"error":{"message":"Insufficient Balance"}}')
    assert isinstance(error, UpstreamError)
    assert (error.message, error.retriable) == (
        "The gateway's account at the provider is exhausted.",
        False,
    )


def test_a_tier_without_room_is_an_overload() -> None:
    assert isinstance(PROVIDERS["groq"].failure(498, {}, b"{}"), OverloadedError)


def test_an_error_inside_a_good_reply_is_one() -> None:
    with pytest.raises(OverloadedError):
        whole("openrouter", "failed.json")
    with pytest.raises(UpstreamError):
        whole("vllm", "aborted.json")


@pytest.mark.parametrize("host", ["groq", "openrouter"])
def test_an_error_in_a_stream_breaks_it(host: str) -> None:
    with pytest.raises(UpstreamError):
        streamed(host, "failed.sse")


def test_a_lack_of_resources_is_no_end() -> None:
    data = bytes_of("deepseek", "whole.json").replace(b'"stop"', b'"insufficient_system_resource"')
    with pytest.raises(OverloadedError):
        chat_of(PROVIDERS["deepseek"]).whole_reply(data, CALL)
