"""Usage as Gemini reports it (``UsageMetadata``).

The prompt's count has what was cached in it, and not what tools of Google's own have read; the candidates' count has no
thoughts in it. Source: https://ai.google.dev/api/generate-content#UsageMetadata.
"""

from collections.abc import Mapping
from typing import Any

from sluice.api.usage import CompletionTokensDetails, PromptTokensDetails, Usage
from sluice.errors import UpstreamError
from sluice.providers.reading import count_of, objects_of


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where the provider sent none.

    What the total has more than its parts was written: so it is billed, and nothing is for nothing.

    Raises:
        UpstreamError: a count is none.
    """
    if not isinstance(raw, Mapping) or not raw:
        return None
    prompt = _count(raw, "promptTokenCount") + _count(raw, "toolUsePromptTokenCount")
    thoughts = _count(raw, "thoughtsTokenCount")
    completion = _count(raw, "candidatesTokenCount") + thoughts
    unseen = _count(raw, "totalTokenCount") - prompt - completion
    if unseen > 0:
        completion += unseen
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=PromptTokensDetails(
            cached_tokens=_count(raw, "cachedContentTokenCount"),
            audio_tokens=_sound(raw, "promptTokensDetails"),
        ),
        completion_tokens_details=CompletionTokensDetails(reasoning_tokens=thoughts),
    )


def _count(raw: Mapping[str, Any], member: str) -> int:
    value = raw.get(member)
    count = 0 if value is None else count_of(value)
    if count is None:
        raise UpstreamError(f"The provider's answer is malformed at 'usageMetadata.{member}'.")
    return count


def _sound(raw: Mapping[str, Any], member: str) -> int | None:
    """Tokens that were heard, which have a price of their own; None where nothing was."""
    heard = sum(
        _count(each, "tokenCount") for each in objects_of(raw.get(member)) if each.get("modality") == "AUDIO"
    )
    return heard or None
