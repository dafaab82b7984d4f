"""The Gemini API behind the gateway: OpenAI's official client in front, a mock as strict as Google's behind."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from gateway_process import GatewayProcess
from mock_embeddings import vector_of
from mock_gemini import (
    BUDGETED,
    DIMENSIONS,
    EMBEDDER,
    KEY,
    PLAIN,
    SIGNATURE,
    TEXT,
    THINKER,
    THOUGHTS,
    MockGemini,
)
from openai_schemas import check_chunk, check_completion
from sdk_clients import Traffic, sync_client

CATALOG = """
[providers.gemini]
kind = "gemini"
base_url = "{url}"
credential = "GEMINI_API_KEY"
"""
ROW = """
[[models]]
id = "google/{name}"
kind = "{kind}"
candidates = [{{ provider = "gemini", model = "{name}" }}]
context_tokens = 1048576
output_tokens = 65536
image_tokens = 1120
price = {{ input = "0.30", cached_input = "0.03", output = "2.50" }}
"""
NO_LOGPROBS = 'unsupported_parameters = ["logprobs", "top_logprobs"]\n'

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"city": {"const": "Zürich"}, "days": {"type": ["integer", "null"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def mock() -> Iterator[MockGemini]:
    with MockGemini() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(mock: MockGemini, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    rows = [ROW.format(name=name, kind="chat") for name in (THINKER, BUDGETED, PLAIN)]
    rows[0] += NO_LOGPROBS
    rows.append(ROW.format(name=EMBEDDER, kind="embedding"))
    more = CATALOG.format(url=mock.url) + "".join(rows)
    state = tmp_path_factory.mktemp("gemini")
    with GatewayProcess(state, mock.url, "sk-unused", more=more, secrets={"GEMINI_API_KEY": KEY}) as process:
        yield process


@pytest.fixture(scope="module")
def key(gateway: GatewayProcess) -> dict[str, Any]:
    """A key with a budget: each request is held for, and settled."""
    return gateway.create_key("--plan", "enterprise", "--budget", "1000")


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def client(gateway: GatewayProcess, key: dict[str, Any], traffic: Traffic) -> Iterator[openai.OpenAI]:
    with sync_client(f"{gateway.url}/v1", str(key["key"]), traffic) as found:
        yield found


def hello(text: str = "Hello") -> list[ChatCompletionMessageParam]:
    return [{"role": "system", "content": "Be brief"}, {"role": "user", "content": text}]


@pytest.mark.parametrize("model", [PLAIN, BUDGETED, THINKER])
def test_text(client: openai.OpenAI, mock: MockGemini, model: str) -> None:
    reply = client.chat.completions.create(
        model=f"google/{model}",
        messages=hello(),
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=["END"],
        extra_body={"top_k": 40},
    )
    check_completion(reply.to_dict())
    (choice,) = reply.choices
    assert (choice.message.content, choice.finish_reason) == ("".join(TEXT), "stop")
    thinks = model != PLAIN
    assert choice.message.to_dict().get("reasoning_content") == ("".join(THOUGHTS) if thinks else None)
    assert reply.usage
    assert reply.usage.prompt_tokens == 20
    assert reply.usage.completion_tokens == (12 if thinks else 7)
    assert reply.usage.prompt_tokens_details
    assert reply.usage.prompt_tokens_details.cached_tokens == 4
    sent = mock.last("Be brief")
    assert KEY not in sent.path
    assert sent.path == f"/v1beta/models/{model}:generateContent"
    assert sent.json["systemInstruction"] == {"parts": [{"text": "Be brief"}]}
    thinking = {"thinkingConfig": {"includeThoughts": True}} if thinks else {}
    assert sent.json["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 100,
        "stopSequences": ["END"],
        "seed": 7,
        **thinking,
    }


@pytest.mark.parametrize("model", [PLAIN, BUDGETED, THINKER])
def test_a_stream_says_the_same(client: openai.OpenAI, traffic: Traffic, model: str) -> None:
    whole = client.chat.completions.create(model=f"google/{model}", messages=hello())
    chunks = list(
        client.chat.completions.create(
            model=f"google/{model}",
            messages=hello(),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    for chunk in chunks:
        check_chunk(chunk.to_dict())
    deltas = [choice.delta.to_dict() for chunk in chunks for choice in chunk.choices]
    (message,) = [choice.message.to_dict() for choice in whole.choices]
    for member in ("content", "reasoning_content"):
        assert "".join(str(delta.get(member) or "") for delta in deltas) == (message.get(member) or "")
    details = [detail for delta in deltas for detail in _list(delta.get("reasoning_details"))]
    assert details == _list(message.get("reasoning_details"))
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert [chunk.usage for chunk in chunks if chunk.usage] == [whole.usage]


def _list(value: Any) -> list[Any]:
    return list(value or ())


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_loop_by_a_client_that_keeps_signatures_and_one_that_does_not(
    client: openai.OpenAI, mock: MockGemini, stream: bool, keeps: bool
) -> None:
    question = f"The weather in Zürich? {stream} {keeps}"
    messages: list[Any] = hello(question)
    options: Any = {"model": f"google/{THINKER}", "tools": [WEATHER]}
    if stream:
        with client.chat.completions.stream(messages=messages, **options) as events:
            reply = events.get_final_completion().to_dict()
    else:
        reply = client.chat.completions.create(messages=messages, **options).to_dict()
    choice: Any = reply["choices"][0]  # type: ignore[index]  # the SDK calls it an object
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Zürich"}
    assert call["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    function = {name: call["function"][name] for name in ("name", "arguments")}
    kept = {"extra_content": call["extra_content"]} if keeps else {}
    messages += [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call["id"], "type": "function", "function": function, **kept}],
        },
        {"role": "tool", "tool_call_id": call["id"], "content": '{"degrees": 21}'},
    ]
    answer = client.chat.completions.create(messages=messages, **options)
    assert answer.choices[0].message.content == 'The tool says [{"degrees": 21}]'
    part = mock.last(question).json["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == (SIGNATURE if keeps else "skip_thought_signature_validator")


def test_parallel_calls_have_ids_of_their_own(client: openai.OpenAI) -> None:
    traffic: Any = {**WEATHER, "function": {"name": "traffic"}}
    reply = client.chat.completions.create(
        model=f"google/{BUDGETED}", messages=hello("Both?"), tools=[WEATHER, traffic], tool_choice="required"
    )
    calls = [call for call in reply.choices[0].message.tool_calls or [] if call.type == "function"]
    assert [call.function.name for call in calls] == ["weather", "traffic"]
    assert len({call.id for call in calls}) == 2
    assert all(len(call.id) <= 40 for call in calls)


def test_vision(client: openai.OpenAI, mock: MockGemini) -> None:
    content: Any = [
        {"type": "text", "text": "What do you see?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.webp"}},
    ]
    reply = client.chat.completions.create(
        model=f"google/{PLAIN}", messages=[{"role": "user", "content": content}]
    )
    assert reply.choices[0].message.content
    assert mock.last("What do you see?").json["contents"][0]["parts"][1:] == [
        {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/cat.webp"}},
    ]


def test_structured_output(client: openai.OpenAI) -> None:
    class Person(BaseModel):
        name: str
        tags: list[str]

    reply = client.chat.completions.parse(
        model=f"google/{BUDGETED}", messages=hello("Who?"), response_format=Person
    )
    assert reply.choices[0].message.parsed == Person(name="x", tags=[])


def test_several_answers_with_logprobs(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=f"google/{PLAIN}", messages=hello(), n=2, logprobs=True, top_logprobs=2
    )
    check_completion(reply.to_dict())
    assert [choice.index for choice in reply.choices] == [0, 1]
    logprobs = reply.choices[1].logprobs
    assert logprobs
    assert [entry.token for entry in logprobs.content or ()] == list(TEXT)
    assert len((logprobs.content or [])[0].top_logprobs) == 2


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        (BUDGETED, "none", {"thinkingBudget": 0}),
        (BUDGETED, "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        (THINKER, "high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
    ],
)
def test_effort(client: openai.OpenAI, mock: MockGemini, model: str, effort: Any, sent: Any) -> None:
    text = f"{model} {effort}"
    client.chat.completions.create(model=f"google/{model}", messages=hello(text), reasoning_effort=effort)
    assert mock.last(text).json["generationConfig"]["thinkingConfig"] == sent


@pytest.mark.parametrize(
    ("model", "members", "param"),
    [
        (PLAIN, {"reasoning_effort": "high"}, "reasoning_effort"),
        (THINKER, {"reasoning_effort": "none"}, "reasoning_effort"),
        (THINKER, {"logprobs": True}, "logprobs"),
        (PLAIN, {"logit_bias": {"1": 1}}, "logit_bias"),
        (PLAIN, {"n": 9}, "n"),
        (PLAIN, {"verbosity": "low"}, "verbosity"),
    ],
)
def test_what_gemini_cannot_say_is_refused_by_name(
    client: openai.OpenAI, model: str, members: Any, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=f"google/{model}", messages=hello(), **members)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)


def test_a_blocked_prompt_is_a_reply(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=f"google/{PLAIN}", messages=hello("#blocked"))
    (choice,) = reply.choices
    assert (choice.finish_reason, choice.message.content) == ("content_filter", None)
    assert "PROHIBITED_CONTENT" in (choice.message.refusal or "")
    chunks = client.chat.completions.create(model=f"google/{PLAIN}", messages=hello("#blocked"), stream=True)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.refusal or "" for choice in choices) == reply.choices[0].message.refusal
    assert choices[-1].finish_reason == "content_filter"


def test_an_unsafe_answer_ends_where_it_was_filtered(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=f"google/{PLAIN}", messages=hello("#unsafe"))
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("Hello", "content_filter")


@pytest.mark.parametrize(
    ("order", "status", "code", "retry_after"),
    [
        ("too_long", 400, None, None),
        ("limited", 503, "overloaded", "8"),
        ("overloaded", 503, "overloaded", "1"),
        ("spent", 502, "upstream_error", None),
        ("not_served", 502, "upstream_error", None),
        ("broken", 502, "upstream_error", None),
        ("malformed", 502, "upstream_error", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors(
    client: openai.OpenAI, order: str, status: int, code: str | None, retry_after: str | None, stream: bool
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=f"google/{PLAIN}", messages=hello(f"#{order}"), stream=stream)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers.get("retry-after") == retry_after
    assert caught.value.request_id


@pytest.mark.parametrize("order", ["breaks", "cut"])
def test_a_stream_that_ends_early_does_not_look_complete(client: openai.OpenAI, order: str) -> None:
    with pytest.raises(openai.APIError):
        list(
            client.chat.completions.create(model=f"google/{PLAIN}", messages=hello(f"#{order}"), stream=True)
        )


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: openai.OpenAI, encoding: Any) -> None:
    made = client.embeddings.create(
        model=f"google/{EMBEDDER}", input=["a", "b"], dimensions=8, encoding_format=encoding
    )
    assert made.usage.prompt_tokens == 6
    if encoding == "float":
        assert [row.embedding for row in made.data] == [vector_of("a", 8), vector_of("b", 8)]
    by_itself = client.embeddings.create(model=f"google/{EMBEDDER}", input="a")
    assert by_itself.data[0].embedding == vector_of("a", DIMENSIONS)


def test_usage_and_cost_are_in_the_ledger(gateway: GatewayProcess, traffic: Traffic) -> None:
    """Each a whole and a streamed reply: 20 tokens read, 4 of them cached, and 12 written, 5 of them thoughts."""
    record = gateway.create_key("--plan", "enterprise", "--budget", "10")
    with sync_client(f"{gateway.url}/v1", str(record["key"]), traffic) as client:
        for stream in (False, True):
            reply = client.chat.completions.create(
                model=f"google/{THINKER}", messages=hello("#unsafe"), stream=stream
            )
            list(reply if stream else ())
    (spent,) = gateway.usage("--key", str(record["id"]), until=lambda rows: rows and rows[0]["requests"] == 2)
    cost = (16 * Decimal("0.30") + 4 * Decimal("0.03") + 12 * Decimal("2.50")) / 1_000_000
    assert Decimal(str(spent["cost"])) == 2 * cost, spent


def test_its_models_are_listed(gateway: GatewayProcess, client: openai.OpenAI) -> None:
    assert {f"google/{name}" for name in (THINKER, BUDGETED, PLAIN, EMBEDDER)} <= {
        model.id for model in client.models.list()
    }


def test_a_text_completion_goes_through_chat(client: openai.OpenAI) -> None:
    made = client.completions.create(model=f"google/{PLAIN}", prompt="Hello", max_tokens=50)
    assert (made.choices[0].text, made.choices[0].finish_reason) == ("".join(TEXT), "stop")
    chunks = client.completions.create(model=f"google/{PLAIN}", prompt="Hello", max_tokens=50, stream=True)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == "".join(TEXT)


def test_a_key_that_google_refuses_is_the_operators_trouble(
    mock: MockGemini, gateway: GatewayProcess, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mock, "credential", "another")
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=f"google/{PLAIN}", messages=hello())
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")
    assert "provider gemini refuses the gateway's account" in gateway.output
    assert KEY[:16] not in gateway.output


def test_every_key_has_spent_what_its_rows_say(gateway: GatewayProcess, client: openai.OpenAI) -> None:
    """After all that went well and wrong before."""
    client.chat.completions.create(model=f"google/{PLAIN}", messages=hello())
    proof = gateway.sluice("reconcile")
    assert (proof["keys"] >= 1, proof["different"]) == (True, [])
