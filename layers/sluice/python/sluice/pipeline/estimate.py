"""How many tokens a request has used: what the provider reports, or, where it does not, what was seen going by.

The estimate is the usual rule of thumb: four ASCII characters make a token, a character of another script makes one.
"""

from sluice.accounting.costs import TokenCount
from sluice.api.usage import Usage

ASCII_PER_TOKEN = 4


def counted(usage: Usage, most: TokenCount) -> TokenCount:
    """What a provider reports.

    Args:
        usage: the provider's.
        most: the upper bound. Where the provider does not tell how much of the prompt is sound, all that may be is.
    """
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    audio = prompt.audio_tokens if prompt else None
    return TokenCount(
        prompt=usage.prompt_tokens,
        completion=usage.completion_tokens,
        cached=(prompt.cached_tokens if prompt else None) or 0,
        reasoning=(completion.reasoning_tokens if completion else None) or 0,
        cache_written=(prompt.cache_write_tokens if prompt else None) or 0,
        audio=min(most.audio, usage.prompt_tokens) if audio is None else audio,
    )


def tokens_of(text: str) -> int:
    """The tokens that a text probably has."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    return -(-ascii_characters // ASCII_PER_TOKEN) + len(text) - ascii_characters
