"""What tokens cost, in whole nano-USD, rounded up once per request.

Prices are decimals of USD per million tokens; they become integers over one common denominator, so that no sum is
ever rounded on the way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from sluice.catalog import Price
from sluice.money import NANO_PER_USD

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The tokens of one request, by what they cost.

    ``prompt`` includes ``cached``, ``completion`` includes ``reasoning``, as in ``sluice.api.usage``.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """What counts against token limits."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Rates:
    """A model's prices per token, as multiples of ``1 / unit`` nano-USD."""

    unit: int
    input: int
    cached: int
    output: int
    reasoning: int

    def cost(self, tokens: TokenCount) -> int:
        """What tokens cost.

        A part that is larger than its whole, as some hosts report it, counts as the whole.
        """
        cached = min(tokens.cached, tokens.prompt)
        reasoning = min(tokens.reasoning, tokens.completion)
        return self._rounded_up(
            (tokens.prompt - cached) * self.input
            + cached * self.cached
            + (tokens.completion - reasoning) * self.output
            + reasoning * self.reasoning
        )

    def bound(self, prompt: int, completion: int) -> int:
        """What so many tokens cost at most, whichever of them are cached or reasoning."""
        return self._rounded_up(prompt * self._dearest_input + completion * self._dearest_output)

    def affordable(self, amount: int, prompt: int) -> int | None:
        """How many completion tokens ``amount`` nano-USD pay for beside the prompt; None for any number.

        Negative if it does not even pay for the prompt.
        """
        left = amount * self.unit - prompt * self._dearest_input
        if left < 0:
            return -1
        return left // self._dearest_output if self._dearest_output else None

    @property
    def _dearest_input(self) -> int:
        return max(self.input, self.cached)

    @property
    def _dearest_output(self) -> int:
        return max(self.output, self.reasoning)

    def _rounded_up(self, cost: int) -> int:
        return -(-cost // self.unit)


@lru_cache(maxsize=1024)
def rates_of(price: Price) -> Rates | None:
    """A chat model's rates; None if its price does not name both input and output.

    Cached input costs as much as input, reasoning as much as output, where no price of their own is given.
    """
    if price.input is None or price.output is None:
        return None
    return _rates(
        (
            price.input,
            price.input if price.cached_input is None else price.cached_input,
            price.output,
            price.output if price.reasoning is None else price.reasoning,
        )
    )


def _rates(prices: Sequence[Decimal]) -> Rates:
    per_token = [Fraction(price) * NANO_PER_USD / TOKENS_PER_PRICE for price in prices]
    unit = math.lcm(*(rate.denominator for rate in per_token))
    return Rates(unit, *(int(rate * unit) for rate in per_token))
