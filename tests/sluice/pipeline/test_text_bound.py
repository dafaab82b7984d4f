"""What is held for completions and embeddings is more than any provider can count."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.costs import TokenCount
from sluice.api.text_input import Text, texts_of
from sluice.catalog import Candidate, ModelRow, Price
from sluice.pipeline.chat_bound import ADDED_TOKENS, MOST_OUTPUT_TOKENS
from sluice.pipeline.text_bound import completion_demand, embeddings_demand
from text_requests import completion_request, embeddings_request

TOKENS = st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6)
SOMETHING = st.text(min_size=1)
INPUTS = (
    SOMETHING
    | TOKENS
    | st.lists(SOMETHING, min_size=1, max_size=5)
    | st.lists(TOKENS, min_size=1, max_size=5)
)
PROMPTS = INPUTS | st.text() | st.lists(st.text(), min_size=1, max_size=5)
NUMBERS = st.none() | st.integers(1, 128)
CONTEXTS = st.none() | st.integers(1, 50)


def row(**members: Any) -> ModelRow:
    return ModelRow(id="m", candidates=(Candidate(provider="p", model="m"),), **members)


def most_tokens(text: Text, context: int | None) -> int:
    """By the worst tokenizer, which makes a token of each byte; no provider reads more than the context."""
    count = len(text.encode()) if isinstance(text, str) else len(text)
    return count if context is None else min(count, context)


def shortest(**members: Any) -> bytes:
    """The body in as few bytes as it can be written."""
    members = {"model": "m"} | {name: value for name, value in members.items() if value is not None}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


@given(PROMPTS, st.none() | st.text(max_size=20), NUMBERS, NUMBERS, st.none() | st.integers(0, 99), CONTEXTS)
def test_no_completion_uses_more_than_is_held_for_it(
    prompt: Any,
    suffix: str | None,
    n: int | None,
    best_of: int | None,
    limit: int | None,
    context: int | None,
) -> None:
    request = completion_request(prompt, suffix=suffix, n=n, best_of=best_of, max_tokens=limit)
    body = shortest(prompt=prompt, suffix=suffix, n=n, best_of=best_of, max_tokens=limit)
    demand = completion_demand(request, len(body), row(context_tokens=context))
    prompts = texts_of(prompt)
    read = sum(most_tokens(_joined(text, suffix), context) for text in prompts)
    written = len(prompts) * max(n or 1, best_of or 1) * min(16 if limit is None else limit, context or 10**9)
    most = demand.most(demand.output_tokens)
    assert most.prompt >= read
    assert most.completion == written


def _joined(text: Text, suffix: str | None) -> Text:
    """A prompt as it is read with its suffix."""
    more = suffix or ""
    return text + more if isinstance(text, str) else [*text, *more.encode()]


@given(INPUTS, CONTEXTS)
def test_no_embedding_uses_more_than_is_held_for_it(texts: Any, context: int | None) -> None:
    demand = embeddings_demand(
        embeddings_request(texts), len(shortest(input=texts)), row(kind="embedding", context_tokens=context)
    )
    assert demand.prompt_tokens >= sum(most_tokens(text, context) for text in texts_of(texts))
    assert demand.most(demand.output_tokens).completion == 0


@given(INPUTS, CONTEXTS)
def test_what_counts_against_limits_of_tokens_is_no_more_than_the_bound(
    texts: Any, context: int | None
) -> None:
    size = len(shortest(input=texts))
    for demand in (
        embeddings_demand(embeddings_request(texts), size, row(context_tokens=context)),
        completion_demand(completion_request(texts), size, row(context_tokens=context)),
    ):
        assert demand.prompt_estimate is not None
        assert 0 <= demand.prompt_estimate <= demand.prompt_tokens


def test_tokens_are_estimated_as_what_they_are_and_text_by_its_bytes() -> None:
    for texts, estimate in (([[1, 2], [3]], 3), (["abcdef", "日本"], 4)):
        assert embeddings_demand(embeddings_request(texts), 1000, row()).prompt_estimate == estimate
        assert completion_demand(completion_request(texts), 1000, row()).prompt_estimate == estimate
    request = completion_request(["a", "b"], suffix="abc")
    assert completion_demand(request, 1000, row()).prompt_estimate == 4


@pytest.mark.parametrize(("added", "each"), [(None, ADDED_TOKENS), (700, 700)])
def test_what_a_provider_adds_is_added_to_each_text(added: int | None, each: int) -> None:
    request = completion_request(["a", "b"])
    assert completion_demand(request, 100, row(added_tokens=added)).prompt_tokens == 100 + 2 * each


def test_a_suffix_is_read_with_each_prompt() -> None:
    alone, three = completion_request("a", suffix="ü" * 50), completion_request(["a"] * 3, suffix="ü" * 50)
    more = (
        completion_demand(three, 200, row()).prompt_tokens
        - completion_demand(alone, 200, row()).prompt_tokens
    )
    assert more == 2 * (100 + ADDED_TOKENS)


def test_a_limit_beyond_what_any_model_writes_is_cut_to_what_can_be_stored() -> None:
    request = completion_request(max_tokens=10**300)
    assert completion_demand(request, 10, row()).output_tokens == MOST_OUTPUT_TOKENS
    assert completion_demand(request, 10, row(context_tokens=500)).output_tokens == 500


def test_the_best_of_several_is_held_for_and_a_client_s_limit_is_not_lowered() -> None:
    prices = row(price=Price.model_validate({"input": "1", "output": "10"}))
    demand = completion_demand(completion_request(["a", "b"], n=2, best_of=5, max_tokens=7), 50, prices)
    assert demand.most(demand.output_tokens).completion == 2 * 5 * 7
    assert demand.rates is not None
    assert demand.full.amount == demand.rates.cost(TokenCount(demand.prompt_tokens, 2 * 5 * 7))
    assert demand.least == demand.full
    assert not demand.adjustable
    assert demand.largest(None, demand.full.amount) == demand.full
    assert demand.largest(None, demand.full.amount - 1) is None


def test_embeddings_have_a_price_without_an_output_and_nothing_is_written() -> None:
    prices = row(kind="embedding", price=Price.model_validate({"input": "1"}))
    demand = embeddings_demand(embeddings_request("a"), 50, prices)
    assert demand.full.amount == (50 + ADDED_TOKENS) * 1000
    assert (demand.output_tokens, demand.choices) == (0, 1)
    assert demand.largest(None, demand.full.amount) == demand.full
    assert demand.largest(None, demand.full.amount - 1) is None


def test_no_output_at_all_can_be_held_for() -> None:
    prices = row(price=Price.model_validate({"input": "1", "output": "10"}))
    demand = completion_demand(completion_request(max_tokens=0, echo=True), 50, prices)
    assert demand.full.amount == (50 + ADDED_TOKENS) * 1000
    assert demand.largest(10**6, demand.full.amount) == demand.full
