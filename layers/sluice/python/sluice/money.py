"""Money is a whole number of nano-USD (10⁻⁹ USD), never a float: micro would be too coarse for one token."""

import re

NANO_PER_USD = 1_000_000_000
DECIMALS = 9
CENTS = 2
MAX_USD = 1_000_000_000_000

_AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def parse_usd(text: str) -> int:
    """The nano-USD of a plain decimal amount of USD, such as ``5`` or ``0.25``.

    Raises:
        ValueError: it is no such amount, is finer than a nano-USD, or is absurdly large.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount in USD, such as 5 or 0.25")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > DECIMALS:
        raise ValueError(f"{text!r} is finer than {DECIMALS} decimals, the smallest amount there is")
    if len(whole.lstrip("0")) > len(str(MAX_USD)) or int(whole) > MAX_USD:
        raise ValueError(f"{text!r} is more than {MAX_USD} USD")
    return int(whole) * NANO_PER_USD + int(fraction.ljust(DECIMALS, "0"))


def format_usd(nano: int) -> str:
    """An amount of nano-USD as a decimal of USD: exact, with at least two decimals."""
    sign, amount = ("-", -nano) if nano < 0 else ("", nano)
    whole, rest = divmod(amount, NANO_PER_USD)
    fraction = f"{rest:0{DECIMALS}}".rstrip("0").ljust(CENTS, "0")
    return f"{sign}{whole}.{fraction}"
