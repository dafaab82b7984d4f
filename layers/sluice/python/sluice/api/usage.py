"""Token usage: one meaning for every provider.

``prompt_tokens`` includes those read from a cache and those written to it, ``completion_tokens`` includes reasoning,
``total_tokens`` is their sum. Each provider module has one ``usage_of`` that converts to this.
"""

from typing import Annotated

from pydantic import Field

from sluice.api.shapes import ReplyShape, absent

Count = Annotated[int, Field(ge=0)]
OptionalCount = Annotated[Count | None, Field(exclude_if=absent)]


class PromptTokensDetails(ReplyShape):
    """Kinds of prompt tokens."""

    cached_tokens: OptionalCount = None
    cache_write_tokens: OptionalCount = None
    audio_tokens: OptionalCount = None


class CompletionTokensDetails(ReplyShape):
    """Kinds of completion tokens."""

    reasoning_tokens: OptionalCount = None
    audio_tokens: OptionalCount = None
    accepted_prediction_tokens: OptionalCount = None
    rejected_prediction_tokens: OptionalCount = None


class Usage(ReplyShape):
    """Tokens of one request."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: Annotated[PromptTokensDetails | None, Field(exclude_if=absent)] = None
    completion_tokens_details: Annotated[CompletionTokensDetails | None, Field(exclude_if=absent)] = None
