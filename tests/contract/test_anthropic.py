"""Anthropic behind the gateway: OpenAI's official client in front, a mock as strict as Anthropic behind."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from adding_up import completion_of
from gateway_process import GatewayProcess
from mock_anthropic import FAILURES, MODELS, SIGNATURE, THOUGHT, MockAnthropic
from mock_completions import TEXT
from mock_turns import Call, Count, Turn
from openai_schemas import check_chunk, check_completion, check_error
from sdk_clients import Traffic, sync_client
from sluice.money import parse_usd

CREDENTIAL = "sk-ant-api03-9d4e6f2a7c1b4f0e8a5d"
OPUS, SONNET, HAIKU = MODELS
PROVIDER = """
[providers.anthropic]
kind = "anthropic"
base_url = "{url}"
credential = "ANTHROPIC_API_KEY"
headers = {{ "anthropic-beta" = "context-1m-2025-08-07" }}
"""
ROW = """
[[models]]
id = "{name}"
candidates = [{{ provider = "anthropic", model = "{name}" }}]
context_tokens = 200000
output_tokens = 64000
price = {{ input = "3", cached_input = "0.30", cache_write = "3.75", output = "15" }}
capabilities = {capabilities}
unsupported_parameters = {refused}
"""
CAPABILITIES: dict[str, tuple[list[str], list[str]]] = {
    OPUS: (
        ["tools", "vision", "json_schema", "adaptive_thinking", "system_messages"],
        ["temperature", "top_p"],
    ),
    SONNET: (["tools", "vision", "json_schema", "adaptive_thinking"], []),
    HAIKU: (["tools", "vision", "json_schema", "thinking"], []),
}
GONE = "claude-gone"
USER: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather in Paris?"},
]
CITY: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
NOW: Any = {"type": "function", "function": {"name": "now"}}
TURN = Turn(
    text=("I ", "look."),
    reasoning=("Which ", "city?"),
    signature="c2lnbmF0dXJl",
    calls=[Call("weather", ['{"ci', 'ty": "Paris"}'], "toolu_1"), Call("now", [], "toolu_2")],
    end="tool_calls",
    usage=Count(prompt=3296, completion=214, cached=2048, cache_written=1200, reasoning=180),
)
COST = 48 * 3_000 + 2048 * 300 + 1200 * 3_750 + 214 * 15_000
"""Of that turn, in nano-USD, by the prices above."""

both_ways = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def mock() -> Iterator[MockAnthropic]:
    with MockAnthropic(CREDENTIAL) as serving:
        yield serving


@pytest.fixture(scope="module")
def gateway(mock: MockAnthropic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    rows = [
        ROW.format(name=name, capabilities=json.dumps(can), refused=json.dumps(refused))
        for name, (can, refused) in {**CAPABILITIES, GONE: ([], [])}.items()
    ]
    more = PROVIDER.format(url=mock.url) + "".join(rows)
    secrets = {"ANTHROPIC_API_KEY": CREDENTIAL}
    with GatewayProcess(
        tmp_path_factory.mktemp("anthropic"), mock.url, "sk-unused", more=more, secrets=secrets
    ) as process:
        yield process


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> str:
    """The secret of a key with a budget: each request is held for, and settled."""
    return str(gateway.create_key("--plan", "enterprise", "--budget", "1000")["key"])


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def client(gateway: GatewayProcess, key: str, traffic: Traffic) -> Iterator[openai.OpenAI]:
    with sync_client(f"{gateway.url}/v1", key, traffic) as found:
        yield found


@dataclass(frozen=True)
class Customer:
    """Someone with a key of their own, whose usage is seen apart."""

    client: openai.OpenAI
    gateway: GatewayProcess
    key_id: str

    def usage(self) -> Any:
        """The one line of it, as soon as there is one."""
        (line,) = self.gateway.usage("--key", self.key_id, until=bool)
        return line


@pytest.fixture
def customer(gateway: GatewayProcess, traffic: Traffic) -> Iterator[Customer]:
    record = gateway.create_key("--plan", "enterprise", "--budget", "1000")
    with sync_client(f"{gateway.url}/v1", str(record["key"]), traffic) as found:
        yield Customer(found, gateway, record["id"])


def ask(client: openai.OpenAI, *, streams: bool = False, **members: Any) -> ChatCompletion:
    """The reply, whole or put together from its stream, each by OpenAI's schemas."""
    asked = {"model": SONNET, "messages": USER, **members}
    if not streams:
        reply: ChatCompletion = client.chat.completions.create(**asked)
        check_completion(reply.to_dict())
        return reply
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    for chunk in chunks:
        check_chunk(chunk.to_dict())
    return ChatCompletion.model_validate(completion_of([chunk.to_dict() for chunk in chunks]))


