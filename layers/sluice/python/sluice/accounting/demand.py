"""What a request may take at most: the upper bound that is held for it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sluice.accounting.costs import Rates, TokenCount

LEAST_OUTPUT_TOKENS = 16
"""An answer is not cut shorter than this to fit a budget; the request is refused instead."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What is taken for a request: tokens and nano-USD held, and the output limit of each choice that makes it so."""

    output_tokens: int
    tokens: int
    amount: int


class Bound(ABC):
    """An upper bound of a request, for every output limit that it may be given.

    ``output_tokens`` bounds what each choice may be. Where ``adjustable``, the client set no limit, and a lower one may
    be sent to the provider.
    """

    __slots__ = ()

    output_tokens: int
    adjustable: bool

    @abstractmethod
    def fit(self, output_tokens: int) -> Fit:
        """What is held if each choice is limited to ``output_tokens``."""

    @abstractmethod
    def room(self, tokens: int | None, amount: int | None) -> int:
        """The highest output limit within so many tokens and so much money, None being no limit.

        As high as ``output_tokens`` at most, and perhaps too low to be one.
        """

    @property
    def full(self) -> Fit:
        """What is held for all that the client asked for."""
        return self.fit(self.output_tokens)

    @property
    def least(self) -> Fit:
        """The smallest request that this may become."""
        return self.fit(
            min(self.output_tokens, LEAST_OUTPUT_TOKENS) if self.adjustable else self.output_tokens
        )

    def largest(self, tokens: int | None, amount: int | None) -> Fit | None:
        """The largest fit within so many tokens and so much money, None being no limit; None if there is none."""
        most = self.room(tokens, amount)
        return self.fit(most) if most >= self.least.output_tokens else None


@dataclass(frozen=True, slots=True)
class Demand(Bound):
    """The bound of a request that goes to one provider.

    ``prompt_tokens`` bounds the prompt, ``audio_tokens`` the part of it that is sound; ``choices`` is OpenAI's ``n``.

    Money is held for the bound. Limits of tokens are there to share a rate, not to be kept to the token: until the
    true count is known, ``prompt_estimate`` stands in for the prompt there, because its bound is several times that.
    """

    prompt_tokens: int
    choices: int
    output_tokens: int
    adjustable: bool
    rates: Rates | None
    """None if the model has no price: then no money is held."""
    audio_tokens: int = 0
    prompt_estimate: int | None = None
    """None where it is the bound."""

    def most(self, output_tokens: int) -> TokenCount:
        """What there can be of prompt, completion and sound, if each choice is limited to ``output_tokens``."""
        return TokenCount(self.prompt_tokens, self.choices * output_tokens, audio=self.audio_tokens)

    def fit(self, output_tokens: int) -> Fit:
        """See ``Bound``."""
        completion = self.choices * output_tokens
        amount = self.rates.bound(self.prompt_tokens, completion, self.audio_tokens) if self.rates else 0
        return Fit(output_tokens, self.counted_prompt + completion, amount)

    def room(self, tokens: int | None, amount: int | None) -> int:
        """See ``Bound``."""
        most = self.output_tokens
        if tokens is not None:
            most = min(most, (tokens - self.counted_prompt) // self.choices)
        if amount is not None and self.rates is not None:
            completion = self.rates.affordable(amount, self.prompt_tokens, self.audio_tokens)
            if completion is not None:
                most = min(most, completion // self.choices)
        return most

    @property
    def counted_prompt(self) -> int:
        """What the prompt counts for against limits of tokens."""
        return self.prompt_tokens if self.prompt_estimate is None else self.prompt_estimate


@dataclass(frozen=True, slots=True)
class DearestDemand(Bound):
    """The bound of a request that one of several providers will answer, nobody knows which: of the dearest of them.

    Each keeps to its own output limit where that is lower, so a limit is held for whole only where somebody may use it.
    """

    demands: Sequence[Demand]
    output_tokens: int
    adjustable: bool

    def fit(self, output_tokens: int) -> Fit:
        """See ``Bound``."""
        fits = [demand.fit(min(output_tokens, demand.output_tokens)) for demand in self.demands]
        return Fit(output_tokens, max(fit.tokens for fit in fits), max(fit.amount for fit in fits))

    def room(self, tokens: int | None, amount: int | None) -> int:
        """See ``Bound``. Who has room for all of its own limit keeps nobody from having more."""
        rooms = ((demand.room(tokens, amount), demand.output_tokens) for demand in self.demands)
        return min((room for room, own in rooms if room < own), default=self.output_tokens)


def dearest(demands: Sequence[Demand]) -> Bound:
    """The bound of a request that any of those may answer whose demands these are; there is at least one."""
    if len(demands) == 1:
        return demands[0]
    return DearestDemand(
        demands,
        output_tokens=max(demand.output_tokens for demand in demands),
        adjustable=all(demand.adjustable for demand in demands),
    )


@dataclass(frozen=True, slots=True)
class Surcharged(Bound):
    """The bound of a request that takes so many nano-USD beside its tokens, whoever answers it."""

    bound: Bound
    amount: int
    output_tokens: int
    adjustable: bool

    def fit(self, output_tokens: int) -> Fit:
        """See ``Bound``."""
        fit = self.bound.fit(output_tokens)
        return replace(fit, amount=fit.amount + self.amount)

    def room(self, tokens: int | None, amount: int | None) -> int:
        """See ``Bound``."""
        if amount is not None and amount < self.amount:
            return -1
        return self.bound.room(tokens, None if amount is None else amount - self.amount)


def surcharged(bound: Bound, amount: int) -> Bound:
    """A bound with so many nano-USD on top."""
    return Surcharged(bound, amount, bound.output_tokens, bound.adjustable) if amount else bound


@dataclass(frozen=True, slots=True)
class Fixed(Bound):
    """The bound of a request whose price is known beforehand, in nano-USD: so many images, so many seconds of video."""

    amount: int
    output_tokens: int = 0
    adjustable: bool = False

    def fit(self, output_tokens: int) -> Fit:
        """See ``Bound``; it has no tokens."""
        return Fit(output_tokens, 0, self.amount)

    def room(self, tokens: int | None, amount: int | None) -> int:
        """See ``Bound``: all of it, or nothing."""
        return 0 if amount is None or amount >= self.amount else -1
