"""What is admitted is settled, whatever happens in between: at each call a request makes, it is cancelled there."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from embedded_metrics import all_measured
from fake_dynamodb import refused
from key_records import key_record
from simulation import Environment, Fate, Request, World
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.counter import Counter
from sluice.accounting.demand import Demand
from sluice.errors import BudgetExceededError, OverloadedError, UpstreamError
from sluice.pipeline.hold import Held, held
from sluice.pipeline.settle import Outcome
from sluice.stores.aws import UnansweredError
from sluice.stores.counters import counter_of
from sluice.stores.ledger_rows import LedgerRow, row_of

NOON = 1_795_262_400.0
KEY = key_record("sk-held", id="key_held", budget_nano_usd=100)
DEMAND = Demand(30, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
OUTCOME = Outcome("complete", "m", "p", TokenCount(4, 9), 21)

ADMITTING = ("GetItem", "UpdateItem")
SETTLING = ("PutItem", "UpdateItem")


@pytest.fixture
def world() -> Iterator[World]:
    found = World(NOON)
    yield found
    found.close()
    assert not found.loop.unhandled


@pytest.fixture
def environment(world: World) -> Environment:
    return Environment(world, 0.0)


@pytest.fixture
def request_(environment: Environment) -> Request:
    return Request(environment, KEY, DEMAND, "req_1")


def go_on(world: World, *fates: Fate) -> None:
    """Let all go on to where they wait for the test, the first calls by these fates."""
    coming = list(fates)
    while world.parked:
        world.resume(world.parked[0], coming.pop(0) if coming else "answered")


def go_to(world: World, place: int) -> None:
    """Let the first calls be answered, so many of them."""
    for _ in range(place):
        world.resume(world.parked[0], "answered")


def counter_in(world: World) -> Counter:
    item = world.counter_item(KEY.id)
    assert item is not None
    return counter_of(item)


def row_in(world: World) -> LedgerRow | None:
    item = world.database.tables["LedgerTable"].get((KEY.id, "req_1"))
    return row_of(item) if item else None


def nothing_is_held(world: World) -> None:
    item = world.counter_item(KEY.id)
    if item is not None:
        counter = counter_of(item)
        row = row_in(world)
        assert not counter.holds
        assert counter.used == (row.cost if row else 0)
        assert counter.minute_tokens.total == (13 if row else 0)


def test_a_request_that_ends_well_is_settled_to_its_outcome(world: World, request_: Request) -> None:
    assert [call.operation for call in world.parked] == ["GetItem"]
    go_on(world)
    assert counter_in(world).used == 30
    request_.end(OUTCOME)
    go_on(world)
    row = row_in(world)
    assert row is not None
    assert (row.cost, row.status) == (21, "complete")
    nothing_is_held(world)


def test_a_request_without_outcome_costs_nothing(world: World, request_: Request) -> None:
    go_on(world)
    request_.end(None)
    go_on(world)
    assert row_in(world) is None
    nothing_is_held(world)


@pytest.mark.parametrize("fate", ["answered", "lost", "repeated", "unsent", "throttled"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("place", range(len(ADMITTING)))
def test_who_goes_away_while_being_admitted_holds_nothing(
    world: World, request_: Request, place: int, times: int, fate: Fate
) -> None:
    go_to(world, place)
    for _ in range(times):
        request_.cancel()
        assert not request_.task.done()
    go_on(world, fate)
    assert request_.task.cancelled()
    assert row_in(world) is None
    nothing_is_held(world)


@pytest.mark.parametrize("times", [1, 2])
def test_who_goes_away_while_what_was_held_is_given_back_holds_nothing(
    world: World, request_: Request, times: int
) -> None:
    go_to(world, 1)
    request_.cancel()
    world.resume(world.parked[0], "answered")
    assert [call.operation for call in world.parked] == ["UpdateItem"]
    assert counter_in(world).used == 30
    for _ in range(times):
        request_.cancel()
        assert not request_.task.done()
    go_on(world)
    assert request_.task.cancelled()
    nothing_is_held(world)


@pytest.mark.parametrize("place", range(len(ADMITTING)))
def test_who_goes_away_while_being_refused_holds_nothing(
    world: World, environment: Environment, place: int
) -> None:
    request = Request(environment, KEY, replace(DEMAND, prompt_tokens=101), "req_1")
    assert len(world.parked) == 1
    request.cancel()
    go_on(world)
    assert request.task.cancelled()
    assert world.counter_item(KEY.id) is None


@pytest.mark.parametrize("outcome", [OUTCOME, None], ids=["paid", "failed"])
@pytest.mark.parametrize("times", [1, 2])
def test_who_goes_away_in_the_middle_is_settled_to_what_is_known_then(
    world: World, request_: Request, times: int, outcome: Outcome | None
) -> None:
    go_on(world)
    for _ in range(times):
        request_.cancel(outcome)
        assert not request_.task.done()
    go_on(world)
    assert request_.task.cancelled()
    assert (row_in(world) is None) == (outcome is None)
    nothing_is_held(world)


@pytest.mark.parametrize("fate", ["answered", "lost", "repeated", "unsent", "throttled"])
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("place", range(len(SETTLING)))
def test_who_goes_away_while_being_settled_is_settled(
    world: World, request_: Request, place: int, times: int, fate: Fate
) -> None:
    go_on(world)
    request_.end(OUTCOME)
    go_to(world, place)
    assert [call.operation for call in world.parked] == [SETTLING[place]]
    for _ in range(times):
        request_.cancel(OUTCOME)
        assert not request_.task.done()
    go_on(world, fate)
    assert request_.task.cancelled()
    row = row_in(world)
    assert row is not None
    assert row.cost == 21
    nothing_is_held(world)


@pytest.mark.parametrize("fate", ["lost", "unsent"])
def test_an_admission_that_nobody_answers_is_given_back_and_told(
    world: World, request_: Request, fate: Fate
) -> None:
    go_to(world, 1)
    go_on(world, fate)
    assert isinstance(request_.refusal, UnansweredError)
    nothing_is_held(world)


def test_a_refused_request_is_told_why_and_holds_nothing(world: World, environment: Environment) -> None:
    request = Request(environment, KEY, replace(DEMAND, prompt_tokens=101), "req_1")
    go_on(world)
    assert isinstance(request.refusal, BudgetExceededError)
    assert world.counter_item(KEY.id) is None


# ── What the code in between does ───────────────────────────────────────────────────────────────────────────


def run(world: World, environment: Environment, body: Any) -> asyncio.Task[None]:
    """Run code between admission and settlement, with each call answered."""

    async def lives() -> None:
        async with held(environment.admitter, environment.settler, KEY, DEMAND, "req_1") as hold:
            await body(hold)

    task = world.start(lives())
    world.answer_all()
    return task


@pytest.mark.parametrize("outcome", [OUTCOME, None], ids=["paid", "failed"])
def test_a_failure_in_between_is_passed_on_when_the_request_is_settled(
    world: World, environment: Environment, outcome: Outcome | None
) -> None:
    async def body(hold: Held) -> None:
        hold.outcome = lambda: outcome
        raise UpstreamError("broken")

    task = run(world, environment, body)
    assert isinstance(task.exception(), UpstreamError)
    assert (row_in(world) is None) == (outcome is None)
    nothing_is_held(world)


def test_the_outcome_is_asked_at_the_end_and_once(world: World, environment: Environment) -> None:
    asked: list[str] = []

    async def body(hold: Held) -> None:
        def outcome() -> Outcome:
            asked.append("outcome")
            return OUTCOME

        hold.outcome = outcome
        asked.append("body")
        await asyncio.sleep(1)
        asked.append("end")

    run(world, environment, body).result()
    assert asked == ["body", "end", "outcome"]


def test_an_outcome_that_cannot_be_told_ends_the_hold_and_is_counted_and_passed_on(
    world: World,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")

    async def body(hold: Held) -> None:
        def outcome() -> Outcome:
            raise ZeroDivisionError

        hold.outcome = outcome

    task = run(world, environment, body)
    assert isinstance(task.exception(), ZeroDivisionError)
    assert row_in(world) is None
    nothing_is_held(world)
    (line,) = all_measured(capsys.readouterr().out)
    assert line.values == {"SettleFailures": 1}


def test_what_was_settled_is_told(world: World, environment: Environment) -> None:
    holds: list[Held] = []

    async def body(hold: Held) -> None:
        hold.outcome = lambda: OUTCOME
        assert hold.row is None
        assert hold.admission.hold.amount == 30
        holds.append(hold)

    run(world, environment, body).result()
    assert holds[0].row == row_in(world) is not None


def test_a_cancelled_admission_that_fails_for_good_is_cancelled_and_in_the_log(
    world: World, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    go_to(world, 1)
    request_.cancel()
    (call,) = world.parked
    call.reply.set_exception(refused("it is too large"))
    world.run()
    assert request_.task.cancelled()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_deadline_that_passes_in_between_is_passed_on(world: World, environment: Environment) -> None:
    async def body(hold: Held) -> None:
        hold.outcome = lambda: OUTCOME
        async with asyncio.timeout(5):
            await asyncio.Event().wait()

    task = run(world, environment, body)
    assert isinstance(task.exception(), TimeoutError)
    assert row_in(world) is not None
    nothing_is_held(world)


def test_a_table_that_stays_busy_loses_the_row_to_the_log_and_the_hold_to_its_expiry(
    world: World, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    go_on(world)
    request_.end(OUTCOME)
    while world.parked:
        world.resume(world.parked[0], "throttled")
    request_.task.result()
    assert set(counter_in(world).holds) == {"req_1"}
    assert row_in(world) is None
    assert [record.__dict__["row"]["cost"] for record in caplog.records] == [21]


def test_an_admission_while_the_table_is_busy_is_told(world: World, request_: Request) -> None:
    go_on(world, "throttled")
    assert isinstance(request_.refusal, OverloadedError)
    assert not isinstance(request_.refusal, UnansweredError)
