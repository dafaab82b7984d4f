"""A run gets through all keys, or says how far it came and goes on there, and never changes what it compares."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

import pytest

from bookkeeping import BUDGET, Bookkeeping, key_with_budget, ledger_row
from embedded_metrics import all_measured
from sluice.metrics import Reconciling
from sluice.pipeline.reconcile import Equal, Finding, Reconciler
from sluice.pipeline.reconcile_run import ReconcileRun, UnreadError
from sluice.stores.reconcile_place import ID, ReconcilePlace

KEYS = tuple(f"key_{number:02}" for number in range(20))
ENOUGH = 60.0
AT_ONCE = 0.05
"""Seconds: what takes no time is done by then, what never ends is not."""


@pytest.fixture(autouse=True)
def _asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")


class Ledgers:
    """In place of a reconciler: keys that are right, that cannot be read, or whose ledger never ends."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.endless: set[str] = set()
        self.unreadable: set[str] = set()

    async def keys(self) -> Mapping[str, None]:
        """All of them."""
        return dict.fromkeys(KEYS)

    async def key(self, key_id: str, _record: None, *, repair: bool) -> Finding:
        """One of them."""
        assert not repair
        if key_id in self.endless:
            await asyncio.Event().wait()
        if key_id in self.unreadable:
            raise ValueError("malformed")
        self.read.append(key_id)
        return Equal(key_id, 0)


class Place:
    """Where to go on, without a table."""

    def __init__(self) -> None:
        self.after: str | None = None

    async def read(self) -> str | None:
        """The place."""
        return self.after

    async def write(self, key_id: str | None) -> None:
        """Another place."""
        self.after = key_id


async def ran(ledgers: Ledgers, place: Place, seconds: float = ENOUGH) -> Reconciling:
    run = ReconcileRun(cast("Reconciler", ledgers), cast("ReconcilePlace", place), seconds)
    ledgers.read.clear()
    return await run.run()


def values(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    (line,) = all_measured(capsys.readouterr().out)
    assert line.dimensions == {"service": "reconcile_budgets"}
    return line.values


async def test_where_there_is_time_all_keys_have_their_turn_and_the_next_run_begins_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledgers, place = Ledgers(), Place()
    assert await ran(ledgers, place) == Reconciling(0, 0, len(KEYS), 0, 0)
    assert ledgers.read == list(KEYS)
    assert place.after is None
    assert values(capsys)["KeysReconciled"] == len(KEYS)


async def test_a_run_begins_where_the_last_one_stopped_and_comes_round() -> None:
    ledgers, place = Ledgers(), Place()
    place.after = KEYS[7]
    assert (await ran(ledgers, place)).left == 0
    assert ledgers.read == [*KEYS[8:], *KEYS[:8]]
    place.after = "key_07a"  # a key that is gone
    await ran(ledgers, place)
    assert ledgers.read == [*KEYS[8:], *KEYS[:8]]


async def test_what_a_run_does_not_get_to_it_says_and_the_next_one_begins_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledgers, place = Ledgers(), Place()
    ledgers.endless = set(KEYS[5:])
    found = await ran(ledgers, place, AT_ONCE)
    assert (found.reconciled, found.left) == (5, 15)
    assert values(capsys)["KeysLeft"] == 15
    assert place.after == KEYS[4]
    ledgers.endless = set()
    assert (await ran(ledgers, place)).left == 0
    assert ledgers.read[0] == KEYS[5]


async def test_a_ledger_without_end_keeps_no_other_key_waiting_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledgers, place = Ledgers(), Place()
    ledgers.endless = {KEYS[0]}
    with caplog.at_level(logging.ERROR, logger="sluice"):
        assert (await ran(ledgers, place, AT_ONCE)).left == 1
    assert place.after == KEYS[0]
    assert KEYS[0] in caplog.messages[-1]


async def test_a_key_that_cannot_be_read_fails_the_run_and_no_other_key(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers, place = Ledgers(), Place()
    ledgers.unreadable = {KEYS[3]}
    with caplog.at_level(logging.ERROR, logger="sluice"), pytest.raises(UnreadError, match="1 key"):
        await ran(ledgers, place)
    assert len(ledgers.read) == len(KEYS) - 1
    assert KEYS[3] in caplog.messages[0]
    assert (place.after, values(capsys)["KeysLeft"]) == (None, 1)


async def test_findings_are_told_with_their_amounts_and_nothing_is_repaired(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    books = Bookkeeping()
    for name in ("right", "wrong", "over"):
        key = key_with_budget(name)
        books.keys.records.append(key)
        await books.settle(await books.admit(key, "req_one", 70), 70)
    wrong, over = books.keys.records[1:]
    books.shift(wrong, 25)
    await books.ledger.put(ledger_row(over.id, "req_two", BUDGET))
    before = {name: dict(items) for name, items in books.database.tables.items()}
    place = ReconcilePlace(books.counters_aws, "CountersTable")
    with caplog.at_level(logging.INFO, logger="sluice"):
        found = await ReconcileRun(books.reconciler, place).run()
    assert found == Reconciling(differences=2, exceeded=1, reconciled=3, busy=0, left=0)
    told: dict[str, Any] = {
        record.__dict__["difference"]["key_id"]: record.__dict__["difference"]
        for record in caplog.records
        if "difference" in record.__dict__
    }
    assert told.keys() == {wrong.id, over.id}
    amounts = {"counted": 95, "settled": 70, "held": 0, "due": 70, "excess": 25}
    assert told[wrong.id].items() >= amounts.items()
    assert any(over.id in message and "70" in message for message in caplog.messages)
    (summary,) = [record for record in caplog.records if record.getMessage() == "reconciled"]
    assert summary.__dict__["reconciled"]["differences"] == 2
    assert values(capsys)["BudgetsExceeded"] == 1
    after = {name: dict(items) for name, items in books.database.tables.items()}
    after["CountersTable"].pop((ID,))
    assert after == before
