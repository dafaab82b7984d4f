"""The headers of a key's limits."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.counter import Counter, Hold, Limits
from sluice.accounting.windows import DAY, MINUTE, Window
from sluice.pipeline.rate_limit_headers import duration, rate_limit_headers

NOON = 1_795_262_400.0
MINUTE_SLOT, DAY_SLOT = MINUTE.slot_at(NOON), DAY.slot_at(NOON)
ALL = Limits(rpm=60, tpm=9000, tpd=100_000, budget=5_000_000_000, budget_period="daily")
COUNTER = Counter(
    requests=Window(MINUTE_SLOT, 2, (5,), 7),
    minute_tokens=Window(MINUTE_SLOT - 3, 400, (), 650),
    day_tokens=Window(DAY_SLOT, 0, (0, 400), 650),
    period="2026-11-21",
    used=1_250_000_000,
    holds={"req_1": Hold(10, 250, int(NOON) + 960, "2026-11-21")},
)


def limits_in(found: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of requests and tokens, without their common beginning."""
    lead = "x-ratelimit-"
    return {name.removeprefix(lead): value for name, value in found.items() if name.startswith(lead)}


def test_each_limit_has_its_headers() -> None:
    found = rate_limit_headers(ALL, COUNTER, NOON)
    assert limits_in(found) == {
        "limit-rpm": "60",
        "remaining-rpm": "53",
        "limit-requests": "60",
        "remaining-requests": "53",
        "reset-requests": "1m8s",
        "limit-tpm": "9000",
        "remaining-tpm": "8350",
        "limit-tokens": "9000",
        "remaining-tokens": "8350",
        "reset-tokens": "1m8s",
        "limit-tpd": "100000",
        "remaining-tpd": "99350",
    }
    budget = {name: value for name, value in found.items() if name.startswith("x-sluice-budget-")}
    assert budget == {
        "x-sluice-budget-limit": "5.00",
        "x-sluice-budget-remaining": "3.75",
        "x-sluice-budget-reset": "12h0m0s",
    }
    assert len(found) == len(limits_in(found)) + len(budget)


@pytest.mark.parametrize(
    ("limits", "names"),
    [
        (Limits(), set()),
        (Limits(rpm=60), {"rpm", "requests"}),
        (Limits(tpm=9000), {"tpm", "tokens"}),
        (Limits(tpd=9000), {"tpd", "tokens"}),
        (Limits(rpm=1, tpd=1), {"rpm", "requests", "tpd", "tokens"}),
    ],
)
@pytest.mark.parametrize("counter", [COUNTER, None], ids=["used", "unused"])
def test_what_is_not_limited_has_no_header(limits: Limits, names: set[str], counter: Counter | None) -> None:
    found = limits_in(rate_limit_headers(limits, counter, NOON))
    assert {name.partition("-")[2] for name in found} == names


def test_openai_s_tokens_are_those_of_the_day_where_the_minute_has_no_limit() -> None:
    found = limits_in(rate_limit_headers(Limits(tpd=100_000), COUNTER, NOON))
    assert (found["limit-tokens"], found["remaining-tokens"]) == ("100000", "99350")


def test_a_key_that_was_never_used_has_all_of_its_limits() -> None:
    found = rate_limit_headers(ALL, None, NOON)
    assert limits_in(found)["remaining-rpm"] == "60"
    assert limits_in(found)["reset-requests"] == limits_in(found)["reset-tokens"] == "0s"
    assert (found["x-sluice-budget-remaining"], found["x-sluice-budget-reset"]) == ("5.00", "12h0m0s")


def test_more_used_than_the_limit_leaves_nothing() -> None:
    found = rate_limit_headers(Limits(rpm=3, tpm=1, budget=1, budget_period="daily"), COUNTER, NOON)
    assert limits_in(found)["remaining-rpm"] == limits_in(found)["remaining-tpm"] == "0"
    assert found["x-sluice-budget-remaining"] == "0.00"


@pytest.mark.parametrize(
    ("later", "requests", "tokens", "resets"),
    [
        (0, "53", "8350", ("1m8s", "1m8s")),
        (63, "53", "8750", ("5s", "1m5s")),
        (64, "58", "8750", ("4s", "1m8s")),
        (68, "60", "8750", ("0s", "1m8s")),
        (10_000, "60", "8750", ("0s", "1m8s")),
    ],
)
def test_what_is_left_is_of_the_time_of_the_reply(
    later: float, requests: str, tokens: str, resets: tuple[str, str]
) -> None:
    found = limits_in(rate_limit_headers(ALL, COUNTER, NOON + later))
    assert (found["remaining-requests"], found["remaining-tokens"]) == (requests, tokens)
    assert (found["reset-requests"], found["reset-tokens"]) == resets


def test_a_new_day_has_its_whole_budget() -> None:
    found = rate_limit_headers(ALL, COUNTER, NOON + 43_200)
    assert (found["x-sluice-budget-remaining"], found["x-sluice-budget-reset"]) == ("5.00", "24h0m0s")
    for_ever = Limits(budget=5_000_000_000)
    assert "x-sluice-budget-reset" not in rate_limit_headers(for_ever, None, NOON)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.25, "250ms"),
        (0.9994, "999ms"),
        (0.9996, "1s"),
        (1, "1s"),
        (7.4, "7s"),
        (59.6, "1m0s"),
        (360, "6m0s"),
        (3599.9, "1h0m0s"),
        (86_400, "24h0m0s"),
    ],
)
def test_durations_are_in_openai_s_notation(seconds: float, text: str) -> None:
    assert duration(seconds) == text


UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@given(st.floats(0, 10**7))
def test_a_duration_reads_as_what_it_is(seconds: float) -> None:
    """By the pattern with which OpenAI's clients are known to read it."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", duration(seconds))
    assert parts is not None
    read = sum(int(part) * unit for part, unit in zip(parts.groups("0"), UNITS.values(), strict=True))
    assert abs(read - seconds) <= (0.5 if seconds >= 1 else 0.0005) + 1e-6
