"""What tokens cost, in whole nano-USD, rounded up once per request.

Prices are decimals of USD per million tokens; they become integers over one common denominator, so that no sum is
ever rounded on the way.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from sluice.catalog import ModelRow, Price
from sluice.money import NANO_PER_USD

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The tokens of one request, by what they cost.

    ``prompt`` includes ``cached``, ``cache_written`` and ``audio``, of which the last may overlap with the others;
    ``completion`` includes ``reasoning``: all as in ``sluice.api.usage``.
    """

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0
    audio: int = 0
    cache_written: int = 0

    @property
    def total(self) -> int:
        """What counts against token limits."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Rates:
    """A model's prices per token, as multiples of ``1 / unit`` nano-USD.

    ``audio_surcharge`` is what a token of sound in the prompt costs beside ``input`` or ``cached``.
    """

    unit: int
    input: int
    cached: int
    output: int
    reasoning: int
    cache_write: int
    audio_surcharge: int = 0

    def cost(self, tokens: TokenCount) -> int:
        """What tokens cost.

        A part that is larger than its whole, as some hosts report it, counts as the whole. Which of the cached tokens
        are sound no provider tells, so the surcharge on sound is the same for them.
        """
        cached = min(tokens.cached, tokens.prompt)
        cache_written = min(tokens.cache_written, tokens.prompt - cached)
        reasoning = min(tokens.reasoning, tokens.completion)
        audio = min(tokens.audio, tokens.prompt)
        return self._rounded_up(
            (tokens.prompt - cached - cache_written) * self.input
            + cached * self.cached
            + cache_written * self.cache_write
            + audio * self.audio_surcharge
            + (tokens.completion - reasoning) * self.output
            + reasoning * self.reasoning
        )

    def bound(self, prompt: int, completion: int, audio: int = 0) -> int:
        """What so many tokens cost at most, whichever of them are cached or reasoning, and up to ``audio`` sound."""
        return self._rounded_up(self._dearest_prompt(prompt, audio) + completion * self._dearest_output)

    def affordable(self, amount: int, prompt: int, audio: int = 0) -> int | None:
        """How many completion tokens ``amount`` nano-USD pay for beside the prompt; None for any number.

        Negative if it does not even pay for the prompt.
        """
        left = amount * self.unit - self._dearest_prompt(prompt, audio)
        if left < 0:
            return -1
        return left // self._dearest_output if self._dearest_output else None

    def _dearest_prompt(self, prompt: int, audio: int) -> int:
        return (
            prompt * max(self.input, self.cached, self.cache_write)
            + min(audio, prompt) * self.audio_surcharge
        )

    @property
    def _dearest_output(self) -> int:
        return max(self.output, self.reasoning)

    def _rounded_up(self, cost: int) -> int:
        return -(-cost // self.unit)


def rates_of_model(row: ModelRow) -> Rates | None:
    """What a model's tokens cost; None if the catalogue has no full price for it. Embeddings have no output."""
    price = row.price
    if price is not None and row.kind == "embedding" and price.output is None:
        price = price.model_copy(update={"output": Decimal(0)})
    return None if price is None else rates_of(price)


@lru_cache(maxsize=1024)
def rates_of(price: Price) -> Rates | None:
    """The rates of a price; None if its price does not name both input and output.

    Cached input, what is written to a cache and sound cost as much as input, reasoning as much as output, where no
    price of their own is given. Sound is never cheaper than text.
    """
    if price.input is None or price.output is None:
        return None
    text = _per_token(price.input)
    output = _per_token(price.output)
    rates = (
        text,
        text if price.cached_input is None else _per_token(price.cached_input),
        output,
        output if price.reasoning is None else _per_token(price.reasoning),
        text if price.cache_write is None else _per_token(price.cache_write),
        Fraction(0) if price.audio_input is None else max(Fraction(0), _per_token(price.audio_input) - text),
    )
    unit = math.lcm(*(rate.denominator for rate in rates))
    return Rates(unit, *(int(rate * unit) for rate in rates))


def _per_token(price: Decimal) -> Fraction:
    return Fraction(price) * NANO_PER_USD / TOKENS_PER_PRICE
