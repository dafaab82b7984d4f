"""What tokens cost: exact, rounded up once, never above the bound."""

import math
from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.costs import Rates, TokenCount, rates_of, rates_of_model
from sluice.catalog import Candidate, LongPrice, ModelKind, ModelRow, Price

USD = st.decimals(min_value=0, max_value=1000, places=9) | st.sampled_from(
    [Decimal(text) for text in ("0", "0.15", "0.075", "2.50", "0.0000001", "1E-12", "3.3333333333333333333")]
)
TOKENS = st.integers(0, 10**7)
PARTS = {
    "input": USD,
    "cached_input": st.none() | USD,
    "cache_write": st.none() | USD,
    "audio_input": st.none() | USD,
    "output": USD,
    "reasoning": st.none() | USD,
}
PRICES = st.builds(Price, **PARTS)
TIERED = st.builds(Price, **PARTS, long=st.builds(LongPrice, above=st.integers(1, 10**7), **PARTS))
EXACT = Context(prec=100)


@st.composite
def token_counts(draw: st.DrawFn) -> TokenCount:
    """Any split of a prompt and a completion into their parts."""
    prompt, completion = draw(TOKENS), draw(TOKENS)
    cached = draw(st.integers(0, prompt))
    return TokenCount(
        prompt=prompt,
        completion=completion,
        cached=cached,
        cache_written=draw(st.integers(0, prompt - cached)),
        reasoning=draw(st.integers(0, completion)),
        audio=draw(st.integers(0, prompt)),
    )


def rates(price: Price) -> Rates:
    found = rates_of(price)
    assert found is not None
    return found


def cost_in_decimals(price: Price, tokens: TokenCount) -> int:
    """The same in another arithmetic: decimal USD per million, rounded up to the nano-USD at the end."""
    assert price.input is not None
    assert price.output is not None
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    audio = price.input if price.audio_input is None else price.audio_input
    reasoning = price.output if price.reasoning is None else price.reasoning
    parts = [
        (price.input, tokens.prompt - tokens.cached - tokens.cache_written),
        (cached, tokens.cached),
        (written, tokens.cache_written),
        (max(Decimal(0), EXACT.subtract(audio, price.input)), tokens.audio),
        (price.output, tokens.completion - tokens.reasoning),
        (reasoning, tokens.reasoning),
    ]
    total = Decimal(0)
    for amount, count in parts:
        total = EXACT.add(total, EXACT.multiply(amount, Decimal(count)))
    nano = EXACT.multiply(total, Decimal(1000))  # 10⁹ nano-USD, over 10⁶ tokens
    return int(EXACT.to_integral_exact(nano.quantize(Decimal(1), rounding="ROUND_CEILING", context=EXACT)))


@given(PRICES, token_counts())
def test_a_cost_is_the_exact_sum_rounded_up_once(price: Price, tokens: TokenCount) -> None:
    assert rates(price).cost(tokens) == cost_in_decimals(price, tokens)


@given(PRICES | TIERED, token_counts())
def test_no_split_of_tokens_costs_more_than_the_bound(price: Price, tokens: TokenCount) -> None:
    found = rates(price)
    assert found.cost(tokens) <= found.bound(tokens.prompt, tokens.completion, tokens.audio)


@given(PRICES, TOKENS, TOKENS)
def test_the_bound_is_reached_by_the_dearest_split(price: Price, prompt: int, completion: int) -> None:
    found = rates(price)
    splits = [
        TokenCount(prompt, completion, cached, reasoning, prompt, written)
        for cached, written in ((0, 0), (prompt, 0), (0, prompt))
        for reasoning in (0, completion)
    ]
    assert max(map(found.cost, splits)) == found.bound(prompt, completion, prompt)


@given(PRICES | TIERED, token_counts(), TOKENS, TOKENS)
def test_the_bound_grows_with_each_count(
    price: Price, tokens: TokenCount, more_prompt: int, more_completion: int
) -> None:
    found = rates(price)
    bound = found.bound(tokens.prompt, tokens.completion, tokens.audio)
    assert bound <= found.bound(
        tokens.prompt + more_prompt, tokens.completion + more_completion, tokens.prompt
    )


@given(PRICES | TIERED, st.integers(0, 10**13), TOKENS, TOKENS)
def test_what_is_affordable_is_paid_for_and_one_token_more_is_not(
    price: Price, amount: int, prompt: int, audio: int
) -> None:
    found = rates(price)
    most = found.affordable(amount, prompt, audio)
    if most is None:
        assert found.bound(prompt, 10**12, audio) == found.bound(prompt, 0, audio) <= amount
    elif most < 0:
        assert found.bound(prompt, 0, audio) > amount
    else:
        assert found.bound(prompt, most, audio) <= amount < found.bound(prompt, most + 1, audio)


