"""A key's last use is written once an interval, whatever stands in the cache."""

import asyncio

import pytest

from key_records import key_record
from sluice.errors import OverloadedError
from sluice.pipeline import last_used
from sluice.pipeline.last_used import LastUse

KEY = key_record("sk-one")


class Store:
    """Counts writes."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, int]] = []
        self.broken = False

    async def touch(self, digest: str, now: int, interval: float) -> bool:
        await asyncio.sleep(0)
        if self.broken:
            raise OverloadedError("busy")
        self.writes.append((digest, now))
        return True


class Time:
    """Replaces the module's clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 10_000.0
        monkeypatch.setattr(last_used, "time", self)

    def time(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


async def test_many_requests_of_one_moment_write_once(time: Time) -> None:
    store = Store()
    use = LastUse(store, 300)
    await asyncio.gather(*(use.note(KEY) for _ in range(100)))
    for time.now in (10_001.0, 10_299.0):
        await use.note(KEY)
    assert store.writes == [(KEY.digest, 10_000)]


async def test_after_the_interval_it_is_written_again(time: Time) -> None:
    store = Store()
    use = LastUse(store, 300)
    for time.now in (10_000.0, 10_300.0):
        await use.note(KEY)
    assert [now for _, now in store.writes] == [10_000, 10_300]


async def test_what_another_environment_wrote_counts(time: Time) -> None:
    store = Store()
    await LastUse(store, 300).note(key_record("sk-one", last_used_at=9_900))
    assert store.writes == []


async def test_a_failed_write_harms_nobody_and_is_made_up_for(time: Time) -> None:
    store = Store()
    use = LastUse(store, 300)
    store.broken = True
    await use.note(KEY)
    store.broken = False
    await use.note(KEY)
    assert len(store.writes) == 1


async def test_memory_is_bounded(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_used, "REMEMBERED", 3)
    use = LastUse(Store(), 300)
    for number in range(10):
        await use.note(key_record(f"sk-{number}"))
    assert len(use._noted) == 3
