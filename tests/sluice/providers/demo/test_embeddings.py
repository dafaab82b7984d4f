"""The demo model's vectors: of length one, the same for the same words, and no more of them than can be."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidRequestError
from sluice.providers.contract import Target
from sluice.providers.demo import PROVIDER, embeddings, vectors
from sluice.providers.demo.vectors import DIMENSIONS, MOST_DIMENSIONS, MOST_NUMBERS, token_count, vector
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS
from sluice.upstream.client import MAX_REPLY_BYTES
from text_requests import embeddings_call, embeddings_request

TARGET = Target("demo", PROVIDER.address or "", "demo-embedding", "sk-unused")
TEXTS = st.text(max_size=30) | st.lists(st.integers(0, 2**31 - 1), max_size=10)


def likeness(one: str, other: str) -> float:
    """The cosine of the angle between two texts' vectors."""
    pairs = zip(vector(one, DIMENSIONS), vector(other, DIMENSIONS), strict=True)
    return sum(a * b for a, b in pairs)


@given(TEXTS, st.integers(1, MOST_DIMENSIONS))
def test_every_vector_has_length_one_and_the_dimensions_asked_for(
    text: str | list[int], dimensions: int
) -> None:
    made = vector(text, dimensions)
    assert len(made) == dimensions
    assert math.isclose(math.hypot(*made), 1.0)


@given(TEXTS)
def test_the_same_text_has_the_same_vector(text: str | list[int]) -> None:
    assert vector(text, DIMENSIONS) == vector(text, DIMENSIONS)


@given(st.lists(st.sampled_from(["the", "quick", "brown", "fox"]), min_size=1), st.randoms())
def test_neither_order_nor_case_nor_space_turns_a_vector(words: list[str], random: Any) -> None:
    shuffled = random.sample(words, len(words))
    one, other = " ".join(words), "  ".join(word.upper() for word in shuffled)
    assert math.isclose(likeness(one, other), 1.0)


def test_texts_that_share_words_are_alike_and_others_are_not() -> None:
    near = likeness("how to bake bread", "bread and how to bake it")
    assert near > 0.6 > 0.3 > likeness("how to bake bread", "quarterly tax returns explained")


def test_a_word_counts_as_often_as_it_stands() -> None:
    assert likeness("a a a a b", "a") > likeness("a b b b b", "a")


def test_tokens_have_vectors_of_their_own() -> None:
    assert vector([1, 2], DIMENSIONS) == vector([2, 1], DIMENSIONS)
    assert vector([1, 2], DIMENSIONS) != vector([3, 4], DIMENSIONS)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("one two, three", 4), ("  ", 1), ([7, 8, 9], 3), ("日本", 1)]
)
def test_tokens_are_counted(text: str | list[int], tokens: int) -> None:
    assert token_count(text) == tokens


@pytest.mark.parametrize(("dimensions", "length"), [(None, DIMENSIONS), (7, 7)])
def test_a_reply_has_a_vector_for_each_text_and_its_usage(dimensions: int | None, length: int) -> None:
    asked = embeddings_request(["one two", "three"], dimensions=dimensions)
    raw = json.loads(vectors.reply_body(asked))
    assert [(row["object"], row["index"], len(row["embedding"])) for row in raw["data"]] == [
        ("embedding", 0, length),
        ("embedding", 1, length),
    ]
    assert raw["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    made = embeddings.whole_reply(json.dumps(raw).encode(), embeddings_call(["one two", "three"]))
    assert [each.embedding for each in made.data] == [vector("one two", length), vector("three", length)]


@pytest.mark.parametrize(
    ("texts", "members", "param", "code"),
    [
        ("a", {"dimensions": MOST_DIMENSIONS + 1}, "dimensions", None),
        (["a"] * 2048, {"dimensions": DIMENSIONS + 1}, "dimensions", None),
        ("x" * (MAX_PROMPT_CHARACTERS + 1), {}, "input", "context_length_exceeded"),
        (["x" * (MAX_PROMPT_CHARACTERS // 2)] * 3, {}, "input", "context_length_exceeded"),
        ([1] * (MAX_PROMPT_CHARACTERS + 1), {}, "input", "context_length_exceeded"),
    ],
    ids=["dimensions", "numbers", "a text", "texts", "tokens"],
)
def test_more_than_it_can_do_is_refused(
    texts: Any, members: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        embeddings.upstream_request(embeddings_call(texts, **members))
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, code)


def test_the_largest_reply_is_one_that_the_gateway_takes() -> None:
    number = MOST_NUMBERS // MOST_DIMENSIONS
    words = " ".join(map(str, range(MAX_PROMPT_CHARACTERS // number // 5)))
    call = embeddings_call([words] * number, dimensions=MOST_DIMENSIONS)
    embeddings.upstream_request(call)
    assert len(vectors.reply_body(call.request)) < MAX_REPLY_BYTES


def test_no_credential_goes_anywhere() -> None:
    sent = embeddings.upstream_request(embeddings_call(to=TARGET))
    assert "authorization" not in sent.headers
    assert sent.url == "demo://localhost/embeddings"