@given(TIERED, token_counts(), TOKENS)
def test_a_prompt_that_proves_shorter_than_its_bound_costs_no_more(
    price: Price, tokens: TokenCount, more: int
) -> None:
    """Also where the bound is in the dear tier and the prompt is not."""
    found = rates(price)
    assert found.cost(tokens) <= found.bound(tokens.prompt + more, tokens.completion, tokens.audio)


def test_a_long_prompt_has_another_price_for_all_its_tokens() -> None:
    sol = rates(
        Price(
            input=Decimal("2.00"),
            output=Decimal("10.00"),
            long=LongPrice(above=272_000, input=Decimal("4.00"), output=Decimal("15.00")),
        )
    )
    assert sol.cost(TokenCount(prompt=272_000, completion=1000)) == 272_000 * 2000 + 1000 * 10_000
    assert sol.cost(TokenCount(prompt=272_001, completion=1000)) == 272_001 * 4000 + 1000 * 15_000


def test_a_known_request_costs_what_the_price_list_says() -> None:
    mini = rates(Price(input=Decimal("0.15"), cached_input=Decimal("0.075"), output=Decimal("0.60")))
    assert mini.cost(TokenCount(prompt=9, completion=0)) == 1350
    assert mini.cost(TokenCount(prompt=2006, completion=300, cached=1920)) == 336_900
    flash = rates(Price(input=Decimal("0.30"), audio_input=Decimal("1.00"), output=Decimal("2.50")))
    assert flash.cost(TokenCount(prompt=1000, completion=1, audio=960)) == 974_500
    sonnet = rates(
        Price(
            input=Decimal(3),
            cached_input=Decimal("0.30"),
            cache_write=Decimal("3.75"),
            output=Decimal(15),
        )
    )
    count = TokenCount(prompt=3296, completion=214, cached=2048, cache_written=1200)
    assert sonnet.cost(count) == 48 * 3000 + 2048 * 300 + 1200 * 3750 + 214 * 15_000


def test_a_fraction_of_a_nano_dollar_is_a_whole_one_but_only_once() -> None:
    cheap = rates(Price(input=Decimal("0.0001"), output=Decimal("0.0001")))
    assert cheap.cost(TokenCount(prompt=1, completion=0)) == 1
    assert cheap.cost(TokenCount(prompt=5, completion=5)) == 1
    assert cheap.cost(TokenCount(prompt=5, completion=6)) == 2
    assert cheap.cost(TokenCount(prompt=0, completion=0)) == 0


def test_a_part_that_is_larger_than_its_whole_counts_as_the_whole() -> None:
    found = rates(
        Price(
            input=Decimal(4),
            cached_input=Decimal(1),
            cache_write=Decimal(5),
            audio_input=Decimal(9),
            output=Decimal(8),
        )
    )
    assert found.cost(TokenCount(10, 10, cached=99, reasoning=99, audio=99, cache_written=99)) == found.cost(
        TokenCount(10, 10, cached=10, reasoning=10, audio=10)
    )
    assert found.cost(TokenCount(10, 10, cached=4, cache_written=99)) == found.cost(
        TokenCount(10, 10, cached=4, cache_written=6)
    )


@pytest.mark.parametrize(
    "price",
    [Price(), Price(input=Decimal(1)), Price(output=Decimal(1)), Price(image=Decimal(1))],
    ids=["none", "no output", "no input", "image"],
)
def test_a_price_without_input_or_output_gives_no_rates(price: Price) -> None:
    assert rates_of(price) is None


@given(PRICES)
def test_rates_are_whole_numbers_of_one_unit(price: Price) -> None:
    found = rates(price)
    assert (
        math.gcd(
            found.unit,
            found.input,
            found.cached,
            found.output,
            found.reasoning,
            found.cache_write,
            found.audio_surcharge,
        )
        == 1
    )


def row(kind: ModelKind, **price: str) -> ModelRow:
    return ModelRow(
        id="m",
        kind=kind,
        candidates=(Candidate(provider="p", model="m"),),
        price=Price.model_validate(price) if price else None,
    )


@pytest.mark.parametrize("kind", ["chat", "completion", "embedding"])
def test_a_model_has_the_rates_of_its_price(kind: ModelKind) -> None:
    model = row(kind, input="1", output="2", cached_input="0.5")
    assert model.price is not None
    assert rates_of_model(model) == rates_of(model.price)
    assert rates_of_model(row(kind)) is None


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_who_writes_has_no_rates_without_a_price_of_output(kind: ModelKind) -> None:
    assert rates_of_model(row(kind, input="1")) is None
    assert rates_of_model(row(kind, output="1")) is None


def test_embeddings_cost_their_input_alone() -> None:
    rates = rates_of_model(row("embedding", input="0.02"))
    assert rates is not None
    assert rates.cost(TokenCount(9, 0)) == 180
    assert rates.bound(9, 0) == 180
    assert rates.affordable(179, 9) == -1
    assert rates_of_model(row("embedding", output="1")) is None
