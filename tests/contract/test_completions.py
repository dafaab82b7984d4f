"""Text completions (the legacy endpoint) through the gateway, by the official clients: a model of its own kind."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types import Completion

from adding_up import digest, text_completion_of, without_hashes
from event_stream import DONE, chunks_of, frames_of
from gateway_process import BOTH_WAYS
from mock_completions import TEXT, tokens_of
from mock_provider import TEXT_MODEL, Case, MockProvider
from mock_text_completions import LOGPROB, prompts_of
from openai_schemas import check_error, check_text_completion
from sdk_clients import Traffic, sync_client
from text_bodies import INPUTS, completion_body
from text_chunks import check_order, text_of

PATH = "/v1/completions"
DEFAULT_MAX_TOKENS = 16


@pytest.mark.parametrize("form", INPUTS)
def test_a_completion(base_url: str, key: str, case: Case, traffic: Traffic, form: str) -> None:
    with sync_client(base_url, key, traffic) as client:
        reply = client.completions.create(
            model=TEXT_MODEL, prompt=INPUTS[form], n=2, echo=True, user=case.user
        )
    check_text_completion(traffic.last.json())
    prompts = ["".join(tokens) for tokens in prompts_of({"prompt": INPUTS[form]})]
    assert [choice.text for choice in reply.choices] == [text + TEXT for text in prompts for _ in range(2)]
    assert [choice.index for choice in reply.choices] == list(range(2 * len(prompts)))
    assert {choice.finish_reason for choice in reply.choices} == {"stop"}
    assert (reply.object, reply.model) == ("text_completion", TEXT_MODEL)
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply._request_id
    (received,) = case.requests
    assert received.path == PATH
    assert received.json["prompt"] == INPUTS[form]


async def test_for_the_asynchronous_client(aclient: openai.AsyncOpenAI, case: Case, traffic: Traffic) -> None:
    reply = await aclient.completions.create(model=TEXT_MODEL, prompt="Say hello", user=case.user)
    check_text_completion(traffic.last.json())
    assert reply.choices[0].text == TEXT
    assert reply.choices[0].logprobs is None
    stream = await aclient.completions.create(
        model=TEXT_MODEL, prompt="Say hello", user=case.user, stream=True
    )
    chunks = [chunk async for chunk in stream]
    check_order(chunks)
    assert text_of(chunks) == TEXT


MEMBERS: dict[str, Any] = {
    "suffix": "and so on",
    "max_tokens": 7,
    "temperature": 0.7,
    "top_p": 0.5,
    "n": 2,
    "best_of": 3,
    "logprobs": 2,
    "echo": True,
    "stop": ["a line", "Done"],
    "presence_penalty": -1.5,
    "frequency_penalty": 0,
    "logit_bias": {"50256": -100},
    "seed": 2**53 + 1,
    "top_k": 40,
    "guided_choice": ["a", "b"],
}


def test_nothing_is_added_and_nothing_lost(http: httpx.Client, case: Case) -> None:
    sent = completion_body(case, **MEMBERS)
    assert http.post(PATH, json=sent).status_code == 200
    assert json.dumps(case.arrived().json, sort_keys=True) == json.dumps(sent, sort_keys=True)


def test_the_default_limit_is_the_gateways_own(client: openai.OpenAI, case: Case) -> None:
    client.completions.create(model=TEXT_MODEL, prompt="Say hello", user=case.user)
    assert case.arrived().json["max_tokens"] == DEFAULT_MAX_TOKENS


def test_a_prompt_can_be_scored_alone(client: openai.OpenAI, case: Case, traffic: Traffic) -> None:
    reply = client.completions.create(
        model=TEXT_MODEL, prompt="Say hello", max_tokens=0, echo=True, logprobs=1, user=case.user
    )
    check_text_completion(traffic.last.json())
    assert reply.choices[0].text == "Say hello"
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.token_logprobs == [None, LOGPROB]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 0


def test_logprobs(client: openai.OpenAI, case: Case, traffic: Traffic) -> None:
    reply = client.completions.create(model=TEXT_MODEL, prompt="Hello", logprobs=2, user=case.user)
    check_text_completion(traffic.last.json())
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens == list(tokens_of(TEXT))
    assert logprobs.token_logprobs == [LOGPROB] * len(tokens_of(TEXT))
    assert [len(top) for top in logprobs.top_logprobs or []] == [2] * len(tokens_of(TEXT))
    assert logprobs.text_offset is not None
    assert logprobs.text_offset[:2] == [0, len(tokens_of(TEXT)[0])]


@pytest.mark.parametrize(("stop", "expected"), [("mock", "mock"), (["none", "the"], "the")])
def test_stop(client: openai.OpenAI, case: Case, stop: str | list[str], expected: str) -> None:
    reply = client.completions.create(model=TEXT_MODEL, prompt="Hello", stop=stop, user=case.user)
    assert reply.choices[0].text == TEXT.partition(expected)[0]
    assert reply.choices[0].finish_reason == "stop"


def test_the_limit_is_told_as_finish_reason(client: openai.OpenAI, case: Case) -> None:
    reply = client.completions.create(model=TEXT_MODEL, prompt="Hello", max_tokens=2, user=case.user)
    assert reply.choices[0].finish_reason == "length"


@pytest.mark.parametrize("include_usage", [None, False, True])
def test_a_stream(base_url: str, key: str, case: Case, traffic: Traffic, include_usage: bool | None) -> None:
    options = {} if include_usage is None else {"stream_options": {"include_usage": include_usage}}
    with sync_client(base_url, key, traffic) as client:
        stream = client.completions.create(
            **completion_body(case, prompt=["Say hello", "Bye"], n=2, echo=True, stream=True, **options)
        )
        chunks = list(stream)
    check_order(chunks, choices=4)
    for index, prompt in enumerate(("Say hello", "Say hello", "Bye", "Bye")):
        assert text_of(chunks, index) == prompt + TEXT
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [bool(include_usage)]
    if include_usage:
        assert chunks[-1].choices == []
        assert all("usage" in chunk.to_dict() for chunk in chunks)
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["x-request-id"]
    assert case.arrived().json["stream_options"] == {"include_usage": True}, "the bill needs it"


def test_logprobs_of_a_stream(client: openai.OpenAI, case: Case) -> None:
    chunks = list(
        client.completions.create(
            model=TEXT_MODEL, prompt="Hello", echo=True, logprobs=1, stream=True, user=case.user
        )
    )
    check_order(chunks)
    entries = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert "".join(token for entry in entries for token in entry.tokens or []) == "Hello" + TEXT


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "usage": {"stream_options": {"include_usage": True}},
    "choices": {"prompt": ["Hello", "Bye"], "n": 2},
    "logprobs": {"logprobs": 2, "echo": True},
    "through chat": {"model": "gpt-4o-mini"},
    "through chat, logprobs": {"model": "gpt-4o-mini", "logprobs": 1, "n": 2},
    "through chat, echo": {"model": "gpt-4o-mini", "echo": True},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stream_says_what_a_whole_reply_says(http: httpx.Client, case: Case, variant: str) -> None:
    sent = completion_body(case, **VARIANTS[variant])
    asked_whole = {name: value for name, value in sent.items() if name != "stream_options"}
    asked_for_usage = sent | {"stream": True, "stream_options": {"include_usage": True}}
    whole = http.post(PATH, json=asked_whole).json()
    streamed = text_completion_of(chunks_of(http.post(PATH, json=asked_for_usage).content))
    ignored = {"id", "created", "requestHash", "responseHash"}
    assert {name: value for name, value in whole.items() if name not in ignored} == {
        name: value for name, value in streamed.items() if name not in ignored
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("stream", [True, False])
def test_hashes(http: httpx.Client, case: Case, variant: str, stream: bool) -> None:
    sent = completion_body(case, **VARIANTS[variant]) | ({"stream": True} if stream else {})
    if not stream:
        sent.pop("stream_options", None)
    reply = http.post(PATH, json=sent)
    if stream:
        *others, last = chunks_of(reply.content)
        assert not any({"requestHash", "responseHash"} & set(chunk) for chunk in others)
        whole = text_completion_of([*others, last])
    else:
        last = reply.json()
        whole = without_hashes(last)
    assert last["requestHash"] == digest(sent)
    assert last["responseHash"] == digest(whole)


BROKEN = ["cut", "cut_in_an_event", "ended_early", "done_without_finish", "malformed_event", "error_event"]


@pytest.mark.parametrize("model", [TEXT_MODEL, "gpt-4o-mini"])
@pytest.mark.parametrize("behaviour", BROKEN)
def test_a_broken_stream_raises(
    client: openai.OpenAI, http: httpx.Client, provider: MockProvider, behaviour: str, model: str
) -> None:
    user = provider.case(behaviour).user
    said = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in client.completions.create(model=model, prompt="Hello", user=user, stream=True):
            said += chunk.choices[0].text
    assert not isinstance(caught.value, openai.APIStatusError), "it began well, so it is no error of HTTP's"
    assert said
    assert TEXT.startswith(said)
    assert said != TEXT
    body = {"model": model, "prompt": "Hello", "user": user, "stream": True}
    *good, last = frames_of(http.post(PATH, json=body).content)
    error = json.loads(last.removeprefix(b"data: "))
    check_error(error)
    assert error["error"]["code"] == "upstream_error"
    assert DONE not in good
    assert not any(b"responseHash" in frame for frame in good)


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        ("bad_request", 400, "invalid_value"),
        ("context_overflow", 400, "context_length_exceeded"),
        ("rate_limited", 503, "overloaded"),
        ("server_error", 502, "upstream_error"),
        ("unauthorized", 502, "upstream_error"),
        ("page", 502, "upstream_error"),
        ("empty", 502, "upstream_error"),
        ("malformed_json", 502, "upstream_error"),
        ("wrong_shape", 502, "upstream_error"),
        ("not_an_object", 502, "upstream_error"),
        ("error_with_status_200", 502, "upstream_error"),
        ("disconnected", 502, "upstream_error"),
        ("held", 504, "upstream_timeout"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_of_the_provider(
    http: httpx.Client, provider: MockProvider, behaviour: str, stream: bool, status: int, code: str
) -> None:
    reply = http.post(PATH, json=completion_body(provider.case(behaviour), stream=stream))
    assert reply.status_code == status, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["code"] == code
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [TEXT_MODEL, "gpt-4o-mini"])
def test_a_host_that_does_not_count(
    client: openai.OpenAI, provider: MockProvider, model: str, stream: bool
) -> None:
    user = provider.case("without_usage").user
    reply = client.completions.create(model=model, prompt="Hello", user=user, stream=stream)
    if isinstance(reply, Completion):
        check_text_completion(reply.to_dict())
        assert reply.choices[0].text == TEXT
    else:
        assert text_of(list(reply)) == TEXT


def test_a_chat_model_with_completions_of_its_own(client: openai.OpenAI, case: Case) -> None:
    reply = client.completions.create(model=BOTH_WAYS, prompt=[1, 2], suffix="!", user=case.user)
    assert reply.choices[0].text == TEXT
    assert case.arrived().path == PATH
