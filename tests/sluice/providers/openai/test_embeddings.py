"""Vectors come in the form that was asked for, whatever form they are sent in."""

import base64
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.api.embeddings import EmbeddingUsage
from sluice.errors import SluiceError, UpstreamError
from sluice.providers.openai import embeddings as openai
from text_requests import embeddings_call

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20)
ONE = struct.pack("<f", 1.0)


def packed(*numbers: float) -> str:
    """As OpenAI sends it, by a second way of packing."""
    return base64.b64encode(b"".join(struct.pack("<f", number) for number in numbers)).decode()


def row(vector: Any, **members: Any) -> dict[str, Any]:
    return {"object": "embedding", "embedding": vector, **members}


def reply(*rows: Any, **members: Any) -> bytes:
    return json.dumps({"object": "list", "data": rows, "model": "m", **members}).encode()


def vectors(body: bytes, texts: Any = "a", **members: Any) -> list[list[float] | str]:
    made = openai.whole_reply(body, embeddings_call(texts, **members))
    assert [each.index for each in made.data] == list(range(len(made.data)))
    return [each.embedding for each in made.data]


class TestRequest:
    def test_members_are_passed_on_unchanged_for_the_candidates_model(self) -> None:
        members: dict[str, Any] = {
            "input": [[1, 2], [3]],
            "encoding_format": "base64",
            "dimensions": 256,
            "user": None,
            "input_type": "query",
        }
        texts = members.pop("input")
        sent = openai.upstream_request(embeddings_call(texts, **members))
        assert sent.url == "https://api.example/v1/embeddings"
        assert json.loads(sent.body) == {"model": "upstream-model", "input": texts, **members}
        assert sent.headers["authorization"] == "Bearer sk-upstream"

    def test_no_form_is_asked_for_where_the_client_asks_for_none(self) -> None:
        sent = openai.upstream_request(embeddings_call())
        assert json.loads(sent.body) == {"model": "upstream-model", "input": "a"}


class TestForms:
    @given(FLOATS, st.sampled_from(["float", "base64"]))
    def test_whatever_is_sent_becomes_what_is_asked_for(self, numbers: list[float], form: str) -> None:
        expected = numbers if form == "float" else packed(*numbers)
        for sent in (numbers, packed(*numbers)):
            assert vectors(reply(row(sent, index=0)), encoding_format=form) == [expected]

    @pytest.mark.parametrize("form", ["float", "base64"])
    @pytest.mark.parametrize(
        "sent",
        [
            "[NaN]",
            "[1, -Infinity]",
            "[1e400]",
            f'"{packed(1.0, math.nan)}"',
            f'"{packed(math.inf)}"',
            '"no base64"',
            '"Zm9vYmE"',
            f'"{base64.b64encode(ONE + b"x").decode()}"',
            '"\\u00fc\\u00fc\\u00fc\\u00fc"',
        ],
    )
    def test_what_is_no_finite_number_reaches_nobody_in_either_form(self, sent: str, form: str) -> None:
        body = b'{"data": [{"index": 0, "embedding": %s}]}' % sent.encode()
        with pytest.raises(UpstreamError, match="provider's vector"):
            vectors(body, encoding_format=form)

    def test_a_number_beyond_32_bits_cannot_be_packed(self) -> None:
        with pytest.raises(UpstreamError, match="out of range"):
            vectors(reply(row([1e39])), encoding_format="base64")
        assert vectors(reply(row([1e39]))) == [[1e39]]


class TestRows:
    def test_each_text_has_its_vector_in_the_texts_order(self) -> None:
        body = reply(row([3.0], index=2), row([1.0], index=0), row([2.0], index=1))
        assert vectors(body, ["a", "b", "c"]) == [[1.0], [2.0], [3.0]]

    def test_without_an_index_they_are_in_order(self) -> None:
        assert vectors(reply(row([1.0]), row([2.0], index=1)), [[1], [2]]) == [[1.0], [2.0]]

    @pytest.mark.parametrize(
        "rows",
        [
            [],
            [row([1.0], index=0)],
            [row([1.0], index=0), row([2.0], index=0)],
            [row([1.0], index=1), row([2.0], index=2)],
            [row([1.0], index=-1), row([2.0], index=0)],
            [row([1.0]), row([2.0]), row([3.0])],
        ],
    )
    def test_a_vector_too_few_or_too_many_is_an_upstream_error(self, rows: list[Any]) -> None:
        with pytest.raises(UpstreamError, match="one vector for each text"):
            vectors(reply(*rows), ["a", "b"])

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            reply(7),
            reply(row(None)),
            reply(row(1.0)),
            reply(row([None])),
            reply(row([[1.0]])),
            reply(row([1.0], index="x")),
            reply(row([1.0], index=None)),
            b'{"data": {"embedding": [1]}}',
            reply(row([1.0]), usage={"prompt_tokens": "many"}),
            reply(row([1.0]), usage={"prompt_tokens": -1}),
            reply(row([1.0]), usage={"total_tokens": 2**53}),
        ],
    )
    def test_nonsense_is_an_upstream_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            vectors(body)

    def test_a_reported_failure_is_one(self) -> None:
        with pytest.raises(SluiceError) as caught:
            vectors(reply(error={"message": "too long", "code": "context_length_exceeded"}))
        assert caught.value.status == 400

    def test_a_reply_is_completed_and_keeps_what_hosts_add(self) -> None:
        made = openai.whole_reply(reply({"embedding": [1]}, x=1, requestHash="f"), embeddings_call())
        assert made.model_dump(mode="json") == {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}],
            "model": "asked-for",
            "x": 1,
        }


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ([], None),
        ({}, None),
        ({"prompt_tokens": None, "total_tokens": None}, None),
        ({"prompt_tokens": 0, "total_tokens": 0}, None),
        ({"prompt_tokens": 5, "total_tokens": 5}, 5),
        ({"prompt_tokens": 5}, 5),
        ({"total_tokens": 5}, 5),
        ({"prompt_tokens": 0, "total_tokens": 5}, 5),
        ({"prompt_tokens": 7, "total_tokens": 5, "prompt_tokens_details": {}}, 7),
    ],
)
def test_usage_is_the_larger_count_and_nothing_counted_is_none(usage: Any, tokens: int | None) -> None:
    made = openai.whole_reply(reply(row([1.0]), usage=usage), embeddings_call()).usage
    expected = None if tokens is None else EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    assert made == expected
