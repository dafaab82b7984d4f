"""Settling: twice written, once charged, whatever fails on the way."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Iterator
from dataclasses import replace

import pytest

from fake_dynamodb import refused
from key_records import key_record
from settle_site import HOLD_SECONDS, JUST_BEFORE_MIDNIGHT, KEY, OUTCOME, SettleSite
from sluice.errors import OverloadedError
from sluice.pipeline.settle import INSIST_SECONDS, LONGEST_PAUSE_SECONDS, insist
from sluice.stores.aws import UnansweredError
from sluice.stores.ledger_rows import LedgerRow
from stepped_loop import SteppedLoop

READ, WRITE, ROW = "GetItem", "UpdateItem", "PutItem"
BUSY = OverloadedError("busy", retry_after=1)


@pytest.fixture
def site() -> Iterator[SettleSite]:
    found = SettleSite()
    yield found
    found.loop.close()


# ── What it costs and does ──────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_written_and_then_the_hold_is_ended(site: SettleSite) -> None:
    admission = site.admit("req_1")
    site.now += 2.25
    row = site.settle(
        admission,
        replace(
            OUTCOME,
            status="broken",
            searches=2,
            search_cost=5,
            estimated=True,
            streamed=True,
            first_byte_ms=7,
            duration_ms=8,
            request_hash="a",
            response_hash="b",
        ),
    )
    assert site.client.calls == [ROW, WRITE]
    assert row == site.row("req_1")
    assert row == LedgerRow(
        key_id=KEY.id,
        request_id="req_1",
        owner="ann",
        period="2026-11-21",
        status="broken",
        settled_at=int((JUST_BEFORE_MIDNIGHT + 2.25) * 1000),
        model="gpt-4o-mini",
        provider="openai",
        cost=21,
        prompt_tokens=4,
        cached_tokens=2,
        cache_write_tokens=1,
        audio_tokens=1,
        completion_tokens=9,
        reasoning_tokens=2,
        searches=2,
        search_cost=5,
        estimated=True,
        streamed=True,
        first_byte_ms=7,
        duration_ms=8,
        request_hash="a",
        response_hash="b",
        hold_expires_at=admission.hold.expires_at,
    )
    counter = site.counter()
    assert (counter.used, counter.minute_tokens.total, counter.day_tokens.now, counter.holds) == (
        21,
        13,
        13,
        {},
    )


def test_a_request_that_failed_costs_one_write_and_nothing_else(site: SettleSite) -> None:
    site.release(site.admit("req_1"))
    assert site.client.calls == [WRITE]
    counter = site.counter()
    assert (counter.used, counter.minute_tokens.total, counter.holds) == (0, 0, {})
    assert counter.requests.total == 1
    assert site.row("req_1") is None


@pytest.mark.parametrize("times", [1, 2, 3])
def test_settling_again_changes_nothing(site: SettleSite, times: int) -> None:
    admission = site.admit("req_1")
    first = site.settle(admission)
    after = site.counter()
    for number in range(times):
        assert site.settle(admission, replace(OUTCOME, cost=number, status="cancelled")) == first
        site.release(admission)
    assert site.counter() == after


def test_who_admits_is_told_what_is_free_again(site: SettleSite) -> None:
    site.settle(site.admit("req_1"))
    assert site.noted == [(KEY.id, site.counter())]


def test_money_of_a_day_that_is_over_is_in_its_rows_and_not_in_the_new_day(site: SettleSite) -> None:
    admission = site.admit("req_1")
    site.now += 10
    site.admit("req_2", 40)
    site.settle(admission)
    assert site.client.calls == [ROW, WRITE, WRITE]
    row = site.row("req_1")
    assert row is not None
    assert (row.period, row.cost) == ("2026-11-21", 21)
    assert (site.counter().period, site.counter().used) == ("2026-11-22", 40)


# ── Beyond the hold ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("cost", "charged"), [(30, 30), (31, 31), (60, 60), (61, 30), (10**9, 30)])
def test_what_the_budget_has_beyond_the_hold_is_charged_and_what_it_has_not_is_not(
    site: SettleSite, caplog: pytest.LogCaptureFixture, cost: int, charged: int
) -> None:
    admission = site.admit("req_1")
    site.admit("req_2", 40)
    row = site.settle(admission, replace(OUTCOME, cost=cost))
    assert row is not None
    assert (row.cost, row.capped) == (charged, charged != cost)
    assert site.counter().used == 40 + charged
    assert [record.levelname for record in caplog.records] == ["ERROR"] * (cost > 30)
    assert len(site.client.calls) == 2 + (cost > 30)


def test_beyond_the_hold_nothing_is_charged_to_a_day_that_is_over(site: SettleSite) -> None:
    admission = site.admit("req_1")
    site.now += 10
    site.admit("req_2", 40)
    row = site.settle(admission, replace(OUTCOME, cost=50))
    assert row is not None
    assert (row.cost, row.capped, site.counter().used) == (30, True, 40)


def test_without_a_budget_the_true_cost_is_charged(site: SettleSite) -> None:
    key = key_record("sk-free", id="key_free")
    row = site.settle(site.admit("req_1", key=key), replace(OUTCOME, cost=1000))
    assert row is not None
    assert (row.cost, row.capped, site.counter(key).used) == (1000, False, 1000)
    assert site.client.calls == [ROW, WRITE]


# ── Failures ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("busy", [1, 2, 5])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_settling_goes_on_while_dynamodb_is_busy(site: SettleSite, step: int, busy: int) -> None:
    admission = site.admit("req_1")
    site.fail(*[None] * step, *[BUSY] * busy)
    row = site.settle(admission, replace(OUTCOME, cost=50))
    assert row == site.row("req_1")
    counter = site.counter()
    assert (counter.used, counter.holds) == (50, {})
    assert site.client.calls == [
        *[WRITE] * (1 + busy * (step == 0)),
        *[ROW] * (1 + busy * (step == 1)),
        *[WRITE] * (1 + busy * (step == 2)),
    ]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_step_whose_reply_was_lost_is_made_once(site: SettleSite, step: int) -> None:
    admission = site.admit("req_1")
    execute = site.client.database.execute
    steps = itertools.count()

    def lose(operation: str, members: dict[str, object]) -> dict[str, object]:
        reply = execute(operation, members)
        if next(steps) == step:
            raise UnansweredError("busy", retry_after=1)
        return reply

    site.client.database.execute = lose  # type: ignore[method-assign] # the fake stumbles
    row = site.settle(admission, replace(OUTCOME, cost=50))
    site.client.database.execute = execute  # type: ignore[method-assign] # the fake stumbles
    assert row is not None
    assert (row.cost, row.capped) == (50, False)
    counter = site.counter()
    assert (counter.used, counter.minute_tokens.total, counter.holds) == (50, 13, {})


@pytest.mark.parametrize("failure", [BUSY, refused("of no use")], ids=["busy", "refused"])
def test_a_row_that_can_never_be_written_is_in_the_log(
    site: SettleSite, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    admission = site.admit("req_1")
    site.fail(*[failure] * 100)
    assert site.settle(admission) is None
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    row = record.__dict__["row"]
    assert (row["request_id"], row["cost"], row["prompt_tokens"], row["completion_tokens"]) == (
        "req_1",
        21,
        4,
        9,
    )
    assert site.counter().holds == {"req_1": admission.hold}  # it expires
    attempts = len(site.client.calls)
    assert attempts == 1 if failure is not BUSY else attempts > INSIST_SECONDS / LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize("failure", [BUSY, refused("of no use")], ids=["busy", "refused"])
def test_a_hold_that_cannot_be_ended_settles_to_its_row_when_it_expires(
    site: SettleSite, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    admission = site.admit("req_1")
    site.fail(None, *[failure] * 100)
    row = site.settle(admission)
    assert row == site.row("req_1")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "req_1" in caplog.text
    assert site.counter().used == 30
    site.fail()
    site.now += HOLD_SECONDS + 1
    site.loop.finish(site.reclaimer.reclaim_all())
    counter = site.counter()
    assert (counter.used, counter.holds, site.row("req_1")) == (21, {}, row)


def test_a_request_that_comes_to_its_end_after_its_hold_was_reclaimed_costs_nothing(
    site: SettleSite, caplog: pytest.LogCaptureFixture
) -> None:
    admission = site.admit("req_1")
    site.now += HOLD_SECONDS + 1
    site.loop.finish(site.reclaimer.reclaim_all())
    row = site.settle(admission)
    assert row == site.row("req_1")
    assert row is not None
    assert (row.status, row.cost) == ("lost", 0)
    assert (site.counter().used, site.counter().minute_tokens.total) == (0, 0)
    assert "after its hold was reclaimed" in caplog.text


# ── Others' holds ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("failed", [True, False])
def test_expired_holds_of_others_are_ended_on_the_way(site: SettleSite, failed: bool) -> None:
    site.admit("req_lost")
    site.now += HOLD_SECONDS - 500
    site.admit("req_alive", 40)
    site.now += 501
    admission = site.admit("req_1")
    if failed:
        site.release(admission)
    else:
        site.settle(admission)
    counter = site.counter()
    assert set(counter.holds) == {"req_alive"}
    row = site.row("req_lost")
    assert row is not None
    assert (row.status, row.cost) == ("lost", 0)


@pytest.mark.parametrize(
    "failure", [BUSY, refused("of no use"), ValueError("a row that is none")], ids=["busy", "refused", "bad"]
)
def test_others_holds_that_cannot_be_ended_are_not_this_requests_business(
    site: SettleSite, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    site.admit("req_lost")
    site.now += HOLD_SECONDS + 1
    admission = site.admit("req_1")
    site.fail(None, None, *[failure] * 100)
    row = site.settle(admission)
    assert row is not None
    assert (row.cost, row.status) == (21, "complete")
    assert set(site.counter().holds) == {"req_lost"}
    assert f"expired holds of key {KEY.id}" in caplog.text


# ── Insisting ───────────────────────────────────────────────────────────────────────────────────────────────


def test_it_insists_with_growing_pauses_and_not_for_ever() -> None:
    loop = SteppedLoop()
    times: list[float] = []

    async def never() -> None:
        times.append(asyncio.get_running_loop().time())
        raise BUSY

    with pytest.raises(OverloadedError):
        loop.finish(insist(never))
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, *[2.0] * (len(pauses) - 5)])
    assert INSIST_SECONDS - LONGEST_PAUSE_SECONDS < times[-1] <= INSIST_SECONDS
    loop.close()


def test_it_insists_on_nothing_that_no_repetition_mends() -> None:
    loop = SteppedLoop()

    def failing() -> Iterator[Awaitable[int]]:
        async def fail() -> int:
            raise refused("of no use")

        yield fail()

    attempts = failing()
    with pytest.raises(Exception, match="of no use"):
        loop.finish(insist(lambda: next(attempts)))
    loop.close()
