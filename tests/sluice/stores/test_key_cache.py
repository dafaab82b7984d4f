"""Memory in front of the keys table: bounded, ageing, one read for many askers."""

import asyncio

import pytest

from key_records import FakeKeys, key_record
from sluice.errors import OverloadedError

RECORD = key_record("sk-one")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_record_is_read_once_until_it_is_too_old() -> None:
    keys, clock = FakeKeys(RECORD), Clock()
    cache = keys.cache(seconds=60, clock=clock)
    for clock.now in (0.0, 30.0, 59.9):
        assert await cache.get(RECORD.digest) == RECORD
    assert len(keys.asked) == 1
    clock.now = 60.0
    assert await cache.get(RECORD.digest) == RECORD
    assert len(keys.asked) == 2


async def test_an_unknown_key_is_remembered_too_but_for_less_time() -> None:
    keys, clock = FakeKeys(), Clock()
    cache = keys.cache(seconds=60, clock=clock)
    for clock.now in (0.0, 4.9):
        assert await cache.get("unknown") is None
    assert len(keys.asked) == 1
    clock.now = 5.0
    await cache.get("unknown")
    assert len(keys.asked) == 2


async def test_guesses_do_not_push_out_real_keys() -> None:
    keys = FakeKeys(RECORD)
    cache = keys.cache(size=3)
    await cache.get(RECORD.digest)
    for guess in range(50):
        await cache.get(f"guess {guess}")
    await cache.get(RECORD.digest)
    assert keys.asked.count(RECORD.digest) == 1


async def test_the_key_used_longest_ago_is_forgotten_first() -> None:
    records = [key_record(f"sk-{number}") for number in range(4)]
    keys = FakeKeys(*records)
    cache = keys.cache(size=3)
    for number in (0, 1, 2, 0, 3, 0, 2, 1):
        await cache.get(records[number].digest)
    assert [keys.asked.count(record.digest) for record in records] == [1, 2, 1, 1]


async def test_no_time_means_no_memory() -> None:
    keys = FakeKeys(RECORD)
    cache = keys.cache(seconds=0)
    for _ in range(3):
        await cache.get(RECORD.digest)
    assert len(keys.asked) == 3


async def test_many_askers_share_one_read_and_one_that_leaves_does_not_end_it() -> None:
    keys = FakeKeys(RECORD)
    keys.gate.clear()
    cache = keys.cache()
    askers = [asyncio.create_task(cache.get(RECORD.digest)) for _ in range(50)]
    await asyncio.sleep(0)
    askers[0].cancel()
    keys.gate.set()
    answers = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [RECORD] * 49
    assert len(keys.asked) == 1


async def test_a_failed_read_is_told_to_all_and_not_remembered() -> None:
    keys = FakeKeys(RECORD, error=OverloadedError("later"))
    cache = keys.cache()
    answers = await asyncio.gather(*(cache.get(RECORD.digest) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [OverloadedError] * 3
    keys.error = None
    assert await cache.get(RECORD.digest) == RECORD


async def test_age_counts_from_before_the_read() -> None:
    keys, clock = FakeKeys(RECORD), Clock()
    keys.gate.clear()
    cache = keys.cache(seconds=10, clock=clock)
    asking = asyncio.create_task(cache.get(RECORD.digest))
    await asyncio.sleep(0)
    clock.now = 9.0
    keys.gate.set()
    await asking
    clock.now = 10.0
    with pytest.raises(OverloadedError):
        keys.error = OverloadedError("asked again")
        await cache.get(RECORD.digest)
