"""What is taken for a request: all that fits, and no more."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.costs import TokenCount, rates_of
from sluice.accounting.demand import LEAST_OUTPUT_TOKENS, Demand
from sluice.catalog import Price

RATES = st.sampled_from(
    [
        None,
        *(
            rates_of(Price(input=Decimal(prompt), output=Decimal(output), audio_input=Decimal(audio)))
            for prompt, output, audio in (
                ("0", "0", "0"),
                ("0.15", "0.60", "0.15"),
                ("1", "0", "7"),
                ("0.0001", "0.0003", "1"),
            )
        ),
    ]
)
DEMANDS = st.builds(
    Demand,
    prompt_tokens=st.integers(0, 10**5),
    choices=st.integers(1, 128),
    output_tokens=st.integers(1, 10**5),
    adjustable=st.booleans(),
    rates=RATES,
    audio_tokens=st.integers(0, 10**5),
)


@st.composite
def demands_and_rooms(draw: st.DrawFn) -> tuple[Demand, int | None, int | None]:
    """A demand, and tokens and money that are about what some output limit takes."""
    demand = draw(DEMANDS)
    near = demand.fit(draw(st.integers(0, demand.output_tokens + 1)))
    off = st.integers(-3, 3) | st.integers(-(10**6), 10**6)
    tokens, amount = near.tokens + draw(off), near.amount + draw(off)
    return demand, draw(st.sampled_from([None, tokens])), draw(st.sampled_from([None, amount]))


def within(demand: Demand, output_tokens: int, tokens: int | None, amount: int | None) -> bool:
    fit = demand.fit(output_tokens)
    money = amount is None or demand.rates is None or fit.amount <= amount
    return (tokens is None or fit.tokens <= tokens) and money


@given(demands_and_rooms())
def test_the_largest_fit_is_within_both_limits_and_one_token_more_is_not(
    drawn: tuple[Demand, int | None, int | None],
) -> None:
    demand, tokens, amount = drawn
    fit = demand.largest(tokens, amount)
    if fit is None:
        assert not within(demand, demand.least.output_tokens, tokens, amount)
        return
    assert fit == demand.fit(fit.output_tokens)
    assert within(demand, fit.output_tokens, tokens, amount)
    assert demand.least.output_tokens <= fit.output_tokens <= demand.output_tokens
    if fit.output_tokens < demand.output_tokens:
        assert not within(demand, fit.output_tokens + 1, tokens, amount)


@given(DEMANDS)
def test_without_limits_all_is_taken(demand: Demand) -> None:
    assert demand.largest(None, None) == demand.full


@given(demands_and_rooms())
def test_a_limit_of_the_clients_is_never_lowered(drawn: tuple[Demand, int | None, int | None]) -> None:
    demand, tokens, amount = drawn
    if not demand.adjustable:
        assert demand.least == demand.full
        assert demand.largest(tokens, amount) in (None, demand.full)


@given(DEMANDS, st.data())
def test_a_fit_pays_for_whatever_is_within_it(demand: Demand, data: st.DataObject) -> None:
    fit = demand.largest(None, None)
    assert fit is not None
    most = demand.most(fit.output_tokens)
    assert most.total == fit.tokens
    prompt = data.draw(st.integers(0, most.prompt))
    completion = data.draw(st.integers(0, most.completion))
    used = TokenCount(
        prompt=prompt,
        completion=completion,
        cached=data.draw(st.integers(0, prompt)),
        reasoning=data.draw(st.integers(0, completion)),
        audio=data.draw(st.integers(0, min(most.audio, prompt))),
    )
    assert used.total <= fit.tokens
    assert (demand.rates.cost(used) if demand.rates else 0) <= fit.amount


@pytest.mark.parametrize(("output_tokens", "least"), [(5, 5), (16, 16), (17, LEAST_OUTPUT_TOKENS)])
def test_an_answer_is_not_cut_shorter_than_a_sentence(output_tokens: int, least: int) -> None:
    demand = Demand(100, 2, output_tokens, adjustable=True, rates=None)
    assert demand.least.output_tokens == least
    assert demand.largest(100 + 2 * least, None) == demand.least
    assert demand.largest(100 + 2 * least - 1, None) is None
