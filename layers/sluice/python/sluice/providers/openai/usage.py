"""Usage as OpenAI and compatible hosts report it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sluice.api.usage import CompletionTokensDetails, PromptTokensDetails, Usage
from sluice.providers.reading import validated


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where the provider sent none.

    DeepSeek counts cached prompt tokens in ``prompt_cache_hit_tokens``, Together in ``cached_tokens``; Groq sends its
    usage under ``x_groq``. xAI, and hosts of Gemini's models, leave what was thought out of the completion, but not out
    of the total, and bill it all the same.
    """
    if not isinstance(raw, dict):
        return None
    if raw.get("total_tokens") is None and None in (
        raw.get(name, 0) for name in ("prompt_tokens", "completion_tokens")
    ):
        return None  # of a part that is told to be unknown, and is not told to be nothing
    counted = validated(_RawUsage, {name: count for name, count in raw.items() if count is not None})
    completion_details = dict(counted.completion_tokens_details or {})
    unseen = counted.total_tokens - counted.prompt_tokens - counted.completion_tokens
    if unseen > 0:
        counted.completion_tokens += unseen
        completion_details.setdefault("reasoning_tokens", unseen)
    prompt_details = dict(counted.prompt_tokens_details or {})
    cached = (
        counted.cached_tokens if counted.prompt_cache_hit_tokens is None else counted.prompt_cache_hit_tokens
    )
    prompt_details.setdefault("cached_tokens", cached)
    return Usage(
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.prompt_tokens + counted.completion_tokens,
        prompt_tokens_details=_details(PromptTokensDetails, prompt_details),
        completion_tokens_details=_details(CompletionTokensDetails, completion_details),
    )


_Tokens = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    total_tokens: _Tokens = 0
    prompt_cache_hit_tokens: _Tokens | None = None
    cached_tokens: _Tokens | None = None
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


def _details[Details: BaseModel](shape: type[Details], raw: Mapping[str, Any]) -> Details | None:
    counted = {name: count for name, count in raw.items() if count is not None}
    return validated(shape, counted) if counted else None
