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


async def answered(upstream: HTTPUpstream, path: str, body: Any = None) -> tuple[int, str, bytes]:
    raw = b"" if body is None else json.dumps(body).encode()
    request = UpstreamRequest(f"{PROVIDER.address}{path}", raw, {}, "GET" if body is None else "POST")
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
