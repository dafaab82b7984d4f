"""What is taken for a request: all that fits, and no more."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sluice.accounting.costs import TokenCount, rates_of
from sluice.accounting.demand import LEAST_OUTPUT_TOKENS, Bound, Demand, Fit, dearest, surcharged
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


@st.composite
def counts_within(draw: st.DrawFn, most: TokenCount) -> TokenCount:
    """What a provider may report of a request that is bounded so."""
    prompt = draw(st.integers(0, most.prompt))
    completion = draw(st.integers(0, most.completion))
    cached = draw(st.integers(0, prompt))
    return TokenCount(
        prompt=prompt,
        completion=completion,
        cached=cached,
        cache_written=draw(st.integers(0, prompt - cached)),
        reasoning=draw(st.integers(0, completion)),
        audio=draw(st.integers(0, min(most.audio, prompt))),
    )


@given(DEMANDS, st.data())
def test_a_fit_pays_for_whatever_is_within_it(demand: Demand, data: st.DataObject) -> None:
    fit = demand.largest(None, None)
    assert fit is not None
    most = demand.most(fit.output_tokens)
    assert most.total == fit.tokens
    used = data.draw(counts_within(most))
    assert used.total <= fit.tokens
    assert (demand.rates.cost(used) if demand.rates else 0) <= fit.amount


@pytest.mark.parametrize(("output_tokens", "least"), [(5, 5), (16, 16), (17, LEAST_OUTPUT_TOKENS)])
def test_an_answer_is_not_cut_shorter_than_a_sentence(output_tokens: int, least: int) -> None:
    demand = Demand(100, 2, output_tokens, adjustable=True, rates=None)
    assert demand.least.output_tokens == least
    assert demand.largest(100 + 2 * least, None) == demand.least
    assert demand.largest(100 + 2 * least - 1, None) is None


@st.composite
def several_demands_and_rooms(draw: st.DrawFn) -> tuple[list[Demand], Bound, int | None, int | None]:
    """Demands of several providers, their common bound, and rooms that are about what some output limit takes."""
    adjustable, choices = draw(st.booleans()), draw(st.integers(1, 128))
    demands = [
        replace(each, adjustable=adjustable, choices=choices)
        for each in draw(st.lists(DEMANDS, min_size=1, max_size=4))
    ]
    bound = dearest(demands)
    near = bound.fit(draw(st.integers(0, bound.output_tokens + 1)))
    off = st.integers(-3, 3) | st.integers(-(10**6), 10**6)
    tokens, amount = near.tokens + draw(off), near.amount + draw(off)
    return demands, bound, draw(st.sampled_from([None, tokens])), draw(st.sampled_from([None, amount]))


@given(several_demands_and_rooms())
def test_what_is_held_for_several_is_what_is_held_for_the_dearest(
    drawn: tuple[list[Demand], Bound, int | None, int | None],
) -> None:
    demands, bound, tokens, amount = drawn
    fit = bound.largest(tokens, amount)
    if fit is None:
        return
    alone = [demand.fit(min(fit.output_tokens, demand.output_tokens)) for demand in demands]
    assert (fit.tokens, fit.amount) == (
        max(each.tokens for each in alone),
        max(each.amount for each in alone),
    )


@given(several_demands_and_rooms())
def test_the_largest_fit_for_several_is_within_both_limits_and_one_token_more_is_not(
    drawn: tuple[list[Demand], Bound, int | None, int | None],
) -> None:
    demands, bound, tokens, amount = drawn

    def fits(output_tokens: int) -> bool:
        return all(
            within(demand, min(output_tokens, demand.output_tokens), tokens, amount) for demand in demands
        )

    fit = bound.largest(tokens, amount)
    if fit is None:
        assert not fits(bound.least.output_tokens)
        return
    assert fits(fit.output_tokens)
    assert bound.least.output_tokens <= fit.output_tokens <= bound.output_tokens
    if fit.output_tokens < bound.output_tokens:
        assert not fits(fit.output_tokens + 1)


@given(several_demands_and_rooms(), st.data())
def test_what_is_held_for_several_pays_for_whatever_any_of_them_reports(
    drawn: tuple[list[Demand], Bound, int | None, int | None], data: st.DataObject
) -> None:
    demands, bound, tokens, amount = drawn
    fit = bound.largest(tokens, amount)
    if fit is None:
        return
    answering = data.draw(st.sampled_from(demands))
    most = answering.most(min(fit.output_tokens, answering.output_tokens))
    used = data.draw(counts_within(most))
    assert (answering.rates.cost(used) if answering.rates else 0) <= fit.amount
    if amount is not None and bound.least.amount <= amount:
        assert fit.amount <= amount


def test_a_large_prompt_here_and_a_high_price_there_are_not_held_for_together() -> None:
    """Pictures count for 30 times as much with a model whose tokens cost a sixteenth."""
    cheap, dear = (rates_of(Price(input=price, output=price)) for price in (Decimal("0.15"), Decimal("2.50")))
    assert cheap
    assert dear
    many = Demand(48_169, 1, 100, adjustable=True, rates=cheap)
    few = Demand(1_445, 1, 100, adjustable=True, rates=dear)
    assert dearest([many, few]).full.amount == max(many.full.amount, few.full.amount)


def test_who_may_write_little_keeps_nobody_from_writing_more() -> None:
    short = Demand(100, 1, 10, adjustable=True, rates=None)
    long = Demand(100, 1, 1000, adjustable=True, rates=None)
    assert dearest([short, long]).largest(None, None) == long.full
    assert dearest([short, long]).largest(600, None) == long.fit(500)
    assert dearest([short, long]).largest(110, None) is None
    assert dearest([short]) is short


@given(several_demands_and_rooms(), st.integers(1, 10**9))
def test_a_surcharge_is_held_with_whatever_is_held(
    drawn: tuple[list[Demand], Bound, int | None, int | None], surcharge: int
) -> None:
    _, bound, tokens, amount = drawn
    more = surcharged(bound, surcharge)
    for output_tokens in (bound.output_tokens, bound.least.output_tokens):
        fit = bound.fit(output_tokens)
        assert more.fit(output_tokens) == replace(fit, amount=fit.amount + surcharge)
    assert more.adjustable == bound.adjustable
    assume(
        amount is None or amount >= 0
    )  # there is no negative money, but a model without a price asks for none
    without = bound.largest(tokens, amount)
    within = more.largest(tokens, None if amount is None else amount + surcharge)
    assert within == (without and replace(without, amount=without.amount + surcharge))


def test_a_surcharge_that_cannot_be_paid_leaves_nothing() -> None:
    bound = Demand(100, 1, 10, adjustable=True, rates=None)
    assert surcharged(bound, 0) is bound
    assert surcharged(bound, 5).largest(None, 5) == Fit(10, 110, 5)
    assert surcharged(bound, 5).largest(None, 4) is None
