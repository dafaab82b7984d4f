"""What images and videos cost, exactly: by the piece or by the second, in fractions until they are added up.

hold      cost_of([(the dearest leg's unit price, all that is asked for)])
settle    cost_of([(unit price of who made it, 1) for each image that was made])
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from sluice.catalog import Price
from sluice.money import NANO_PER_USD


def image_price(price: Price | None, size: str | None, quality: str | None) -> Decimal | None:
    """USD for an image of a size and quality, None being the model's own; None if the catalogue has no price."""
    if price is None:
        return None
    for variant in price.variants:
        if variant.image is not None and variant.size in (None, size) and variant.quality in (None, quality):
            return variant.image
    return price.image


def second_price(price: Price | None, size: str | None, quality: str | None) -> Decimal | None:
    """The same for a second of video."""
    if price is None:
        return None
    for variant in price.variants:
        if variant.second is not None and variant.size in (None, size) and variant.quality in (None, quality):
            return variant.second
    return price.second


def cost_of(parts: Iterable[tuple[Decimal, int]]) -> int:
    """Whole nano-USD for so many pieces at so many USD each, rounded up once."""
    return math.ceil(sum((Fraction(price) * NANO_PER_USD * count for price, count in parts), Fraction(0)))
