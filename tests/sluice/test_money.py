"""USD as text and as whole nano-USD."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.money import MAX_USD, NANO_PER_USD, format_usd, parse_usd


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("5", 5_000_000_000),
        ("0.25", 250_000_000),
        ("0.000000001", 1),
        ("0.1", 100_000_000),
        ("007.50", 7_500_000_000),
        ("1.0000000000000", NANO_PER_USD),
        (" 1 ", NANO_PER_USD),
        (str(MAX_USD), MAX_USD * NANO_PER_USD),
    ],
)
def test_an_amount_is_read_exactly(text: str, nano: int) -> None:
    assert parse_usd(text) == nano


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1e3",
        "1,5",
        ".5",
        "5.",
        "NaN",
        "inf",
        "$5",
        "0.0000000001",
        "1_000",
        "٣",
        "1 0",
        str(MAX_USD + 1),
        "9" * 10_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"USD|decimals"):
        parse_usd(text)


@given(st.integers(0, MAX_USD * NANO_PER_USD))
def test_what_is_shown_is_what_is_meant(nano: int) -> None:
    shown = format_usd(nano)
    assert parse_usd(shown) == nano
    assert Decimal(shown) * NANO_PER_USD == nano


def test_an_amount_is_shown_with_two_decimals_at_least() -> None:
    assert [format_usd(nano) for nano in (0, 1, 5 * NANO_PER_USD, NANO_PER_USD // 8, -NANO_PER_USD)] == [
        "0.00",
        "0.000000001",
        "5.00",
        "0.125",
        "-1.00",
    ]
