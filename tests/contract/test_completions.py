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
from openai_schemas import check_error, check_text_chunk, check_text_completion
from sdk_clients import Traffic, sync_client
from text_bodies import INPUTS, completion_body, embeddings_body

PATH = "/v1/completions"
DEFAULT_MAX_TOKENS = 16


def text_of(chunks: list[Completion], index: int = 0) -> str:
    return "".join(choice.text for chunk in chunks for choice in chunk.choices if choice.index == index)


def check_order(chunks: list[Completion], choices: int = 1) -> None:
    """Each chunk to the schema, one id throughout, and of each choice one finish reason, at its end."""
    for chunk in chunks:
        check_text_chunk(chunk.to_dict())
    for index in range(choices):
        parts = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
        assert [part.finish_reason is not None for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {(chunk.id, chunk.object, chunk.created, chunk.model) for chunk in chunks} == {
        (chunks[0].id, "text_completion", chunks[0].created, chunks[0].model)
    }


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


# ---- a chat model, which is asked through chat


@pytest.mark.parametrize("stream", [False, True])
def test_through_chat(client: openai.OpenAI, case: Case, traffic: Traffic, stream: bool) -> None:
    reply = client.completions.create(
        model="gpt-4o-mini",
        prompt="Say hello",
        n=2,
        echo=True,
        stop="none",
        temperature=0.5,
        user=case.user,
        stream=stream,
        extra_body={"top_k": 40},
    )
    expected = "Say hello" + TEXT.partition("none")[0]
    if isinstance(reply, Completion):
        check_text_completion(traffic.last.json())
        assert [choice.text for choice in reply.choices] == [expected] * 2
        assert reply.usage is not None
        assert reply.usage.total_tokens > 0
    else:
        chunks = list(reply)
        check_order(chunks, choices=2)
        assert [text_of(chunks, index) for index in range(2)] == [expected] * 2
    (received,) = case.requests
    assert received.path == "/v1/chat/completions"
    sent = {name: value for name, value in received.json.items() if not name.startswith("stream")}
    assert sent == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say hello"}],
        "n": 2,
        "stop": "none",
        "temperature": 0.5,
        "max_tokens": DEFAULT_MAX_TOKENS,
        "user": case.user,
        "top_k": 40,
    }


def test_logprobs_through_chat(client: openai.OpenAI, case: Case, traffic: Traffic) -> None:
    reply = client.completions.create(model="gpt-4o-mini", prompt="Hello", logprobs=1, user=case.user)
    check_text_completion(traffic.last.json())
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or []) == TEXT
    assert logprobs.text_offset is not None
    assert [
        TEXT[at:].startswith(token)
        for at, token in zip(logprobs.text_offset, logprobs.tokens or [], strict=True)
    ]


def test_the_finish_reason_through_chat(client: openai.OpenAI, case: Case) -> None:
    reply = client.completions.create(model="gpt-4o-mini", prompt="Hello", max_tokens=2, user=case.user)
    assert reply.choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"suffix": "and so on"}, "suffix"),
        ({"prompt": ["Hello", "Bye"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2], [3]]}, "prompt"),
        ({"best_of": 2}, "best_of"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"logprobs": 1, "echo": True}, "logprobs"),
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_chat_cannot_express(
    client: openai.OpenAI,
    case: Case,
    traffic: Traffic,
    members: dict[str, Any],
    param: str,
    stream: bool,
) -> None:
    if stream and "best_of" in members:
        return  # refused as such
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**completion_body(case, model="gpt-4o-mini", stream=stream) | members)
    check_error(traffic.last.json())
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert case.requests == []


@pytest.mark.parametrize("members", [{"best_of": 1}, {"n": 2, "best_of": 2}, {"prompt": ["Hello"]}], ids=str)
def test_what_chat_can_express_after_all(client: openai.OpenAI, case: Case, members: dict[str, Any]) -> None:
    reply = client.completions.create(**completion_body(case, model="gpt-4o-mini") | members)
    assert len(reply.choices) == members.get("n", 1)


