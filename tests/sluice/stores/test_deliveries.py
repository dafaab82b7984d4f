"""The log of deliveries, on every engine."""

import asyncio
import itertools
import os

import pytest

from engines import Engine
from sluice.stores.aws import AWS
from sluice.stores.deliveries import MOST_ATTEMPTS, Attempt, DeliveryLog, DeliveryStore

TABLE = "JobsTable"
FAILED = Attempt(at=1_800_000_000_123, milliseconds=0, status=500)
SILENT = Attempt(at=1_800_000_005_000, milliseconds=15_000, failure="timeout")
TAKEN = Attempt(at=1_800_000_305_000, milliseconds=7, status=204)

_numbers = itertools.count()


def new_log() -> DeliveryLog:
    return DeliveryLog(job_id=f"video_{os.getpid():x}{next(_numbers):06x}", expires_at=1_900_000_000)


@pytest.fixture
def store(engine_aws: AWS) -> DeliveryStore:
    return DeliveryStore(engine_aws, TABLE)


async def test_what_is_noted_is_read(store: DeliveryStore, engine: Engine) -> None:
    log = new_log()
    assert await store.get(log.job_id) is None
    for attempt, outcome, next_at in (
        (FAILED, "pending", 1_800_000_005),
        (SILENT, "pending", 1_800_000_305),
        (TAKEN, "delivered", None),
    ):
        log = log.after(attempt, outcome, next_at)  # type: ignore[arg-type]  # mypy takes the table's outcomes for any str
        assert await store.note(log) == log
        assert await store.get(log.job_id) == log
    (item,) = [item for item in engine.items(TABLE) if item["id"]["S"].endswith(log.job_id)]
    assert item["id"]["S"] == f"webhook#{log.job_id}"
    assert item["expires_at"] == {"N": "1900000000"}
    assert not item.keys() & {"owner", "open", "created_at"}  # it is in no index


async def test_a_note_that_is_made_twice_is_noted_once(store: DeliveryStore) -> None:
    first = new_log().after(FAILED, "pending", 1)
    second = first.after(TAKEN, "delivered", None)
    for log in (first, second):
        assert await store.note(log) == log
        assert await store.note(log) == log
    assert await store.get(first.job_id) == second


async def test_of_two_notes_on_the_same_log_one_stands(store: DeliveryStore) -> None:
    log = new_log()
    notes = [log.after(attempt, "pending", 1) for attempt in (FAILED, SILENT, TAKEN)]
    found = await asyncio.gather(*(store.note(note) for note in notes))
    assert found[0] == found[1] == found[2]
    assert found[0] in notes
    assert await store.note(notes[0]) == found[0]


async def test_a_log_that_is_gone_meanwhile_stays_away(store: DeliveryStore) -> None:
    log = new_log().after(FAILED, "pending", 1)
    await store.note(log)
    for _ in range(2):
        await store.forget(log.job_id)
    later = log.after(TAKEN, "delivered", None)
    assert await store.note(later) == later
    assert await store.get(log.job_id) is None


async def test_the_longest_log_fits(store: DeliveryStore) -> None:
    log = new_log()
    for _ in range(MOST_ATTEMPTS + 5):
        log = await store.note(log.after(SILENT, "pending", 1))
    assert await store.get(log.job_id) == log
    assert (log.count, len(log.attempts)) == (MOST_ATTEMPTS + 5, MOST_ATTEMPTS)
