"""Usage in one meaning."""

from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.gemini.usage import usage_of


def counts(raw: Any) -> tuple[int, int, int, int | None, int | None]:
    usage = usage_of(raw)
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.prompt_tokens_details.cached_tokens or 0,
        usage.prompt_tokens_details.audio_tokens,
        usage.completion_tokens_details.reasoning_tokens,
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}, (9, 2, 0, None, 0)),
        (
            {
                "promptTokenCount": 9,
                "cachedContentTokenCount": 4,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 5,
                "totalTokenCount": 16,
            },
            (9, 7, 4, None, 5),
        ),
        (
            {
                "promptTokenCount": 9,
                "toolUsePromptTokenCount": 3,
                "candidatesTokenCount": 2,
                "totalTokenCount": 14,
            },
            (12, 2, 0, None, 0),
        ),
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 5}, (9, 7, 0, None, 5)),
        ({"promptTokenCount": 13, "totalTokenCount": 13}, (13, 0, 0, None, 0)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 20}, (9, 11, 0, None, 0)),
        ({"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 1}, (9, 2, 0, None, 0)),
        (
            {
                "promptTokenCount": 40,
                "totalTokenCount": 40,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 8},
                    {"modality": "AUDIO", "tokenCount": 32},
                ],
            },
            (40, 0, 0, 32, 0),
        ),
    ],
)
def test_thoughts_are_written_and_what_is_cached_is_read(raw: Any, expected: Any) -> None:
    assert counts(raw) == expected


@pytest.mark.parametrize("raw", [None, {}, [], 7])
def test_without_counts_there_is_none(raw: Any) -> None:
    assert usage_of(raw) is None


@pytest.mark.parametrize("count", [-1, "many", 1.5, True, 2**53, []])
def test_a_count_that_is_none_is_an_upstream_error(count: Any) -> None:
    with pytest.raises(UpstreamError, match=r"usageMetadata\.promptTokenCount"):
        usage_of({"promptTokenCount": count})
