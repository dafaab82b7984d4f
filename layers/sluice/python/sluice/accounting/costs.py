"""What tokens cost, in whole nano-USD, rounded up once per request.

Prices are decimals of USD per million tokens; they become integers over one common denominator, so that no sum is
ever rounded on the way.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from sluice.catalog import LongPrice, ModelRow, Price
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

    ``audio_surcharge`` is what a token of sound in the prompt costs beside ``input`` or ``cached``. ``long`` has the
    rates of a request whose prompt has more than ``above`` tokens.
    """

    unit: int
    input: int
    cached: int
    output: int
    reasoning: int
    cache_write: int
    audio_surcharge: int = 0
    above: int = 0
    long: "Rates | None" = None

    def cost(self, tokens: TokenCount) -> int:
        """What tokens cost.

        A part that is larger than its whole, as some hosts report it, counts as the whole. Which of the cached tokens
        are sound no provider tells, so the surcharge on sound is the same for them.
        """
        if self.long is not None and tokens.prompt > self.above:
            return self.long.cost(tokens)
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
        """What so many tokens cost at most, whichever of them are cached or reasoning, and up to ``audio`` sound.

        A prompt that may be long may also prove to be short of it.
        """
        if self.long is not None and prompt > self.above:
            short = replace(self, long=None).bound(self.above, completion, audio)
            return max(short, self.long.bound(prompt, completion, audio))
        return self._rounded_up(self._dearest_prompt(prompt, audio) + completion * self._dearest_output)

    def affordable(self, amount: int, prompt: int, audio: int = 0) -> int | None:
        """How many completion tokens ``amount`` nano-USD pay for beside the prompt; None for any number.

        Negative if it does not even pay for the prompt.
        """
        if self.long is not None and prompt > self.above:
            pays = (
                replace(self, long=None).affordable(amount, self.above, audio),
                self.long.affordable(amount, prompt, audio),
            )
            return min((most for most in pays if most is not None), default=None)
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
    rates = _rates(price, price.input, price.output)
    if price.long is None:
        return rates
    return replace(
        rates, above=price.long.above, long=_rates(price.long, price.long.input, price.long.output)
    )


def _rates(price: Price | LongPrice, of_input: Decimal, of_output: Decimal) -> Rates:
    text = _per_token(of_input)
    output = _per_token(of_output)
    rates = {
        "input": text,
        "cached": text if price.cached_input is None else _per_token(price.cached_input),
        "output": output,
        "reasoning": output if price.reasoning is None else _per_token(price.reasoning),
        "cache_write": text if price.cache_write is None else _per_token(price.cache_write),
        "audio_surcharge": Fraction(0)
        if price.audio_input is None
        else max(Fraction(0), _per_token(price.audio_input) - text),
    }
    unit = math.lcm(*(rate.denominator for rate in rates.values()))
    whole = {name: int(rate * unit) for name, rate in rates.items()}
    return Rates(
        unit=unit,
        input=whole["input"],
        cached=whole["cached"],
        output=whole["output"],
        reasoning=whole["reasoning"],
        cache_write=whole["cache_write"],
        audio_surcharge=whole["audio_surcharge"],
    )


def _per_token(price: Decimal) -> Fraction:
    return Fraction(price) * NANO_PER_USD / TOKENS_PER_PRICE
