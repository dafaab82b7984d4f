"""Request members reach the provider as they were written, known and unknown ones."""

import json
from typing import Any

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body, city_tool
from mock_provider import Case

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}

MEMBERS: dict[str, Any] = {
    "temperature": 0.7,
    "temperature_whole": 1,
    "top_p": 0.5,
    "n": 2,
    "stop": "none",
    "stop_list": ["a line", "Done"],
    "max_tokens": 7,
    "max_completion_tokens": 8,
    "presence_penalty": -1.5,
    "presence_penalty_whole": 0,
    "frequency_penalty": 1.5,
    "seed": 2**53 + 1,
    "tools": [city_tool("weather")],
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "s", "schema": SCHEMA, "strict": True},
    },
    "logprobs": True,
    "logit_bias": {"50256": -100, "11": 5},
    "reasoning_effort": "high",
    "metadata": {"team": "blue"},
    "store": False,
    "service_tier": "flex",
    "verbosity": "low",
    "prediction": {"type": "content", "content": "Hello"},
    "modalities": ["text"],
    "web_search_options": {"search_context_size": "low"},
    "safety_identifier": "someone",
    "prompt_cache_key": "a",
    "thinking": {"type": "enabled", "budget_tokens": 1000, "nested": [1, 2.5, None, {"ü": "\u2028"}]},
    "chat_template_kwargs": {"enable_thinking": False},
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_reaches_the_provider(http: httpx.Client, case: Case, name: str) -> None:
    """Also in how its numbers are written: some hosts refuse ``5.0`` where they want an integer."""
    member = name.removesuffix("_list").removesuffix("_whole")
    reply = http.post("/v1/chat/completions", json=chat_body(case, **{member: MEMBERS[name]}))
    assert reply.status_code == 200, reply.text
    assert json.dumps(case.arrived().json[member]) == json.dumps(MEMBERS[name])


def test_nothing_is_added_and_nothing_lost(http: httpx.Client, case: Case) -> None:
    sent = chat_body(
        case,
        top_logprobs=1,
        **{name: MEMBERS[name] for name in MEMBERS if not name.endswith(("_list", "_whole"))},
    )
    assert http.post("/v1/chat/completions", json=sent).status_code == 200
    assert case.arrived().json == sent


def test_a_null_member_is_no_fault(http: httpx.Client, case: Case) -> None:
    """Frameworks send what they do not set as null."""
    names = (
        "temperature",
        "n",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "max_tokens",
        "stream",
        "stream_options",
    )
    reply = http.post("/v1/chat/completions", json=chat_body(case, **dict.fromkeys(names)))
    assert reply.status_code == 200, reply.text


def test_unknown_members_of_the_clients_own(client: openai.OpenAI, case: Case) -> None:
    extra = {"top_k": 40, "provider": {"order": ["a", "b"]}}
    client.chat.completions.create(model=MODEL, messages=MESSAGES, user=case.user, extra_body=extra)
    arrived = case.arrived().json
    assert {name: arrived[name] for name in extra} == extra


MESSAGE_LISTS: dict[str, list[dict[str, Any]]] = {
    "developer": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    "system parts": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "name": "ann", "content": "Hello"},
    ],
    "vision": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
                },
                {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
            ],
        }
    ],
    "audio and file": [
        {
            "role": "user",
            "content": [
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {
                    "type": "file",
                    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
                },
            ],
        }
    ],
    "assistant": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "text", "text": "Hm."}], "reasoning_content": "I think."},
        {"role": "user", "content": "Why?"},
    ],
    "unknown members": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}],
            "x": 1,
        }
    ],
    "odd characters": [{"role": "user", "content": "\u2028, \ufeff, 😀, é and e\u0301"}],
}


@pytest.mark.parametrize("name", MESSAGE_LISTS)
def test_messages_reach_the_provider(http: httpx.Client, case: Case, name: str) -> None:
    reply = http.post("/v1/chat/completions", json=chat_body(case, messages=MESSAGE_LISTS[name]))
    assert reply.status_code == 200, reply.text
    assert case.arrived().json["messages"] == MESSAGE_LISTS[name]


@pytest.mark.parametrize("include_usage", [None, False, True])
def test_a_stream_is_always_asked_for_its_usage(
    http: httpx.Client, case: Case, include_usage: bool | None
) -> None:
    options = {} if include_usage is None else {"stream_options": {"include_usage": include_usage}}
    assert http.post("/v1/chat/completions", json=chat_body(case, stream=True, **options)).status_code == 200
    assert case.arrived().json["stream"] is True
    assert case.arrived().json["stream_options"] == {"include_usage": True}
