"""The demo provider's side of the wire: what lies at which path, whole and streamed."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sluice.providers.contract import UpstreamRequest
from sluice.providers.demo import PROVIDER
from sluice.upstream.client import HTTPUpstream, tls_context
from sluice.upstream.demo_answers import MODELS
from sluice.wire.sse import SSEDecoder

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}
TEXT = {"model": "demo", "prompt": "Hi"}
VECTORS = {"model": "demo-embedding", "input": ["Hi", "there"]}


@pytest.fixture
async def upstream() -> AsyncIterator[HTTPUpstream]:
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    yield client
    await client.close()


async def answered(
    upstream: HTTPUpstream, path: str, body: Any = None, method: str | None = None
) -> tuple[int, str, bytes]:
    raw = b"" if body is None else json.dumps(body).encode()
    method = method or ("GET" if body is None else "POST")
    request = UpstreamRequest(f"{PROVIDER.address}{path}", raw, {}, method)
    async with upstream.send(request) as response:
        return response.status, response.headers.get("content-type", ""), await response.read()


@pytest.mark.parametrize(
    ("path", "body", "kind", "prefix"),
    [
        ("/chat/completions", CHAT, "chat.completion", "chatcmpl-"),
        ("/completions", TEXT, "text_completion", "cmpl-"),
        ("/embeddings", VECTORS, "list", ""),
        ("/models", None, "list", ""),
    ],
)
async def test_each_path_has_its_reply(
    upstream: HTTPUpstream, path: str, body: Any, kind: str, prefix: str
) -> None:
    status, content_type, raw = await answered(upstream, path, body)
    reply = json.loads(raw)
    assert (status, content_type, reply["object"]) == (200, "application/json", kind)
    assert reply.get("id", "").startswith(prefix)


@pytest.mark.parametrize(("path", "body"), [("/chat/completions", CHAT), ("/completions", TEXT)])
async def test_a_stream_ends_in_usage_and_done(upstream: HTTPUpstream, path: str, body: Any) -> None:
    status, content_type, raw = await answered(upstream, path, {**body, "stream": True})
    assert (status, content_type) == (200, "text/event-stream")
    *_, last, done = [event.data for event in SSEDecoder().feed(raw)]
    assert json.loads(last)["usage"]["completion_tokens"] > 0
    assert done == b"[DONE]"


async def test_the_models_that_it_has_are_the_ones_that_it_lists(upstream: HTTPUpstream) -> None:
    assert PROVIDER.models is not None
    _, _, raw = await answered(upstream, "/models")
    assert [model.id for model in PROVIDER.models.listed_models(raw)] == list(MODELS)


@pytest.mark.parametrize("path", ["", "/", "/v1/models", "/models/", "/images/edits"])
async def test_there_is_nothing_else(upstream: HTTPUpstream, path: str) -> None:
    status, _, _ = await answered(upstream, path, {})
    assert status == 404


async def test_a_picture_comes_in_the_reply(upstream: HTTPUpstream) -> None:
    body = {"model": "demo-image", "prompt": "a cat", "size": "64x64", "seed": 1}
    status, content_type, raw = await answered(upstream, "/images/generations", body)
    assert (status, content_type) == (200, "application/json")
    (row,) = json.loads(raw)["data"]
    assert base64.b64decode(row["b64_json"]).startswith(b"\x89PNG")


async def test_a_video_is_asked_for_fetched_and_given_up(upstream: HTTPUpstream) -> None:
    body = {"model": "demo-video", "prompt": "a cat", "size": "64x64", "seconds": "1"}
    status, content_type, raw = await answered(upstream, "/videos", body)
    video = json.loads(raw)
    assert (status, content_type, video["status"]) == (200, "application/json", "in_progress")
    path = f"/videos/{video['id']}"
    status, _, raw = await answered(upstream, path)
    assert (status, json.loads(raw)["id"]) == (200, video["id"])
    status, content_type, raw = await answered(upstream, f"{path}/content")
    assert (status, content_type, raw[4:8]) == (200, "video/mp4", b"ftyp")
    status, _, raw = await answered(upstream, path, method="DELETE")
    assert (status, json.loads(raw)["deleted"]) == (200, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/videos/"),
        ("GET", "/videos/video_"),
        ("GET", "/videos/video_00"),
        ("GET", f"/videos/video_{'00' * 29}"),
        ("GET", "/videos/video_zz"),
        ("POST", "/videos/{id}"),
        ("GET", "/videos/{id}/variant"),
        ("GET", "/videos/{id}/content/more"),
        ("DELETE", "/videos/{id}/content"),
    ],
)
async def test_of_videos_there_is_nothing_else(upstream: HTTPUpstream, method: str, path: str) -> None:
    _, _, raw = await answered(upstream, "/videos", {"model": "demo-video", "prompt": "a cat"})
    status, _, _ = await answered(upstream, path.format(**json.loads(raw)), method=method)
    assert status == 404
