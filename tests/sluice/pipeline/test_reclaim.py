"""Holds of dead processes end once, never early, and in what their requests cost."""

import itertools
from collections.abc import Iterator, Sequence

import pytest

from fake_dynamodb import FakeDynamoDB
from key_records import key_record
from simulation import HOLD_SECONDS, Environment, Fate, Request, World
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.counter import Counter, Hold
from sluice.accounting.demand import Demand
from sluice.errors import OverloadedError
from sluice.pipeline.reclaim import AT_ONCE, IncompleteError
from sluice.pipeline.settle import Outcome
from sluice.stores.counters import counter_of
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger_rows import LedgerRow, row_of

NOON = 1_795_262_400.0
KEY = key_record("sk-reclaimed", id="key_reclaimed", budget_nano_usd=100, budget_period="daily")
OUTCOME = Outcome("complete", "m", "p", TokenCount(4, 9), 21)
EXPIRES_AT = NOON + HOLD_SECONDS


@pytest.fixture
def world() -> Iterator[World]:
    found = World(NOON)
    yield found
    found.close()


def admitted(world: World, name: str, tokens: int = 30, key: KeyRecord = KEY) -> Request:
    demand = Demand(tokens, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
    request = Request(Environment(world, 0.0), key, demand, name)
    world.answer_all()
    assert request.admission is not None
    return request


def reclaim_all(world: World, offset: float = 0.0) -> int:
    task = world.start(Environment(world, offset).reclaimer.reclaim_all())
    world.answer_all()
    return task.result()


def counter_in(world: World, key_id: str = KEY.id) -> Counter:
    item = world.counter_item(key_id)
    assert item is not None
    return counter_of(item)


def rows_in(database: FakeDynamoDB) -> Sequence[LedgerRow]:
    return [row_of(item) for item in database.tables["LedgerTable"].values()]


def test_a_hold_without_row_is_lost_and_given_back(world: World) -> None:
    admitted(world, "req_1").environment.kill()
    world.now = EXPIRES_AT + 0.5
    assert reclaim_all(world) == 1
    assert rows_in(world.database) == [
        LedgerRow(
            key_id=KEY.id,
            request_id="req_1",
            period="2026-11-21",
            status="lost",
            settled_at=int((EXPIRES_AT + 0.5) * 1000),
            cost=0,
            hold_expires_at=int(EXPIRES_AT),
        )
    ]
    counter = counter_in(world)
    assert (counter.used, counter.minute_tokens.total, counter.holds) == (0, 0, {})
    assert reclaim_all(world) == 0


@pytest.mark.parametrize(("now", "count"), [(EXPIRES_AT - 0.001, 0), (EXPIRES_AT, 1)])
def test_a_hold_ends_when_it_has_expired_and_not_before(world: World, now: float, count: int) -> None:
    admitted(world, "req_1")
    world.now = now
    before = counter_in(world)
    assert reclaim_all(world) == count
    assert (counter_in(world) == before) == (count == 0)


def test_of_holds_that_are_asked_for_only_those_end_that_have_expired(world: World) -> None:
    """Who asks may have looked at the clock before it was set back."""
    request = admitted(world, "req_1")
    world.now = EXPIRES_AT - 1
    task = world.start(request.environment.reclaimer.reclaim(KEY.id, counter_in(world).holds))
    assert not world.parked
    task.result()


def test_a_hold_with_its_row_settles_to_it(world: World) -> None:
    request = admitted(world, "req_1")
    request.end(OUTCOME)
    world.resume(world.parked[0], "answered")
    world.resume(world.parked[0], "killed")
    assert counter_in(world).used == 30
    world.now = EXPIRES_AT
    reclaim_all(world)
    counter = counter_in(world)
    assert (counter.used, counter.minute_tokens.total, counter.holds) == (21, 13, {})
    assert [row.status for row in rows_in(world.database)] == ["complete"]


def test_a_hold_of_a_day_that_is_over_changes_nothing_of_the_new_one(world: World) -> None:
    admitted(world, "req_1").environment.kill()
    world.now += 86_400
    admitted(world, "req_2", 40)
    reclaim_all(world)
    counter = counter_in(world)
    assert (counter.period, counter.used, set(counter.holds)) == ("2026-11-22", 40, {"req_2"})
    assert {(row.period, row.cost) for row in rows_in(world.database)} == {("2026-11-21", 0)}


@pytest.mark.parametrize("settled", [True, False])
def test_a_hold_that_came_late_is_given_back_and_not_charged_again(world: World, settled: bool) -> None:
    """Its attempt was given up, and carried out when its request was settled by another one."""
    admitted(world, "req_0")
    demand = Demand(30, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
    request = Request(Environment(world, 0.0), KEY, demand, "req_1")
    world.resume(world.parked[0], "answered")
    world.resume(world.parked[0], "late_repeated")
    request.end(OUTCOME if settled else None)
    world.answer_all()
    assert counter_in(world).used == 30 + 21 * settled
    world.carry_out(world.late.pop())
    assert counter_in(world).used == 60 + 21 * settled
    world.now = EXPIRES_AT - 1
    assert reclaim_all(world) == 0
    world.now = EXPIRES_AT + 5
    assert reclaim_all(world) == 2
    rows = {row.request_id: (row.status, row.cost) for row in rows_in(world.database)}
    assert rows == {"req_0": ("lost", 0), "req_1": ("complete", 21) if settled else ("lost", 0)}
    counter = counter_in(world)
    assert (counter.used, counter.minute_tokens.total, counter.holds) == (21 * settled, 13 * settled, {})


OWNER, FIRST, SECOND = "owner", "first", "second"


@pytest.mark.parametrize("outcome", [OUTCOME, None], ids=["paid", "failed"])
@pytest.mark.parametrize("order", sorted(set(itertools.permutations([OWNER, FIRST, SECOND] * 2))))
def test_whoever_comes_first_of_the_owner_and_two_who_reclaim_a_hold_ends_once(
    order: Sequence[str], outcome: Outcome | None
) -> None:
    """Every order of the writes of all three."""
    world = World(NOON)
    request = admitted(world, "req_1")
    admitted(world, "req_2", 40)
    world.now = EXPIRES_AT - 10  # the second request's hold expires later
    seen = {"req_1": counter_in(world).holds["req_1"]}
    world.now = EXPIRES_AT
    parties = {OWNER: request.environment}
    request.end(outcome)
    for name in (FIRST, SECOND):
        parties[name] = Environment(world, 0.0)
        world.start(parties[name].reclaimer.reclaim(KEY.id, seen))
    for name in order:
        mine = [call for call in world.parked if call.environment is parties[name]]
        if mine:
            world.resume(mine[0], "answered")
            check(world)
    world.answer_all()
    check(world)
    assert "req_1" not in counter_in(world).holds
    world.close()


def check(world: World) -> None:
    counter = counter_in(world)
    spent = sum(row.cost for row in rows_in(world.database) if row.request_id not in counter.holds)
    assert counter.used == spent + counter.held


@pytest.mark.parametrize("fate", ["killed", "killed_after", "throttled", "lost"])
@pytest.mark.parametrize("place", [0, 1])
def test_who_reclaims_may_die_on_the_way(world: World, place: int, fate: Fate) -> None:
    admitted(world, "req_1").environment.kill()
    world.now = EXPIRES_AT
    task = world.start(Environment(world, 0.0).reclaimer.reclaim(KEY.id, counter_in(world).holds))
    for _ in range(place):
        world.resume(world.parked[0], "answered")
    world.resume(world.parked[0], fate)
    assert task.exception() is not None
    reclaim_all(world)
    counter = counter_in(world)
    assert (counter.used, counter.holds) == (0, {})
    assert [(row.status, row.cost) for row in rows_in(world.database)] == [("lost", 0)]


def test_a_hold_that_was_extended_since_it_was_seen_ends_whole(world: World) -> None:
    request = admitted(world, "req_1")
    seen = counter_in(world).holds
    request.end(Outcome("complete", "m", "p", TokenCount(4, 9), 50))
    world.resume(world.parked[0], "answered")
    assert counter_in(world).used == 50
    request.environment.kill()
    world.now = EXPIRES_AT
    task = world.start(Environment(world, 0.0).reclaimer.reclaim(KEY.id, seen))
    world.answer_all()
    task.result()
    assert (counter_in(world).used, counter_in(world).holds) == (0, {})


def test_all_keys_are_gone_through_although_one_of_them_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    keys = [key_record(f"sk-{name}", id=f"key_{name}") for name in "abc"]
    for key in keys:
        admitted(world, f"req_{key.id}", key=key)
    broken = (keys[1].id, f"req_{keys[1].id}")
    world.database.tables["LedgerTable"][broken] = {
        "key_id": {"S": keys[1].id},
        "request_id": {"S": broken[1]},
    }
    world.now = EXPIRES_AT
    with pytest.raises(IncompleteError):
        reclaim_all(world)
    assert [bool(counter_in(world, key.id).holds) for key in keys] == [False, True, False]
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    del world.database.tables["LedgerTable"][broken]
    assert reclaim_all(world) == 1


@pytest.mark.parametrize("fate", ["throttled", "unsent"])
def test_counters_that_cannot_be_read_are_told(world: World, fate: Fate) -> None:
    task = world.start(Environment(world, 0.0).reclaimer.reclaim_all())
    world.resume(world.parked[0], fate)
    assert isinstance(task.exception(), OverloadedError)


def test_a_row_is_for_the_hold_that_it_names() -> None:
    row = LedgerRow(
        key_id="k",
        request_id="r",
        period="lifetime",
        status="complete",
        settled_at=1,
        cost=1,
        hold_expires_at=7,
    )
    assert row.settles(Hold(1, 1, 7, "lifetime"))
    assert not row.settles(Hold(1, 1, 8, "lifetime"))


def test_a_request_reclaims_no_more_than_it_can_bear_and_the_schedule_all(world: World) -> None:
    free = key_record("sk-crowded", id="key_crowded")
    for number in range(AT_ONCE + 5):
        admitted(world, f"req_{number}", key=free).environment.kill()
    world.now = EXPIRES_AT + 0.5
    reclaimer = Environment(world, 0.0).reclaimer
    world.start(reclaimer.reclaim_seen(free.id, counter_in(world, free.id)))
    world.answer_all()
    assert len(counter_in(world, free.id).holds) == 5
    assert reclaim_all(world) == 5
    assert counter_in(world, free.id).holds == {}