# ---- what is wrong


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PATH, completion_body),
        ("/v1/embeddings", embeddings_body),
    ],
)
def test_a_null_member_is_no_fault(http: httpx.Client, case: Case, path: str, body: Any) -> None:
    """Frameworks send what they do not set as null."""
    names = ["suffix", "max_tokens", "n", "best_of", "logprobs", "echo", "stop", "stream", "stream_options"]
    names += ["temperature", "logit_bias", "seed", "encoding_format", "dimensions"]
    reply = http.post(path, json=body(case) | dict.fromkeys(names))
    assert reply.status_code == 200, reply.text


def test_an_empty_prompt_is_one(client: openai.OpenAI, case: Case) -> None:
    assert client.completions.create(model=TEXT_MODEL, prompt="", user=case.user).choices[0].text == TEXT


@pytest.mark.parametrize(
    ("member", "value", "param"),
    [
        ("prompt", 5, "prompt"),
        ("prompt", [], "prompt"),
        ("prompt", [[]], "prompt"),
        ("prompt", ["a", 5], "prompt"),
        ("prompt", [1, "a"], "prompt"),
        ("prompt", [-1], "prompt"),
        ("prompt", [1.5], "prompt"),
        ("prompt", [True], "prompt"),
        ("prompt", {"text": "Hello"}, "prompt"),
        ("max_tokens", -1, "max_tokens"),
        ("n", 0, "n"),
        ("n", 129, "n"),
        ("best_of", 0, "best_of"),
        ("best_of", 129, "best_of"),
        ("logprobs", 6, "logprobs"),
        ("logprobs", True, "logprobs"),
        ("echo", "yes", "echo"),
        ("suffix", 5, "suffix"),
        ("temperature", 2.1, "temperature"),
        ("top_p", -0.1, "top_p"),
        ("stop", ["a", "b", "c", "d", "e"], "stop"),
        ("presence_penalty", 2.1, "presence_penalty"),
        ("logit_bias", {"1": 101}, "logit_bias"),
        ("seed", "lucky", "seed"),
        ("stream", "maybe", "stream"),
        ("stream_options", {"include_usage": "often"}, "stream_options.include_usage"),
        ("user", 5, "user"),
        ("model", 5, "model"),
        ("model", None, "model"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/api/v1/completions"])
def test_out_of_range(http: httpx.Client, case: Case, path: str, member: str, value: Any, param: str) -> None:
    reply = http.post(path, json=completion_body(case) | {member: value})
    assert reply.status_code == 400, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert (reply.json()["error"]["param"] or "").startswith(param), reply.text
    assert case.requests == []


def test_fewer_are_written_than_are_wanted(http: httpx.Client, case: Case) -> None:
    for members in ({"n": 3, "best_of": 2}, {"best_of": 2, "stream": True}):
        reply = http.post(PATH, json=completion_body(case, **members))
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "best_of")
    assert case.requests == []


@pytest.mark.parametrize("member", ["model", "prompt"])
def test_a_required_member_is_missing(http: httpx.Client, case: Case, member: str) -> None:
    body = completion_body(case)
    del body[member]
    reply = http.post(PATH, json=body)
    assert reply.status_code == 400
    check_error(reply.json())
    assert reply.json()["error"]["param"] == member


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"a": NaN}'])
@pytest.mark.parametrize("path", [PATH, "/v1/embeddings"])
def test_no_json_object(http: httpx.Client, path: str, content: bytes) -> None:
    reply = http.post(path, content=content)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_json")
    check_error(reply.json())


@pytest.mark.parametrize("name", ["gpt-9", "text-embedding-3-small"])
def test_a_model_that_completes_nothing(
    client: openai.OpenAI, case: Case, traffic: Traffic, name: str
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(model=name, prompt="Hello", user=case.user)
    check_error(traffic.last.json())
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize("name", [TEXT_MODEL, "text-embedding-3-small"])
def test_a_model_that_does_not_chat(client: openai.OpenAI, case: Case, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Hello"}], user=case.user
        )
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert case.requests == []
