"""The mock itself, by the official client and OpenAI's schemas: what is proven with it is worth as much as it is."""

import openai
import pytest
from pydantic import BaseModel

from chat_bodies import MESSAGES, city_tool
from mock_completions import REASONING, REFUSAL, TEXT
from mock_framings import FRAMINGS
from mock_provider import MODELS, Case, MockProvider
from openai_schemas import check_chunk, check_completion, check_error, check_model, check_models
from sdk_clients import Traffic, sync_client


def test_lists_models(direct: openai.OpenAI) -> None:
    listed = direct.models.list()
    check_models(listed.to_dict())
    assert {model.id for model in listed} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_tells_of_a_model(direct: openai.OpenAI, name: str) -> None:
    found = direct.models.retrieve(name)
    check_model(found.to_dict())
    assert found.id == name


def test_knows_no_other_model(direct: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        direct.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


def test_whole_reply(direct: openai.OpenAI, provider: MockProvider, direct_traffic: Traffic) -> None:
    case = provider.case()
    reply = direct.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, user=case.user)
    check_completion(reply.to_dict())
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id == direct_traffic.last.headers["x-request-id"]
    assert [received.json["model"] for received in case.requests] == ["gpt-4o-mini"]


@pytest.mark.parametrize("include_usage", [True, False])
def test_streamed_reply(direct: openai.OpenAI, provider: MockProvider, include_usage: bool) -> None:
    chunks = list(
        direct.chat.completions.create(
            model="gpt-4o-mini",
            messages=MESSAGES,
            user=provider.case().user,
            stream=True,
            stream_options={"include_usage": include_usage},
        )
    )
    for chunk in chunks:
        check_chunk(chunk.to_dict())
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(word for word in said if word) == TEXT
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [include_usage]


def test_parallel_tool_calls_are_the_same_whole_and_streamed(
    direct: openai.OpenAI, provider: MockProvider
) -> None:
    tools = [city_tool("weather"), city_tool("traffic")]
    whole = direct.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, tools=tools, user=provider.case().user
    )
    check_completion(whole.to_dict())
    with direct.chat.completions.stream(model="gpt-4o-mini", messages=MESSAGES, tools=tools) as stream:
        streamed = stream.get_final_completion()
    for reply in (whole.choices[0], streamed.choices[0]):
        calls = [call.function for call in reply.message.tool_calls or [] if call.type == "function"]
        assert [call.name for call in calls] == ["weather", "traffic"]
        assert {call.arguments for call in calls} == {'{"city": "Z\\u00fcrich", "days": 3}'}
        assert reply.finish_reason == "tool_calls"


def test_obeys_a_schema(direct: openai.OpenAI) -> None:
    class Person(BaseModel):
        name: str
        tags: list[str]

    reply = direct.chat.completions.parse(model="gpt-4o-mini", messages=MESSAGES, response_format=Person)
    assert reply.choices[0].message.parsed == Person(name="x", tags=[])


def test_variants_of_an_answer(direct: openai.OpenAI, provider: MockProvider) -> None:
    thoughtful = direct.chat.completions.create(model="deepseek-reasoner", messages=MESSAGES)
    check_completion(thoughtful.to_dict())
    assert (thoughtful.choices[0].message.model_extra or {})["reasoning_content"] == REASONING
    refused = direct.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, user=provider.case("refusal").user
    )
    check_completion(refused.to_dict())
    assert refused.choices[0].message.refusal == REFUSAL
    several = direct.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, n=3, logprobs=True, top_logprobs=2, max_tokens=2
    )
    check_completion(several.to_dict())
    assert [choice.finish_reason for choice in several.choices] == ["length"] * 3
    logprobs = several.choices[2].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert [len(entry.top_logprobs) for entry in logprobs.content] == [2, 2]


@pytest.mark.parametrize(
    ("behaviour", "expected", "code"),
    [
        ("rate_limited", openai.RateLimitError, "rate_limit_exceeded"),
        ("insufficient_quota", openai.RateLimitError, "insufficient_quota"),
        ("bad_request", openai.BadRequestError, "invalid_value"),
        ("context_overflow", openai.BadRequestError, "context_length_exceeded"),
        ("unauthorized", openai.AuthenticationError, "invalid_api_key"),
        ("forbidden", openai.PermissionDeniedError, "model_not_found"),
        ("model_not_found", openai.NotFoundError, "model_not_found"),
        ("server_error", openai.InternalServerError, None),
        ("unavailable", openai.InternalServerError, None),
    ],
)
def test_errors(
    direct: openai.OpenAI,
    provider: MockProvider,
    direct_traffic: Traffic,
    behaviour: str,
    expected: type[openai.APIStatusError],
    code: str | None,
) -> None:
    with pytest.raises(expected) as caught:
        direct.chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, user=provider.case(behaviour).user
        )
    assert caught.value.code == code
    assert caught.value.request_id == direct_traffic.last.headers["x-request-id"]
    check_error(direct_traffic.last.json())


def streamed_text(client: openai.OpenAI, case: Case) -> str:
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, user=case.user, stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


# The format allows a byte order mark and fields that stand alone; the client takes neither.
@pytest.mark.parametrize("framing", sorted(FRAMINGS.keys() - {"framed_byte_order_mark", "framed_fields"}))
def test_odd_framings_are_legal(direct: openai.OpenAI, provider: MockProvider, framing: str) -> None:
    assert streamed_text(direct, provider.case(framing)) == TEXT


@pytest.mark.parametrize("behaviour", ["cut", "cut_in_an_event"])
def test_a_broken_transfer_is_seen(direct: openai.OpenAI, provider: MockProvider, behaviour: str) -> None:
    with pytest.raises(openai.APIConnectionError):
        streamed_text(direct, provider.case(behaviour))


def test_an_early_end_passes_for_success(direct: openai.OpenAI, provider: MockProvider) -> None:
    """The reason why a gateway has to look for finish_reason itself."""
    text = streamed_text(direct, provider.case("ended_early"))
    assert TEXT.startswith(text)
    assert text != TEXT


def test_notices_that_the_client_left(direct: openai.OpenAI, provider: MockProvider) -> None:
    case = provider.case("stalled")
    stream = direct.chat.completions.create(
        model="gpt-4o-mini", messages=MESSAGES, user=case.user, stream=True
    )
    next(stream)
    assert not case.arrived().client_left.is_set()
    stream.close()
    assert case.arrived().client_left.wait(10)
    assert not case.arrived().answered.is_set()


def test_a_held_reply_waits_for_its_release(provider: MockProvider) -> None:
    case = provider.case("held")
    case.release()
    with sync_client(provider.url, provider.credential, Traffic()) as client:
        assert client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, user=case.user).choices
    assert case.arrived().answered.wait(10)


def test_refuses_a_foreign_credential(provider: MockProvider) -> None:
    with (
        sync_client(provider.url, "sk-of-a-client", Traffic()) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()
