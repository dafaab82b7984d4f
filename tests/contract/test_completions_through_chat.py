"""Text completions by a chat model, which is asked through chat: what that can express, and what it cannot."""

from typing import Any

import openai
import pytest
from openai.types import Completion

from mock_completions import TEXT
from mock_provider import Case
from openai_schemas import check_error, check_text_completion
from sdk_clients import Traffic
from text_bodies import completion_body
from text_chunks import check_order, text_of

DEFAULT_MAX_TOKENS = 16


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
