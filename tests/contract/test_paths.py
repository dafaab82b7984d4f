"""Paths that are not there and methods that are not meant."""

import httpx
import pytest

from chat_bodies import chat_body
from mock_provider import Case
from openai_schemas import check_error

CHAT = ["/v1/chat/completions", "/v1/chat", "/api/v1/chat/completions", "/api/v1/chat"]
OTHERS = ["/v1/completions", "/api/v1/completions", "/v1/embeddings", "/api/v1/embeddings"]
NOWHERE = [
    "/nope",
    "/v1",
    "/v1/",
    "/v1/nope",
    "/v1/chat/completions/more",
    "/v1/chat/completionsx",
    "/v1/completionsx",
    "/v1/completions/more",
    "/v1/embedding",
    "/V1/chat/completions",
    "/api/v1/nope",
    "/v1/%ff%00",
    "/v1/..%2f..%2fetc/passwd",
    "/health/more",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/%2e%2e/chat/completions",
    "/v1/chat/completions;a=b",
    "/v1/chat/completions%00",
    "/v1/chat/completions%20",
    "/v1/chat/completions%0d%0aset-cookie:%20a=b",
    "/v1/chat\\completions",
    "/v1/chat%5ccompletions",
    "/v1%2fchat%2Fcompletions",
    "/v1/chat%252fcompletions",
    "/v1/chat%c0%afcompletions",
    "/v1/videos%2f",
    "/docs%2fpage.js",
]


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path(http: httpx.Client, method: str, path: str) -> None:
    reply = http.request(method, path, json={} if method == "POST" else None)
    assert reply.status_code == 404, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["code"] == "not_found"
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("path", CHAT + OTHERS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method(http: httpx.Client, method: str, path: str) -> None:
    reply = http.request(method, path)
    assert reply.status_code == 405, reply.text
    check_error(reply.json())
    assert reply.json()["error"]["code"] == "method_not_allowed"
    assert reply.headers["allow"] == "POST, OPTIONS"
    assert reply.headers["x-request-id"]


def test_a_method_nobody_knows(http: httpx.Client) -> None:
    reply = http.request("BREW", CHAT[0])
    assert reply.status_code == 405
    check_error(reply.json())


def test_head_has_no_body(http: httpx.Client) -> None:
    reply = http.head(CHAT[0])
    assert reply.status_code == 405
    assert reply.content == b""
    assert reply.headers["allow"] == "POST, OPTIONS"
    assert reply.headers["x-request-id"]


def test_options(http: httpx.Client) -> None:
    reply = http.options(CHAT[0])
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["allow"] == "POST, OPTIONS"
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("path", CHAT)
def test_a_slash_too_many_is_no_redirect(http: httpx.Client, case: Case, path: str) -> None:
    """Clients drop the body or the key when they follow one."""
    reply = http.post(f"{path}/", json=chat_body(case))
    assert reply.status_code in {200, 404}
    if reply.status_code == 404:
        check_error(reply.json())


@pytest.mark.parametrize(
    "path",
    [
        "/v1/videos/{id}%2fcontent",
        "/v1/videos/{id}%2Fcontent?variant=video",
        "/v1/videos/result%2f{id}",
        "/v1/images/generations%2f{id}",
        "/v1/jobs/{id}%2fdeliveries",
        "/v1/videos/{id}%00",
        "/v1/videos/..%5c{id}",
        "/v1/videos/%2e%2e",
        "/v1/videos/" + "a" * 5000,
        "/v1/videos/video_",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_that_is_written_as_another_one(http: httpx.Client, key: str, method: str, path: str) -> None:
    """With a key, so that nothing but the path is wrong."""
    made = http.post(
        "/v1/videos", json={"model": "demo-video", "prompt": "a"}, headers={"authorization": f"Bearer {key}"}
    )
    url = path.replace("{id}", made.json()["id"])
    reply = http.request(method, url, headers={"authorization": f"Bearer {key}"})
    assert reply.status_code in {404, 405}, reply.text
    check_error(reply.json())
    assert reply.headers["x-request-id"]
