"""Embeddings by batch."""

import base64
import json
import struct
from typing import Any

import pytest

from gemini_calls import BASE, target
from sluice.api.embeddings import EmbeddingUsage
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.contract import ProviderCall
from sluice.providers.gemini import embeddings
from text_requests import embeddings_call

TARGET = target("gemini-embedding-001")


def call(texts: Any = "a", **members: Any) -> ProviderCall[Any]:
    return embeddings_call(texts, TARGET, **members)


def reply(*vectors: Any, **members: Any) -> bytes:
    return json.dumps({"embeddings": [{"values": vector} for vector in vectors], **members}).encode()


def test_each_text_is_a_request_of_one_batch() -> None:
    sent = embeddings.upstream_request(
        call(["a", "b"], dimensions=8, user="ann", task_type="RETRIEVAL_QUERY")
    )
    assert sent.url == f"{BASE}/v1beta/models/gemini-embedding-001:batchEmbedContents"
    terms = {
        "model": "models/gemini-embedding-001",
        "outputDimensionality": 8,
        "taskType": "RETRIEVAL_QUERY",
    }
    assert json.loads(sent.body) == {
        "requests": [{**terms, "content": {"parts": [{"text": text}]}} for text in ("a", "b")]
    }


@pytest.mark.parametrize(
    ("texts", "members", "param"),
    [([1, 2], {}, "input"), ([[1], [2]], {}, "input"), ("a", {"input_type": "query"}, "input_type")],
)
def test_what_gemini_cannot_embed(texts: Any, members: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        embeddings.upstream_request(call(texts, **members))
    assert caught.value.param == param


def test_vectors_come_in_the_encoding_that_is_asked_for() -> None:
    body = reply([0.5, -1], [2, 0.25])
    made = embeddings.whole_reply(body, call(["a", "b"]))
    assert [(row.index, row.embedding) for row in made.data] == [(0, [0.5, -1.0]), (1, [2.0, 0.25])]
    assert (made.model, made.usage) == ("asked-for", None)
    packed = embeddings.whole_reply(body, call(["a", "b"], encoding_format="base64"))
    assert packed.data[0].embedding == base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()


@pytest.mark.parametrize(
    ("counted", "tokens"),
    [
        ({"promptTokenCount": 5}, 5),
        ({"promptTokenCount": 5, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": 5}]}, 5),
        ({"totalTokenCount": 5}, 5),
        ({}, None),
        (None, None),
    ],
)
def test_usage_where_it_is_counted(counted: Any, tokens: int | None) -> None:
    usage = embeddings.whole_reply(reply([1.0], usageMetadata=counted), call()).usage
    assert usage == (EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens) if tokens else None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        reply(),
        reply([1.0], [2.0]),
        reply(None),
        reply("x"),
        b'{"embeddings": [{"values": [NaN]}]}',
        b'{"embeddings": [{}]}',
        reply([1.0], usageMetadata={"promptTokenCount": "many"}),
    ],
)
def test_nonsense_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        embeddings.whole_reply(body, call())