def newest(mock: MockAnthropic) -> Any:
    """The body of the newest request for a message."""
    return [received for received in mock.all_requests() if received.path == "/v1/messages"][-1]


@both_ways
def test_text(client: openai.OpenAI, mock: MockAnthropic, streams: bool) -> None:
    reply = ask(
        client,
        temperature=0.5,
        top_p=0.9,
        stop=["END"],
        max_tokens=100,
        user="someone",
        extra_body={"top_k": 40},
        streams=streams,
    )
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == SONNET
    received = newest(mock)
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert received.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert received.json == {
        "model": SONNET,
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "someone"},
        **({"stream": True} if streams else {}),
    }


@both_ways
@pytest.mark.parametrize("model", [OPUS, SONNET, HAIKU])
def test_a_loop_of_tools_with_thoughts(
    client: openai.OpenAI, mock: MockAnthropic, model: str, streams: bool
) -> None:
    asked: dict[str, Any] = {
        "model": model,
        "tools": [CITY, NOW],
        "reasoning_effort": "high",
        "streams": streams,
    }
    first = ask(client, **asked)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.to_dict()["reasoning_content"] == THOUGHT
    calls = message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == ["weather", "now"]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    second = ask(client, **asked, messages=[*USER, message.to_dict(), *results])
    assert second.choices[0].message.content == TEXT
    sent = newest(mock).json["messages"]
    assert [block["type"] for block in sent[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert sent[1]["content"][0] == {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result"] * 2


@both_ways
@pytest.mark.parametrize("model", [OPUS, HAIKU])
def test_a_loop_whose_client_loses_the_thoughts(client: openai.OpenAI, model: str, streams: bool) -> None:
    asked: dict[str, Any] = {"model": model, "tools": [CITY], "reasoning_effort": "high", "streams": streams}
    message = ask(client, **asked).choices[0].message
    known = {"role": "assistant", "content": message.content, "tool_calls": message.to_dict()["tool_calls"]}
    result = {"role": "tool", "tool_call_id": (message.tool_calls or [])[0].id, "content": "sunny"}
    assert ask(client, **asked, messages=[*USER, known, result]).choices[0].message.content == TEXT


@both_ways
def test_a_turn_with_everything(customer: Customer, mock: MockAnthropic, streams: bool) -> None:
    reply = ask(
        customer.client, user=mock.says(TURN), tools=[CITY, NOW], reasoning_effort="low", streams=streams
    )
    message = reply.choices[0].message.to_dict()
    assert message["content"] == "I look."
    assert message["reasoning_content"] == "Which city?"
    assert message["reasoning_details"] == [
        {
            "type": "reasoning.text",
            "text": "Which city?",
            "signature": "c2lnbmF0dXJl",
            "format": "anthropic-claude-v1",
            "index": 0,
        }
    ]
    calls: Any = message["tool_calls"]
    assert [(call["id"], json.loads(call["function"]["arguments"])) for call in calls] == [
        ("toolu_1", {"city": "Paris"}),
        ("toolu_2", {}),
    ]
    assert reply.usage is not None
    usage = reply.usage.to_dict()
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (3296, 214, 3510)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 2048, "cache_write_tokens": 1200}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 180}
    line = customer.usage()
    counts = ("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "reasoning_tokens")
    assert [line[name] for name in counts] == [3296, 2048, 1200, 214, 180]
    assert parse_usd(line["cost"]) == COST
    assert line["estimated"] == 0


@both_ways
@pytest.mark.parametrize(("end", "finish"), [("length", "length"), ("content_filter", "content_filter")])
def test_other_ends(client: openai.OpenAI, mock: MockAnthropic, end: Any, finish: str, streams: bool) -> None:
    reply = ask(client, user=mock.says(Turn(text=("Well",), end=end)), streams=streams)
    assert reply.choices[0].finish_reason == finish
    assert (reply.choices[0].message.refusal is not None) is (finish == "content_filter")


@both_ways
def test_pictures_and_files(client: openai.OpenAI, mock: MockAnthropic, streams: bool) -> None:
    data = base64.b64encode(b"data").decode()
    parts = [
        {"type": "text", "text": "Compare.", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "a.pdf"}},
    ]
    reply = ask(client, messages=[{"role": "user", "content": parts}], streams=streams)
    assert reply.choices[0].message.content == TEXT
    blocks = newest(mock).json["messages"][0]["content"]
    assert [block["type"] for block in blocks] == ["text", "image", "image", "document"]
    assert blocks[0]["cache_control"] == {"type": "ephemeral"}


def test_a_schema_is_obeyed(client: openai.OpenAI) -> None:
    class Answer(BaseModel):
        city: str
        degrees: float

    reply = client.chat.completions.parse(model=SONNET, messages=USER, response_format=Answer)
    assert reply.choices[0].message.parsed == Answer(city="x", degrees=0.5)


def test_a_system_message_amid_the_conversation(client: openai.OpenAI, mock: MockAnthropic) -> None:
    messages = [*USER, {"role": "system", "content": "In French."}]
    ask(client, model=OPUS, messages=messages)
    assert [turn["role"] for turn in newest(mock).json["messages"]] == ["user", "system"]
    ask(client, model=SONNET, messages=messages)
    assert [turn["role"] for turn in newest(mock).json["messages"]] == ["user"]


CLASSES: dict[str, tuple[type[openai.APIStatusError], str | None]] = {
    "invalid": (openai.BadRequestError, None),
    "too_long": (openai.BadRequestError, None),
    "authentication": (openai.InternalServerError, "upstream_error"),
    "billing": (openai.InternalServerError, "upstream_error"),
    "permission": (openai.InternalServerError, "upstream_error"),
    "not_found": (openai.NotFoundError, "model_not_found"),
    "too_large": (openai.APIStatusError, "request_too_large"),
    "rate_limited": (openai.InternalServerError, "overloaded"),
    "spend_limit": (openai.InternalServerError, "upstream_error"),
    "server": (openai.InternalServerError, "upstream_error"),
    "timeout": (openai.InternalServerError, "upstream_timeout"),
    "overloaded": (openai.InternalServerError, "overloaded"),
}


@both_ways
@pytest.mark.parametrize("name", FAILURES)
def test_failures(client: openai.OpenAI, traffic: Traffic, name: str, streams: bool) -> None:
    kind, code = CLASSES[name]
    with pytest.raises(kind) as caught:
        ask(client, user=f"{name}/1", streams=streams)
    assert caught.value.code == code
    check_error(caught.value.response.json())
    told = caught.value.response.text + str(caught.value.response.headers)
    assert CREDENTIAL not in told
    assert "org-of-the-operator" not in told


def test_a_model_that_is_gone(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model=GONE)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("error_at_once", openai.InternalServerError),
        ("error_in_the_middle", openai.APIError),
        ("cut", openai.APIError),
        ("no_stop", openai.APIError),
    ],
)
def test_streams_that_break(client: openai.OpenAI, name: str, error: type[openai.APIError]) -> None:
    with pytest.raises(error) as caught:
        ask(client, user=f"{name}/1", streams=True)
    assert isinstance(caught.value, openai.APIStatusError) is (name == "error_at_once")


