"""requestHash and responseHash (contract section 7), recomputed here from what went over the wire."""

import json
import re
from typing import Any

import httpx
import pytest

from adding_up import completion_of, digest, without_hashes
from chat_bodies import chat_body, city_tool
from event_stream import chunks_of
from mock_provider import Case

HEX = re.compile(r"[0-9a-f]{64}")
PATHS = ["/v1/chat/completions", "/v1/chat", "/api/v1/chat/completions", "/api/v1/chat"]

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "usage": {"stream_options": {"include_usage": True}},
    "tools": {"tools": [city_tool("weather"), city_tool("traffic")]},
    "choices": {"n": 3},
    "logprobs": {"logprobs": True, "top_logprobs": 1},
    "reasoning": {"model": "deepseek-reasoner"},
    "unknown members": {"zz": {"b": [1, 2.50, 1e21, -0.0, None], "ä": "\u2028😀"}},
}


@pytest.mark.parametrize("path", PATHS)
def test_of_a_whole_reply(http: httpx.Client, case: Case, path: str) -> None:
    sent = chat_body(case)
    reply = http.post(path, json=sent).json()
    assert HEX.fullmatch(reply["requestHash"])
    assert reply["requestHash"] == digest(sent), "defaults and aliases do not change what was received"
    assert reply["responseHash"] == digest(without_hashes(reply))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("stream", [True, False])
def test_of_all_kinds_of_replies(http: httpx.Client, case: Case, variant: str, stream: bool) -> None:
    sent = chat_body(case, **VARIANTS[variant]) | ({"stream": True} if stream else {})
    if not stream:
        sent.pop("stream_options", None)
    reply = http.post("/v1/chat/completions", json=sent)
    if stream:
        *others, last = chunks_of(reply.content)
        assert not any({"requestHash", "responseHash"} & set(chunk) for chunk in others)
        whole = completion_of([*others, last])
    else:
        last = reply.json()
        whole = without_hashes(last)
    assert last["requestHash"] == digest(sent)
    assert last["responseHash"] == digest(whole)


def test_the_writing_of_a_body_does_not_matter(http: httpx.Client, case: Case) -> None:
    sent = chat_body(case, temperature=1)
    shuffled = json.dumps(dict(reversed(sent.items())), indent=3, ensure_ascii=True).replace(
        ": 1,", ": 1.0e0,"
    )
    hashes = {
        http.post(
            "/v1/chat/completions", content=content, headers={"content-type": "application/json"}
        ).json()["requestHash"]
        for content in (json.dumps(sent), shuffled)
    }
    assert hashes == {digest(sent)}


def test_another_body_has_another_hash(http: httpx.Client, case: Case) -> None:
    bodies = [chat_body(case), chat_body(case, seed=1), chat_body(case, seed=2)]
    hashes = {http.post("/v1/chat/completions", json=body).json()["requestHash"] for body in bodies}
    assert len(hashes) == 3
