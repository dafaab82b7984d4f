"""How a client wants to be answered: RFC 7240 in all its forms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.pipeline.jobs.preference import Preference

NOW = Preference()


def job(seconds: int = 0, applied: str | None = "respond-async") -> Preference:
    return Preference(asynchronous=True, wait_seconds=seconds, applied=applied)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, NOW),
        ("", NOW),
        ("wait=10", NOW),
        ("return=minimal", NOW),
        ("x-respond-async", NOW),
        ('"respond-async"', NOW),
        ("respond-async", job()),
        ("Respond-Async", job()),
        (" respond-async ; x=1 , return=minimal", job()),
        ("respond-async, wait=10", job(10, "respond-async, wait=10")),
        ('wait="10" ,respond-async', job(10, "respond-async, wait=10")),
        ("respond-async, Wait = 10; a", job(10, "respond-async, wait=10")),
        ("respond-async, wait=1, wait=2", job(1, "respond-async, wait=1")),
        ("respond-async, wait=007", job(7, "respond-async, wait=7")),
        ("respond-async, wait", job()),
        ("respond-async, wait=-1", job()),
        ("respond-async, wait=1.5", job()),
        ("respond-async, wait=9999999", job()),
        ("respond-async, wait=\u0661", job()),
        ("respond-async, =, ;, ,", job()),
    ],
)
def test_the_header(header: str | None, wanted: Preference) -> None:
    assert Preference.of(header, {}) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"), [(True, job(applied=None)), (False, NOW), ("yes", NOW), (1, NOW)]
)
def test_the_member(value: Any, wanted: Preference) -> None:
    assert Preference.of("wait=5", {"async": value}) == wanted


def test_either_will_do() -> None:
    assert Preference.of("respond-async", {"async": False}) == job()


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    assert Preference.of(header, {}).wait_seconds >= 0
