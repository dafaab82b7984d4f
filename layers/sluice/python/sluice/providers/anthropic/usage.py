"""Usage as Anthropic reports it.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sluice.api.usage import CompletionTokensDetails, PromptTokensDetails, Usage
from sluice.providers.reading import validated


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where the provider sent none.

    Anthropic's ``input_tokens`` are those that have nothing to do with the cache: what is read from it and what is
    written to it come on top. ``output_tokens`` include thinking.
    """
    if not isinstance(raw, dict) or not raw:
        return None
    counted = validated(_RawUsage, raw)
    read, written = counted.cache_read_input_tokens, counted.cache_creation_input_tokens
    prompt = (counted.input_tokens or 0) + (read or 0) + (written or 0)
    completion = counted.output_tokens or 0
    details = counted.output_tokens_details
    cache_is_told = read is not None or written is not None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=(
            PromptTokensDetails(cached_tokens=read or 0, cache_write_tokens=written or 0)
            if cache_is_told
            else None
        ),
        completion_tokens_details=(
            CompletionTokensDetails(reasoning_tokens=details.thinking_tokens) if details else None
        ),
    )


def later(usage: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A stream's usage with what is told later.

    The counts are sums so far, so the larger one counts; some are told only at the beginning, and some hosts tell 0
    for them at the end.
    """
    return {**usage, **{name: _larger(usage.get(name), value) for name, value in told.items()}}


def _larger(before: Any, now: Any) -> Any:
    if now is None:
        return before
    if isinstance(before, int) and isinstance(now, int):
        return max(before, now)
    return now


_Tokens = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _OutputDetails(BaseModel):
    model_config = ConfigDict(extra="ignore")

    thinking_tokens: _Tokens | None = None


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    input_tokens: _Tokens | None = None
    output_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None
    cache_creation_input_tokens: _Tokens | None = None
    output_tokens_details: _OutputDetails | None = None
