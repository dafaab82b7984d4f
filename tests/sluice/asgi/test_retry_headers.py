"""What each SDK is told of waits that it would not honour."""

import pytest

from sluice import errors
from sluice.asgi.retry_headers import retry_headers
from sluice.errors import OverloadedError, RateLimitError, UpstreamError

SECONDS = [0.25, 3.0, 60.0, 60.001, 68.0, 120.0, 120.5, 86_400.0]


@pytest.mark.parametrize("language", [None, "python", "go", "JS"])
@pytest.mark.parametrize("seconds", SECONDS)
def test_the_truth_for_all_others(seconds: float, language: str | None) -> None:
    error = RateLimitError("later", retry_after=seconds)
    assert retry_headers(error, language) == errors.headers(error)


@pytest.mark.parametrize("seconds", [0.25, 3.0, 60.0])
def test_the_truth_where_openai_node_waits_so_long(seconds: float) -> None:
    error = RateLimitError("later", retry_after=seconds)
    assert retry_headers(error, "js") == errors.headers(error)


@pytest.mark.parametrize("seconds", [60.001, 68.0, 120.0])
def test_openai_node_is_told_no_more_than_a_minute(seconds: float) -> None:
    error = RateLimitError("later", retry_after=seconds)
    assert retry_headers(error, "js") == {"retry-after": "60", "retry-after-ms": "60000"}


@pytest.mark.parametrize("seconds", [120.5, 86_400.0])
def test_openai_node_does_not_try_again_where_openai_python_does_not(seconds: float) -> None:
    error = OverloadedError("later", retry_after=seconds)
    assert retry_headers(error, "js") == errors.headers(error) | {"x-should-retry": "false"}


def test_what_has_no_time_is_left_alone() -> None:
    for error in (UpstreamError("no", retriable=False), UpstreamError("no")):
        assert retry_headers(error, "js") == errors.headers(error)
