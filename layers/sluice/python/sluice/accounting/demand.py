"""What a request may take at most: the upper bound that is held for it."""

from dataclasses import dataclass

from sluice.accounting.costs import Rates, TokenCount

LEAST_OUTPUT_TOKENS = 16
"""An answer is not cut shorter than this to fit a budget; the request is refused instead."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What is taken for a request: tokens and nano-USD held, and the output limit of each choice that makes it so."""

    output_tokens: int
    tokens: int
    amount: int


@dataclass(frozen=True, slots=True)
class Demand:
    """An upper bound of a request, for every output limit that it may be given.

    ``prompt_tokens`` bounds the prompt, ``audio_tokens`` the part of it that is sound; ``choices`` is OpenAI's ``n``;
    ``output_tokens`` bounds what each of them may be. Where ``adjustable``, the client set no limit, and a lower one
    may be sent to the provider.

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
        """What is held if each choice is limited to ``output_tokens``."""
        completion = self.choices * output_tokens
        amount = self.rates.bound(self.prompt_tokens, completion, self.audio_tokens) if self.rates else 0
        return Fit(output_tokens, self._counted_prompt + completion, amount)

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
        most = self.output_tokens
        if tokens is not None:
            most = min(most, (tokens - self._counted_prompt) // self.choices)
        if amount is not None and self.rates is not None:
            completion = self.rates.affordable(amount, self.prompt_tokens, self.audio_tokens)
            if completion is not None:
                most = min(most, completion // self.choices)
        return self.fit(most) if most >= self.least.output_tokens else None

    @property
    def _counted_prompt(self) -> int:
        return self.prompt_tokens if self.prompt_estimate is None else self.prompt_estimate
