"""What a refused client is told: why, and whether and when to come again."""

from typing import get_args

import pytest

from sluice.accounting.admission import NEVER, Refusal, RefusalReason
from sluice.accounting.counter import Limits
from sluice.errors import headers
from sluice.pipeline.refusals import error_of

NOW = 1_795_262_400.0
MIDNIGHT = NOW + 43_200
LIMITS = Limits(rpm=60, tpm=9000, tpd=100_000, budget=5_000_000_000, budget_period="daily")


@pytest.mark.parametrize("reason", get_args(RefusalReason))
def test_each_reason_has_the_status_and_the_code_that_tell_it(reason: RefusalReason) -> None:
    error = error_of(Refusal(reason, NOW + 12.5, NOW, at_least=40), LIMITS, NOW)
    expected = {
        "budget": (402, "budget_exceeded", "budget_exceeded"),
        "budget_in_flight": (429, "rate_limit_error", "budget_in_flight"),
    }
    assert (error.status, error.type, error.code) == expected.get(
        reason, (429, "rate_limit_error", "rate_limit_exceeded")
    )


@pytest.mark.parametrize("reason", ["budget_in_flight", "requests", "minute_tokens", "day_tokens"])
def test_what_passes_is_to_be_tried_again_when_it_has_passed(reason: RefusalReason) -> None:
    error = error_of(Refusal(reason, NOW + 12.5, NOW, at_least=40), LIMITS, NOW)
    assert headers(error) == {"retry-after": "13", "retry-after-ms": "12500"}


@pytest.mark.parametrize("reason", ["budget", "too_many_tokens", "requests", "minute_tokens", "day_tokens"])
def test_what_never_passes_is_not_to_be_tried_again(reason: RefusalReason) -> None:
    error = error_of(Refusal(reason, NEVER, NEVER, at_least=40), LIMITS, NOW)
    assert headers(error) == {"x-should-retry": "false"}


def test_a_time_that_is_over_is_now() -> None:
    error = error_of(Refusal("requests", NOW - 5, NOW - 5, at_least=0), LIMITS, NOW)
    assert error.retry_after == 0


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal("requests", NOW + 3, NOW + 3, 0), ["60 requests a minute", "3s"]),
        (Refusal("minute_tokens", NOW + 61, NOW, 1), ["9000 tokens a minute", "1m1s"]),
        (Refusal("day_tokens", NOW + 7200, NOW, 1), ["100000 tokens a day", "2h0m0s"]),
        (
            Refusal("too_many_tokens", NEVER, NEVER, 9001),
            ["9001", "9000 tokens a minute", "100000 tokens a day"],
        ),
        (Refusal("budget_in_flight", NOW + 3, 0.0, 40), ["5.00 USD a day", "in flight"]),
        (
            Refusal("budget", NEVER, MIDNIGHT, 40, left=39),
            ["5.00 USD a day", "0.000000039 USD left", "0.00000004 USD", "2026-11-22"],
        ),
    ],
)
def test_the_message_says_which_limit_and_how_much(refusal: Refusal, words: list[str]) -> None:
    message = error_of(refusal, LIMITS, NOW).message
    assert [word for word in words if word not in message] == []


def test_a_budget_that_never_starts_anew_says_nothing_of_it() -> None:
    limits = Limits(budget=5, budget_period="lifetime")
    message = error_of(Refusal("budget", NEVER, NEVER, 40, left=3), limits, NOW).message
    assert "anew" not in message
    assert "a day" not in message
    assert "a month" not in message
