"""What pictures and videos cost: exact, rounded up once, and never more than what was held."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.demand import Fixed
from sluice.accounting.media import cost_of, image_price, second_price
from sluice.catalog import Price, PriceVariant
from sluice.money import NANO_PER_USD

USD = st.decimals(min_value=0, max_value=1000, places=9) | st.sampled_from(
    [Decimal(text) for text in ("0", "0.04", "0.0336", "0.0000000001", "1E-12", "3.3333333333333333333")]
)
COUNTS = st.integers(0, 600)
PARTS = st.lists(st.tuples(USD, COUNTS), max_size=6)
SIZES = st.none() | st.sampled_from(["auto", "512x512", "1024x1024"])
QUALITIES = st.none() | st.sampled_from(["auto", "low", "high"])
VARIANTS = st.lists(
    st.builds(PriceVariant, size=SIZES, quality=QUALITIES, image=st.none() | USD, second=st.none() | USD),
    max_size=5,
)
PRICES = st.builds(Price, image=USD, second=USD, variants=VARIANTS.map(tuple))


class TestCost:
    @given(PARTS)
    def test_it_is_exact_and_rounded_up_once(self, parts: list[tuple[Decimal, int]]) -> None:
        exact = sum((Fraction(price) * count for price, count in parts), Fraction(0)) * NANO_PER_USD
        assert exact <= cost_of(parts) < exact + 1
        assert cost_of(parts) <= sum(cost_of([part]) for part in parts)

    @given(PARTS, PARTS)
    def test_more_never_costs_less(
        self, parts: list[tuple[Decimal, int]], more: list[tuple[Decimal, int]]
    ) -> None:
        assert cost_of(parts) <= cost_of([*parts, *more])

    @given(USD, USD, COUNTS, COUNTS)
    def test_a_dearer_piece_never_costs_less(
        self, one: Decimal, other: Decimal, count: int, more: int
    ) -> None:
        low, high = sorted((one, other))
        assert cost_of([(low, count)]) <= cost_of([(high, count + more)])

    @pytest.mark.parametrize(
        ("parts", "nano"),
        [
            ([], 0),
            ([(Decimal("0.04"), 0)], 0),
            ([(Decimal("0.04"), 3)], 120_000_000),
            ([(Decimal("0.025"), 1), (Decimal("0.05"), 2)], 125_000_000),
            ([(Decimal("1E-10"), 1)], 1),
            ([(Decimal("1E-10"), 10)], 1),
            ([(Decimal("1E-10"), 1)] * 10, 1),
            ([(Decimal("1E-10"), 11)], 2),
        ],
    )
    def test_whole_nano_usd(self, parts: list[tuple[Decimal, int]], nano: int) -> None:
        assert cost_of(parts) == nano


class TestHold:
    @given(st.lists(PRICES, min_size=1, max_size=4), st.integers(1, 10), SIZES, QUALITIES, st.data())
    def test_what_is_held_is_enough_whoever_makes_how_many(
        self, legs: list[Price], number: int, size: str | None, quality: str | None, data: st.DataObject
    ) -> None:
        """Held: all pictures by the dearest candidate. Charged: those that there are, each by who made it."""
        units = [unit for leg in legs if (unit := image_price(leg, size, quality)) is not None]
        held = cost_of([(max(units), number)])
        made = data.draw(st.lists(st.sampled_from(units), max_size=number))
        charged = cost_of((unit, 1) for unit in made)
        assert charged <= held
        bound = Fixed(held)
        assert bound.full.amount == bound.least.amount == held
        assert bound.full.tokens == 0

    @given(st.integers(0, 10**12), st.none() | st.integers(0, 10**12))
    def test_all_of_it_is_held_or_nothing(self, amount: int, left: int | None) -> None:
        fit = Fixed(amount).largest(None, left)
        assert (fit is None) == (left is not None and left < amount)
        assert fit is None or fit.amount == amount

    def test_no_limit_of_tokens_stands_in_its_way(self) -> None:
        fit = Fixed(5).largest(0, None)
        assert fit is not None
        assert fit.amount == 5


class TestPrice:
    PRICE = Price.model_validate(
        {
            "image": "0.2",
            "second": "0.5",
            "variants": [
                {"quality": "low", "size": "1024x1024", "image": "0.01"},
                {"quality": "low", "image": "0.02"},
                {"size": "512x512", "image": "0.03"},
                {"size": "720p", "second": "0.1"},
            ],
        }
    )

    @pytest.mark.parametrize(
        ("size", "quality", "image"),
        [
            ("1024x1024", "low", "0.01"),
            ("1536x1024", "low", "0.02"),
            ("512x512", "low", "0.02"),
            (None, "low", "0.02"),
            ("auto", "low", "0.02"),
            ("512x512", None, "0.03"),
            ("512x512", "high", "0.03"),
            ("1024x1024", "high", "0.2"),
            ("1024x1024", "auto", "0.2"),
            (None, None, "0.2"),
            ("720p", None, "0.2"),
        ],
    )
    def test_the_first_variant_that_fits_counts(
        self, size: str | None, quality: str | None, image: str
    ) -> None:
        assert image_price(self.PRICE, size, quality) == Decimal(image)

    @pytest.mark.parametrize(
        ("size", "second"), [("720p", "0.1"), (None, "0.5"), ("512x512", "0.5"), ("1080p", "0.5")]
    )
    def test_seconds_have_variants_of_their_own(self, size: str | None, second: str) -> None:
        assert second_price(self.PRICE, size, "low") == Decimal(second)

    @pytest.mark.parametrize("price", [None, Price(), Price(input=Decimal(1))])
    def test_without_a_price_there_is_none(self, price: Price | None) -> None:
        """That is not a price of nothing: a key with a budget is refused such a model."""
        assert image_price(price, None, None) is second_price(price, None, None) is None

    @given(PRICES, SIZES, QUALITIES)
    def test_it_is_one_of_those_that_stand_there(
        self, price: Price, size: str | None, quality: str | None
    ) -> None:
        assert image_price(price, size, quality) in {price.image, *(each.image for each in price.variants)}
        assert second_price(price, size, quality) in {
            price.second,
            *(each.second for each in price.variants),
        }
        assert math.isfinite(cost_of([(image_price(price, size, quality) or Decimal(0), 1)]))
