"""Usage as OpenAI and its imitators report it, in the one meaning that it has here."""

from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.openai.usage import usage_of


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        ({"prompt_tokens": 2, "completion_tokens": None}, None),
        ({"prompt_tokens": None, "completion_tokens": 2, "total_tokens": None}, None),
        ({"prompt_tokens": 2, "completion_tokens": None, "total_tokens": 5}, (2, 3, 5, None, 3)),
        ({"prompt_tokens": 2.0, "completion_tokens": 3.0, "total_tokens": None}, (2, 3, 5, None, None)),
        ({"prompt_tokens": 2, "completion_tokens": 3}, (2, 3, 5, None, None)),
        ({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 4}, (2, 3, 5, None, None)),
        ({"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 9}, (2, 7, 9, None, 4)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 8}}, (9, 0, 9, 8, None)),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 8}, (9, 0, 9, 8, None)),
        ({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 8}}, (0, 9, 9, None, 8)),
        (
            {"prompt_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": None},
            (1, 0, 1, None, None),
        ),
    ],
)
def test_usage_has_one_meaning(raw: Any, expected: tuple[int | None, ...] | None) -> None:
    usage = usage_of(raw)
    if expected is None:
        assert usage is None
        return
    assert usage is not None
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, cached, reasoning) == expected


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt_tokens": "many"},
        {"prompt_tokens": -5, "completion_tokens": 1},
        {"prompt_tokens": 10**400},
        {"prompt_tokens_details": {"cached_tokens": -1}},
        {"completion_tokens_details": 7},
    ],
)
def test_what_cannot_be_counted_is_the_providers_failure(raw: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError):
        usage_of(raw)
