"""Usage has one meaning."""

from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.bedrock.usage import usage_of


def test_tokens_of_the_cache_are_a_part_of_the_prompt() -> None:
    raw = {
        "inputTokens": 2,
        "outputTokens": 5,
        "totalTokens": 1329,
        "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 322,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 322}],
        "serverToolUsage": {},
    }
    usage = usage_of(raw)
    assert usage is not None
    assert usage.model_dump() == {
        "prompt_tokens": 1324,
        "completion_tokens": 5,
        "total_tokens": 1329,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 322},
    }


@pytest.mark.parametrize("cache", [{}, {"cacheReadInputTokens": 0, "cacheWriteInputTokens": None}])
def test_without_a_cache_nothing_is_said_of_it(cache: dict[str, Any]) -> None:
    usage = usage_of({"inputTokens": 2, "outputTokens": 5, "totalTokens": 7, **cache})
    assert usage is not None
    assert usage.model_dump() == {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7}


@pytest.mark.parametrize("raw", [None, [], "x"])
def test_none_is_none(raw: Any) -> None:
    assert usage_of(raw) is None


@pytest.mark.parametrize(
    "raw", [{}, {"inputTokens": 1}, {"inputTokens": -1, "outputTokens": 1}, {"inputTokens": "a"}]
)
def test_nonsense_is_an_upstream_error(raw: Any) -> None:
    with pytest.raises(UpstreamError):
        usage_of(raw)
