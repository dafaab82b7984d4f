"""Bedrock's models by OpenAI's official client, through a real gateway.

One provider of the catalogue is let in with the gateway's role (here the development server's), one with an API key.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from gateway_process import GatewayProcess
from mock_bedrock import CLAUDE, COHERE, KEY, LLAMA, NOVA, SIGNATURE, THOUGHT, TITAN, MockBedrock, vector_of
from mock_completions import TEXT
from mock_http import Received
from mock_turns import Call, Count, Turn
from openai_schemas import check_completion
from sdk_clients import Traffic, sync_client
from sluice.local.aws_process import REGION
from sluice.money import parse_usd
from sluice.stores.access import MADE_UP

ROWS = """
[providers.bedrock]
kind = "bedrock"
base_url = "{url}"

[providers.keyed]
kind = "bedrock"
base_url = "{url}"
credential = "AWS_BEARER_TOKEN_BEDROCK"

[providers.real]
kind = "bedrock"
"""
MODEL = """
[[models]]
id = "{name}"
kind = "{kind}"
candidates = [{{ provider = "{provider}", model = "{model}" }}]
context_tokens = 200000
output_tokens = 8192
price = {price}
capabilities = ["tools", "vision", "json_schema", "thinking"]
"""
CHAT_PRICE = '{ input = "1", cached_input = "0.1", cache_write = "1.25", output = "5" }'
CHAT = {
    "claude": ("bedrock", CLAUDE),
    "llama": ("keyed", LLAMA),
    "nova": ("bedrock", NOVA),
    "real": ("real", CLAUDE),
}
EMBEDDINGS = {"titan": TITAN, "cohere": COHERE}
USER: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PICTURE = "data:image/png;base64,iVBORw0KGgo="


def rows(url: str) -> str:
    found = [ROWS.format(url=url)]
    for name, (provider, model) in CHAT.items():
        found.append(MODEL.format(name=name, kind="chat", provider=provider, model=model, price=CHAT_PRICE))
    for name, model in EMBEDDINGS.items():
        found.append(
            MODEL.format(
                name=name, kind="embedding", provider="bedrock", model=model, price='{ input = "0.02" }'
            )
        )
    return "".join(found)


@pytest.fixture(scope="module")
def bedrock() -> Iterator[MockBedrock]:
    with MockBedrock(KEY, MADE_UP._replace(region=REGION)) as mock:
        yield mock


@pytest.fixture(scope="module")
def site(bedrock: MockBedrock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state: Path = tmp_path_factory.mktemp("bedrock")
    with GatewayProcess(
        state,
        "http://127.0.0.1:1",
        "sk-none",
        more=rows(bedrock.url),
        secrets={"AWS_BEARER_TOKEN_BEDROCK": KEY},
    ) as process:
        yield process


@pytest.fixture(scope="module")
def record(site: GatewayProcess) -> dict[str, Any]:
    """A key of this module's."""
    return site.create_key("--plan", "enterprise")


@pytest.fixture
def seen() -> Traffic:
    return Traffic()


@pytest.fixture
def client(site: GatewayProcess, record: dict[str, Any], seen: Traffic) -> Iterator[openai.OpenAI]:
    with sync_client(f"{site.url}/v1", record["key"], seen) as found:
        yield found


def last(bedrock: MockBedrock) -> Received:
    return bedrock.all_requests()[-1]


def tagged(tag: str) -> dict[str, Any]:
    return {"requestMetadata": {"tag": tag}}


@pytest.mark.parametrize(
    ("model", "scheme"), [("claude", "AWS4-HMAC-SHA256 "), ("llama", "Bearer "), ("nova", "AWS4")]
)
def test_text_with_either_credential(
    client: openai.OpenAI, bedrock: MockBedrock, seen: Traffic, model: str, scheme: str
) -> None:
    reply = client.chat.completions.create(model=model, messages=USER, max_tokens=50)
    check_completion(seen.last.json())
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == (TEXT, "stop")
    assert reply.model == model
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (20, 9, 29)
    assert last(bedrock).headers["authorization"].startswith(scheme)
    assert last(bedrock).json["inferenceConfig"] == {"maxTokens": 50}


@pytest.mark.parametrize("model", ["claude", "llama"])
def test_a_stream(client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.create(
        model=model, messages=USER, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert len(chunks) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 29


@pytest.mark.parametrize("streams", [False, True])
def test_a_loop_with_tools_and_thoughts(client: openai.OpenAI, bedrock: MockBedrock, streams: bool) -> None:
    asked: dict[str, Any] = {
        "model": "claude",
        "tools": [WEATHER],
        "reasoning_effort": "low",
        "max_tokens": 6000,
    }

    def turn(messages: list[Any]) -> Any:
        if not streams:
            return client.chat.completions.create(**asked, messages=messages).choices[0]
        with client.chat.completions.stream(**asked, messages=messages) as stream:
            return stream.get_final_completion().choices[0]

    first = turn(USER)
    assert first.finish_reason == "tool_calls"
    (call,) = first.message.tool_calls
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert json.loads(call.function.arguments).keys() == {"city"}
    assert first.message.reasoning_content == THOUGHT
    thoughts = first.message.model_extra["reasoning_details"]
    said = {
        "role": "assistant",
        "content": first.message.content,
        "tool_calls": [{"id": call.id, "type": "function", "function": call.function.model_dump()}],
        "reasoning_details": thoughts,
    }
    second = turn([*USER, said, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}])
    assert (second.message.content, second.finish_reason) == (TEXT, "stop")
    sent = last(bedrock).json["messages"]
    assert sent[1]["content"][0] == {
        "reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}
    }
    assert sent[2]["content"] == [{"toolResult": {"toolUseId": call.id, "content": [{"text": "sunny"}]}}]


def test_a_picture_and_a_document(client: openai.OpenAI, bedrock: MockBedrock) -> None:
    content: list[Any] = [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}},
    ]
    client.chat.completions.create(
        model="nova", messages=[{"role": "user", "content": content}], max_tokens=9
    )
    sent = last(bedrock).json["messages"][0]["content"]
    assert [next(iter(block)) for block in sent] == ["text", "image", "document"]


