"""What settling counts: what was answered and could not be settled."""

from collections.abc import Iterator

import pytest

from embedded_metrics import all_measured
from settle_site import HOLD_SECONDS, KEY, SettleSite
from sluice.errors import OverloadedError

BUSY = OverloadedError("busy", retry_after=1)


@pytest.fixture
def site() -> Iterator[SettleSite]:
    found = SettleSite()
    yield found
    found.loop.close()


def failures(capsys: pytest.CaptureFixture[str]) -> int:
    """How many were counted since this was last asked."""
    lines = all_measured(capsys.readouterr().out)
    return sum(int(line.values.get("SettleFailures", 0)) for line in lines)


def test_what_was_answered_and_could_not_be_settled_is_counted(
    site: SettleSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    site.settle(site.admit("req_well"))
    assert failures(capsys) == 0
    no_row = site.admit("req_no_row")
    site.fail(*[BUSY] * 100)
    assert site.settle(no_row) is None
    site.fail()
    assert failures(capsys) == 1
    left = site.admit("req_left")
    site.fail(None, *[BUSY] * 100)
    assert site.settle(left) is not None
    site.fail()
    assert failures(capsys) == 1


def test_a_request_that_comes_to_its_end_when_its_hold_is_reclaimed_is_counted(
    site: SettleSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    late = site.admit("req_late")
    site.now += HOLD_SECONDS + 2
    site.loop.finish(site.reclaimer.reclaim(KEY.id, {"req_late": late.hold}))
    (line,) = all_measured(capsys.readouterr().out)
    assert (line.dimensions, line.values) == ({"service": "reclaim"}, {"HoldsReclaimed": 1})
    site.settle(late)
    assert failures(capsys) == 1


def test_who_was_answered_nothing_is_not_counted(
    site: SettleSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    admission = site.admit("req_failed")
    site.fail(*[BUSY] * 100)
    site.release(admission)
    assert failures(capsys) == 0