def test_a_stream_that_breaks_is_charged_with_the_prompt_that_was_told(customer: Customer) -> None:
    with pytest.raises(openai.APIError):
        ask(customer.client, user="cut/1", streams=True)
    line = customer.usage()
    assert (line["prompt_tokens"], line["cached_tokens"], line["cache_write_tokens"]) == (20, 4, 6)
    assert line["estimated"] == 1


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"stop": "\n"}, "stop"),
        ({"n": 2}, "n"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"model": OPUS, "temperature": 0.5}, "temperature"),
        ({"extra_body": {"speed": "fast"}}, "speed"),
        ({"reasoning_effort": "high", "temperature": 0.5}, "temperature"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "text",
                                "text": "Hi",
                                "cache_control": {"type": "ephemeral", "ttl": "1h"},
                            }
                        ],
                    }
                ]
            },
            "messages[0].content[0].cache_control.ttl",
        ),
    ],
)
def test_what_anthropic_cannot_express_is_refused_and_not_asked(
    client: openai.OpenAI, mock: MockAnthropic, members: dict[str, Any], param: str
) -> None:
    before = len(mock.all_requests())
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **members)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert len(mock.all_requests()) == before


def test_text_completions_go_through_chat(client: openai.OpenAI) -> None:
    assert client.completions.create(model=SONNET, prompt="Say hello", max_tokens=50).choices[0].text == TEXT


def test_the_books_are_right_after_all_this(gateway: GatewayProcess) -> None:
    assert gateway.sluice("reconcile")  # which fails where a counter is not what the ledger says