def test_a_schema(client: openai.OpenAI) -> None:
    schema: Any = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    reply = client.chat.completions.create(
        model="claude",
        messages=USER,
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
    )
    assert json.loads(reply.choices[0].message.content or "") == {"n": 0}


def test_embeddings(client: openai.OpenAI) -> None:
    one = client.embeddings.create(model="titan", input="one two", dimensions=256)
    assert one.data[0].embedding == vector_of("one two", 256)
    assert one.usage.prompt_tokens == 2
    many = client.embeddings.create(model="cohere", input=["a", "b"], dimensions=256)
    assert [row.embedding for row in many.data] == [vector_of("a", 256), vector_of("b", 256)]
    assert many.usage.prompt_tokens > 0
    texts = [f"text {number}" for number in range(20)]
    raw = client.embeddings.with_raw_response.create(model="titan", input=texts, dimensions=256)
    parted = raw.parse()
    assert [row.embedding for row in parted.data] == [vector_of(text, 256) for text in texts]
    assert (parted.usage.prompt_tokens, raw.headers["x-sluice-attempts"]) == (40, "1")


@pytest.mark.parametrize("streams", [False, True])
def test_what_is_used_is_in_the_ledger_at_its_price(
    site: GatewayProcess, bedrock: MockBedrock, streams: bool
) -> None:
    own = site.create_key("--plan", "enterprise", "--budget", "1")
    usage = Count(prompt=100, completion=10, cached=30, cache_written=20)
    tag = bedrock.says(Turn(text=("Hi",), usage=usage))
    with sync_client(f"{site.url}/v1", own["key"], Traffic()) as client:
        asked: dict[str, Any] = {
            "model": "claude",
            "messages": USER,
            "max_tokens": 20,
            "extra_body": tagged(tag),
        }
        if streams:
            list(client.chat.completions.create(**asked, stream=True))
        else:
            client.chat.completions.create(**asked)
    (row,) = site.usage("--key", own["id"], until=len)
    # 50 tokens at 1 USD a million, 30 at 0.1, 20 at 1.25, and 10 at 5.
    assert (row["prompt_tokens"], row["cached_tokens"], row["completion_tokens"]) == (100, 30, 10)
    assert parse_usd(row["cost"]) == 50_000 + 3_000 + 25_000 + 50_000


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("invalid", 400, None),
        ("denied", 502, "upstream_error"),
        ("expired", 502, "upstream_error"),
        ("not_found", 404, "model_not_found"),
        ("timeout", 504, "upstream_timeout"),
        ("model_error", 502, "upstream_error"),
        ("throttled", 503, "overloaded"),
        ("unavailable", 503, "overloaded"),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_failures_are_enveloped(
    client: openai.OpenAI, name: str, status: int, code: str | None, streams: bool
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model="claude", messages=USER, stream=streams, extra_body=tagged(f"{name}/1")
        )
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers["x-request-id"]


def test_an_exception_before_the_first_word_is_a_status(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model="claude", messages=USER, stream=True, extra_body=tagged("throttled_at_once/1")
        )
    assert caught.value.status_code == 503


@pytest.mark.parametrize(
    "behaviour", ["throttled_in_the_middle", "model_error_in_the_middle", "cut", "no_stop", "damaged"]
)
def test_a_stream_that_breaks_does_not_look_complete(client: openai.OpenAI, behaviour: str) -> None:
    received = []
    with (
        pytest.raises(openai.APIError),
        client.chat.completions.create(
            model="claude", messages=USER, stream=True, extra_body=tagged(f"{behaviour}/1")
        ) as stream,
    ):
        for chunk in stream:
            received.append(chunk)  # noqa: PERF402 - what came before the failure stays
    assert received
    assert all(chunk.choices[0].finish_reason is None for chunk in received)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"temperature": 1.5}, "temperature"),
        ({"extra_body": {"x": 1}}, "x"),
    ],
)
def test_what_bedrock_cannot_express_is_refused(
    client: openai.OpenAI, members: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="claude", messages=USER, **members)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)


def test_the_development_servers_credentials_go_to_no_real_host(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="real", messages=USER)
    assert "not configured" in caught.value.message


def test_calls_of_many_tools_keep_their_order(client: openai.OpenAI, bedrock: MockBedrock) -> None:
    calls = [Call(f"tool_{number}", ["{}"], f"id_{number}") for number in range(3)]
    tag = bedrock.says(Turn(calls=calls, end="tool_calls"))
    with client.chat.completions.stream(model="claude", messages=USER, extra_body=tagged(tag)) as stream:
        found = stream.get_final_completion().choices[0].message.tool_calls or []
    assert [call.id for call in found] == ["id_0", "id_1", "id_2"]


def test_no_credential_is_in_what_the_gateway_prints(site: GatewayProcess) -> None:
    assert KEY[:16] not in site.output
    assert "Signature=" not in site.output
