"""Usage in its one meaning."""

from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.anthropic.usage import later, usage_of


@pytest.mark.parametrize(
    ("raw", "prompt", "completion", "details", "reasoning"),
    [
        ({"input_tokens": 9, "output_tokens": 4}, 9, 4, None, None),
        (
            {
                "input_tokens": 3,
                "output_tokens": 1,
                "cache_read_input_tokens": 20,
                "cache_creation_input_tokens": 100,
            },
            123,
            1,
            (20, 100),
            None,
        ),
        (
            {"input_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": None},
            5,
            0,
            (2, 0),
            None,
        ),
        ({"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 7}}, 0, 9, None, 7),
        ({"input_tokens": 1, "output_tokens_details": None, "server_tool_use": {"x": 1}}, 1, 0, None, None),
    ],
)
def test_the_prompt_includes_what_is_read_from_the_cache_and_written_to_it(
    raw: Any, prompt: int, completion: int, details: tuple[int, int] | None, reasoning: int | None
) -> None:
    usage = usage_of(raw)
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (prompt, completion)
    assert usage.total_tokens == prompt + completion
    told = usage.prompt_tokens_details
    assert (told and (told.cached_tokens, told.cache_write_tokens)) == details
    thought = usage.completion_tokens_details
    assert (thought.reasoning_tokens if thought else None) == reasoning


@pytest.mark.parametrize("raw", [None, {}, [], "many"])
def test_no_usage_is_none(raw: object) -> None:
    assert usage_of(raw) is None


@pytest.mark.parametrize("raw", [{"input_tokens": -1}, {"output_tokens": "many"}, {"input_tokens": 2**60}])
def test_usage_that_makes_no_sense_is_an_error(raw: object) -> None:
    with pytest.raises(UpstreamError):
        usage_of(raw)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"output_tokens": 15}, {"input_tokens": 25, "output_tokens": 15}),
        ({"output_tokens": 15, "input_tokens": None}, {"input_tokens": 25, "output_tokens": 15}),
        ({"output_tokens": 15, "input_tokens": 0}, {"input_tokens": 25, "output_tokens": 15}),
        ({"output_tokens": 15, "input_tokens": 400}, {"input_tokens": 400, "output_tokens": 15}),
        (
            {"output_tokens_details": {"thinking_tokens": 3}},
            {"input_tokens": 25, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 3}},
        ),
    ],
)
def test_what_is_told_later_is_a_sum_that_may_lack_parts(told: Any, expected: Any) -> None:
    assert later({"input_tokens": 25, "output_tokens": 1}, told) == expected
