"""Usage as Bedrock counts it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sluice.api.usage import PromptTokensDetails, Usage
from sluice.providers.reading import validated


def usage_of(raw: object) -> Usage | None:
    """Usage in the one meaning of ``sluice.api.usage``; None where Bedrock sent none.

    ``inputTokens`` are those that the cache had no part in. Thoughts count as output, and nothing says how many of it
    they are.
    """
    if not isinstance(raw, dict):
        return None
    counted = validated(_RawUsage, raw)
    read, written = counted.cache_read_input_tokens, counted.cache_write_input_tokens
    prompt = counted.input_tokens + (read or 0) + (written or 0)
    details = None
    if read or written:
        details = PromptTokensDetails(cached_tokens=read or 0, cache_write_tokens=written or 0)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=counted.output_tokens,
        total_tokens=prompt + counted.output_tokens,
        prompt_tokens_details=details,
    )


_Tokens = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    input_tokens: _Tokens
    output_tokens: _Tokens
    cache_read_input_tokens: _Tokens | None = None
    cache_write_input_tokens: _Tokens | None = None
