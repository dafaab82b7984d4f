"""What the mock of Bedrock refuses, as strictly as Bedrock does, of requests that the official client would not send."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bedrock_members import ANSWERED, CALLED, CITY, USER
from mock_bedrock import CLAUDE, KEY, NOVA, MockBedrock


@pytest.fixture(scope="module")
def mock() -> Iterator[MockBedrock]:
    with MockBedrock() as serving:
        yield serving


def bare(mock: MockBedrock, body: Any, model: str = CLAUDE, **headers: str) -> httpx.Response:
    """A request that the official client would not even send."""
    given = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{mock.url}/model/{model.replace(':', '%3A').replace('/', '%2F')}/converse"
    return httpx.post(url, content=content, headers=given, trust_env=False)


def turn(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}


PICTURE = {"image": {"format": "png", "source": {"bytes": base64.b64encode(b"png").decode()}}}


@pytest.mark.parametrize(("key", "status"), [(KEY, 200), ("other", 403)])
def test_an_api_key_is_let_in_and_no_other(mock: MockBedrock, key: str, status: int) -> None:
    # Without the official client, which sends keys over TLS only.
    assert bare(mock, {"messages": USER}, authorization=f"Bearer {key}").status_code == status


def test_bytes_are_taken_in_base64(mock: MockBedrock) -> None:
    document = {"document": {"format": "pdf", "name": "document-1", "source": {"bytes": "JVBERg=="}}}
    reply = bare(mock, {"messages": [turn("user", {"text": "Read."}, PICTURE, document)]})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "at least one message"),
        ({"messages": []}, "at least one message"),
        ({"messages": USER, "user": "x"}, ".user is not known"),
        ({"messages": [turn("user")]}, "is empty"),
        ({"messages": [turn("user", {"text": " "})]}, "is blank"),
        ({"messages": [turn("user", {"text": "a", "image": {}})]}, "2 members of a union"),
        ({"messages": [turn("user", {"text": 5})]}, "is no text"),
        (
            {"messages": [turn("user", {"image": {"format": "bmp", "source": {"bytes": "AAAA"}}})]},
            "is none of",
        ),
        (
            {"messages": [turn("user", {"image": {"format": "png", "source": {"bytes": "?"}}})]},
            "is no base64",
        ),
        ({"messages": [turn("robot", {"text": "a"})]}, "is none of"),
        ({"messages": [*USER, *USER]}, "roles must alternate"),
        ({"messages": USER, "system": [{"text": ""}]}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"temperature": 1.5}}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"maxTokens": 0}}, "out of range"),
        ({"messages": USER, "inferenceConfig": {"topK": 1}}, "is not known"),
        ({"messages": USER, "toolConfig": {"tools": []}}, "out of range"),
        ({"messages": USER, "toolConfig": {"tools": [CITY, CITY]}}, "must be unique"),
        (
            {"messages": USER, "toolConfig": {"tools": [CITY], "toolChoice": {"tool": {"name": "x"}}}},
            "no such tool",
        ),
        ({"messages": USER, "toolConfig": {"tools": [CITY], "toolChoice": {"none": {}}}}, "is not known"),
        (
            {"messages": [*USER, turn("assistant", CALLED), turn("user", ANSWERED)]},
            "toolConfig field must be",
        ),
        (
            {"messages": [*USER, turn("assistant", CALLED), turn("user", {"text": "a"})]},
            "Expected toolResult",
        ),
        ({"messages": [turn("user", ANSWERED)], "toolConfig": {"tools": [CITY]}}, "Expected toolResult"),
        ({"messages": [*USER, turn("assistant", PICTURE)]}, "not in a turn of the assistant"),
        (
            {
                "messages": [
                    turn("user", {"document": {"name": "a", "format": "pdf", "source": {"bytes": "AAAA"}}})
                ]
            },
            "needs a text",
        ),
        (
            {
                "messages": [
                    turn(
                        "user",
                        {"text": "a"},
                        {"document": {"name": "a.pdf", "format": "pdf", "source": {"bytes": "AAAA"}}},
                    )
                ]
            },
            "the name a.pdf",
        ),
        ([], "JSON object"),
        (b"{", "JSON object"),
    ],
)
def test_it_is_as_strict_as_bedrock(mock: MockBedrock, body: Any, told: str) -> None:
    reply = bare(mock, body)
    assert reply.status_code == 400
    assert told in reply.json()["message"]


def test_claude_lets_the_assistant_begin_and_nova_does_not(mock: MockBedrock) -> None:
    body = {"messages": [turn("assistant", {"text": "Hello."}), *USER]}
    assert bare(mock, body).status_code == 200
    assert "must start with a user" in bare(mock, body, NOVA).json()["message"]


def test_other_ways_to_fail(mock: MockBedrock) -> None:
    assert bare(mock, {"messages": USER}, "unknown.model-v1:0").json()["message"].endswith("is invalid.")
    assert bare(mock, {"messages": USER}, **{"content-type": "text/plain"}).status_code == 415
    assert bare(mock, {"messages": USER}, authorization="").status_code == 403
    assert bare(mock, {"messages": USER}, authorization="AWS4-HMAC-SHA256 forged").status_code == 403
