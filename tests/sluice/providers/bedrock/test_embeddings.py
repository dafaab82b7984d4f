"""Embeddings of Titan and Cohere."""

import json
from typing import Any

import pytest

from bedrock_calls import target
from mock_bedrock import CLAUDE, COHERE, OLD_COHERE, TITAN
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.validation import validate
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock import embeddings
from sluice.providers.contract import ProviderCall
from sluice.providers.vectors import base64_of


def call(model: str, given: Any = "one", **members: Any) -> ProviderCall[EmbeddingsRequest]:
    request = validate(EmbeddingsRequest, {"model": "asked-for", "input": given, **members})
    return ProviderCall(request, target(model), id="embd-ours", now=1.0)


def body(model: str, given: Any = "one", **members: Any) -> Any:
    return json.loads(embeddings.upstream_request(call(model, given, **members)).body)


def test_a_request_goes_to_its_model() -> None:
    sent = embeddings.upstream_request(call(TITAN))
    assert sent.url.endswith("/model/amazon.titan-embed-text-v2%3A0/invoke")
    assert sent.headers["authorization"].startswith("Bearer ")


def test_titan_takes_one_text() -> None:
    assert body(TITAN, ["one"], user="u") == {"inputText": "one"}
    assert body("amazon.titan-embed-text-v1") == {"inputText": "one"}
    assert body(TITAN, dimensions=256) == {"inputText": "one", "dimensions": 256}


def test_cohere_takes_many_and_their_purpose() -> None:
    assert body(f"eu.{COHERE}", ["a", "b"], dimensions=256) == {
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    assert body(OLD_COHERE, input_type="search_query")["input_type"] == "search_query"


@pytest.mark.parametrize(
    ("model", "given", "members", "param"),
    [
        (TITAN, [1, 2], {}, "input"),
        (COHERE, [[1, 2], [3]], {}, "input"),
        (OLD_COHERE, "a", {"dimensions": 256}, "dimensions"),
        ("amazon.titan-embed-text-v1", "a", {"dimensions": 256}, "dimensions"),
        (TITAN, "a", {"input_type": "search_query"}, "input_type"),
        (COHERE, "a", {"truncate": "END"}, "truncate"),
        (CLAUDE, "a", {}, "model"),
    ],
)
def test_the_rest_is_refused_by_name(model: str, given: Any, members: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        body(model, given, **members)
    assert caught.value.param == param


def test_each_family_takes_so_many_texts_at_once() -> None:
    assert [embeddings.most_texts(model) for model in (TITAN, COHERE, f"eu.{COHERE}")] == [1, 96, 96]


def reply(model: str, raw: Any, given: Any = "one", **members: Any) -> dict[str, Any]:
    found = embeddings.whole_reply(json.dumps(raw).encode(), call(model, given, **members))
    return found.model_dump(mode="json")


def test_titan_counts_its_tokens() -> None:
    assert reply(TITAN, {"embedding": [0.5, -1], "inputTextTokenCount": 3}) == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
        "model": "asked-for",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


@pytest.mark.parametrize("vectors", [{"float": [[1], [2]]}, [[1], [2]]])
def test_cohere_does_not_and_answers_in_two_forms(vectors: Any) -> None:
    found = reply(COHERE, {"embeddings": vectors, "id": "x"}, ["a", "b"])
    assert [row["embedding"] for row in found["data"]] == [[1.0], [2.0]]
    assert [row["index"] for row in found["data"]] == [0, 1]
    assert "usage" not in found


def test_vectors_are_encoded_as_the_client_wants_them() -> None:
    found = reply(TITAN, {"embedding": [0.5], "inputTextTokenCount": 1}, encoding_format="base64")
    assert found["data"][0]["embedding"] == base64_of([0.5])


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        (TITAN, {}),
        (TITAN, {"embedding": "x", "inputTextTokenCount": 1}),
        (TITAN, {"embedding": [1], "inputTextTokenCount": -1}),
        (TITAN, {"embedding": [float("nan")], "inputTextTokenCount": 1}),
        (COHERE, {"embeddings": {"float": [[1], [2]]}}),
        (COHERE, {"embeddings": {"int8": [[1]]}}),
        (COHERE, {"embeddings": []}),
        (COHERE, []),
    ],
)
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_nonsense_is_an_upstream_error(model: str, raw: Any, encoding: str) -> None:
    with pytest.raises(UpstreamError):
        reply(model, raw, encoding_format=encoding)
