"""Each client address has its requests of a minute, and no more."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engines import Engine
from sluice.accounting.windows import MINUTE, Window
from sluice.config import AddressSettings
from sluice.errors import OverloadedError, RateLimitError, SluiceError
from sluice.pipeline.address_limit import AddressLimiter, RequestCounts, open_address_limiter
from sluice.stores import aws as aws_module
from sluice.stores.addresses import AddressStore, WindowChangedError
from sluice.stores.aws import AWS, Client, UnansweredError

TABLE = "CountersTable"
ADDRESS = "192.0.2.7"
NOW = 1_795_219_200.0
"""A slot begins with it."""
LIMIT = 5
OFFERED = 1000
addresses = (f"198.51.{number // 256}.{number % 256}" for number in itertools.count())


class Windows:
    """A table of windows, whose every write has the conditions of the true one.

    Where replies are lost, each write that goes through is made again, as the client of AWS does.
    """

    def __init__(self, *, loses_replies: bool = False) -> None:
        self.items: dict[str, Window] = {}
        self.writes = 0
        self._loses_replies = loses_replies

    async def count(
        self, client: str, seen: Window | None, rolled: Window, *, limit: int, now: float
    ) -> Window:
        await asyncio.sleep(0)
        after = self._count(client, seen, rolled, limit)
        if self._loses_replies:
            after = self._count(client, seen, rolled, limit)
        await asyncio.sleep(0)
        return after

    def _count(self, client: str, seen: Window | None, rolled: Window, limit: int) -> Window:
        self.writes += 1
        known = self.items.get(client)
        base = known if known is not None and known.slot == rolled.slot else rolled
        as_seen = (known and known.slot) == (seen and seen.slot)
        if base is rolled:
            as_seen = as_seen and (known and known.now) == (seen and seen.now)
        if not as_seen or base.total >= limit:
            raise WindowChangedError(known)
        self.items[client] = Window(base.slot, base.now + 1, base.earlier, base.total + 1)
        return self.items[client]


class Failing:
    """A table of which nothing but an error comes."""

    def __init__(self, error: Exception) -> None:
        self.calls = 0
        self._error = error

    async def count(
        self, client: str, seen: Window | None, rolled: Window, *, limit: int, now: float
    ) -> Window:
        self.calls += 1
        raise self._error


class Clock:
    """Tells the time it is told, ``ahead`` of it by so many seconds."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.true = NOW
        self._ahead = ahead

    def __call__(self) -> float:
        return self.true + self._ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def windows() -> Windows:
    return Windows()


def limiter(counts: RequestCounts, clock: Clock, limit: int = LIMIT) -> AddressLimiter:
    return AddressLimiter(counts, limit=limit, size=100, clock=clock)


async def passes(found: AddressLimiter, address: str | None = ADDRESS) -> bool:
    try:
        await found.admit(address)
    except RateLimitError:
        return False
    return True


async def passing(found: AddressLimiter, times: int, address: str | None = ADDRESS) -> int:
    return sum([await passes(found, address) for _ in range(times)])


async def refusal(found: AddressLimiter, address: str | None = ADDRESS) -> RateLimitError:
    with pytest.raises(RateLimitError) as caught:
        await found.admit(address)
    return caught.value


# ── Windows in time ─────────────────────────────────────────────────────────────────────────────────────────

PAUSES = st.just(0.0) | st.integers(0, 160).map(lambda halves: halves / 2) | st.floats(0, 80)
STEPS = st.lists(st.tuples(PAUSES, st.integers(0, 150), st.integers(0, 150)), min_size=1, max_size=50).filter(
    lambda steps: any(one or other for _, one, other in steps)
)
"""Pauses, and how many requests then come at once to each of two environments."""


async def offered(
    steps: Sequence[tuple[float, int, int]], counts: RequestCounts, limit: int, ahead: float
) -> AsyncIterator[tuple[float, int, int]]:
    """Offer requests to two environments: the time, how many passed and how many were refused then."""
    clocks = Clock(), Clock(ahead)
    environments = [limiter(counts, clock, limit) for clock in clocks]
    total = 0
    for pause, *crowds in itertools.cycle(steps):
        if total >= OFFERED:
            return
        for clock in clocks:
            clock.true += pause
        asked = [
            passes(environment)
            for environment, crowd in zip(environments, crowds, strict=True)
            for _ in range(crowd)
        ]
        total += len(asked)
        passed = sum(await asyncio.gather(*asked))
        yield clocks[0].true, passed, len(asked) - passed


@given(STEPS, st.sampled_from([1, LIMIT, 120]), st.sampled_from([0.0, 1.0]), st.booleans())
@example([(4.5, 0, 1), (70.0, 1, 0)], 1, 1.0, False)
@example([(5.0, 21, 2)], 120, 1.0, False)  # a crowd in the last slot, while the next one is to begin
@example([(4.5, 1, 0), (59.5, 0, 1)], 1, 1.0, False)
def test_no_minute_has_more_than_the_limit_and_none_is_refused_too_much(
    steps: list[tuple[float, int, int]], limit: int, ahead: float, loses_replies: bool
) -> None:
    async def offer() -> None:
        admitted: list[float] = []
        async for now, passed, refused in offered(steps, Windows(loses_replies=loses_replies), limit, ahead):
            admitted += [now] * passed
            assert sum(time > now - 60 for time in admitted) <= limit
            # A request whose reply was lost may count twice: that is the one way to be refused too early.
            assert loses_replies or not refused or sum(time > now - 70 for time in admitted) >= limit

    asyncio.run(offer())


async def test_a_refusal_tells_the_second_from_which_a_request_passes(windows: Windows, clock: Clock) -> None:
    found = limiter(windows, clock)
    for passed in (2, 3):
        assert await passing(found, passed) == passed
        clock.true += 10.5
    error = await refusal(found)
    assert (error.status, error.type, error.code, error.retriable) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
        None,
    )
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 70
    falls = clock.true + error.retry_after
    clock.true = falls - 0.001
    assert not await passes(found)
    clock.true = falls
    assert await passing(found, 3) == 2


async def test_each_client_has_a_limit_of_its_own(windows: Windows, clock: Clock) -> None:
    found = limiter(windows, clock)
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", None):
        assert await passing(found, LIMIT + 1, address) == LIMIT
    for neighbour in ("2001:db8::2", "::ffff:192.0.2.1", "nonsense"):
        assert not await passes(found, neighbour)
    assert await passes(found, "2001:db8:0:1::1")


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_client_that_is_refused_costs_no_write_until_its_window_falls(
    windows: Windows, clock: Clock
) -> None:
    found = limiter(windows, clock)
    assert await passing(found, 100) == LIMIT
    assert windows.writes == LIMIT
    clock.true += 63
    assert not await passes(found)
    assert windows.writes == LIMIT


async def test_an_environment_learns_from_one_failed_write_that_a_client_is_refused(
    windows: Windows, clock: Clock
) -> None:
    assert await passing(limiter(windows, clock), LIMIT) == LIMIT
    other = limiter(windows, clock)
    assert await passing(other, 100) == 0
    assert windows.writes == LIMIT + 1


async def test_a_slot_is_begun_without_a_race_in_one_process(windows: Windows, clock: Clock) -> None:
    found = limiter(windows, clock, 100)
    for _ in range(3):
        assert all(await asyncio.gather(*(passes(found) for _ in range(20))))
        clock.true += 5
    assert windows.writes == 60


class Counted:
    """The operations that a client makes."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations: list[str] = []
        self._call = client.call
        monkeypatch.setattr(client, "call", self._counted)

    async def _counted(self, operation: str, **members: Any) -> dict[str, Any]:
        self.operations.append(operation)
        return await self._call(operation, **members)

    def taken(self) -> list[str]:
        """Those since it was asked last."""
        found, self.operations = self.operations, []
        return found


async def test_a_request_is_one_write_and_no_read(
    engine: Engine, engine_aws: AWS, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    made, address = Counted(engine_aws.dynamodb, monkeypatch), next(addresses)
    found = limiter(AddressStore(engine_aws, TABLE), clock)
    await found.admit(address)
    assert made.taken() == ["UpdateItem"]
    for seconds in (0, 1, 4, 30, 1000):
        clock.true += seconds
        await found.admit(address)
        assert made.taken() == ["UpdateItem"]
    assert await passing(found, LIMIT, address) == LIMIT - 1
    made.taken()
    assert not await passes(found, address)
    assert made.taken() == []

    # Another environment knows nothing yet. Where a failed write does not bring the item, that is one read more.
    learning = ["UpdateItem"] if engine.returns_failed_items else ["UpdateItem", "GetItem"]
    other = limiter(AddressStore(engine_aws, TABLE), clock)
    assert not await passes(other, address)
    assert made.taken() == learning
    clock.true += 70
    await found.admit(address)
    made.taken()
    await other.admit(address)
    assert made.taken() == [*learning, "UpdateItem"]


# ── Crowds and faults ───────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def environments(engine: Engine, limit: int) -> AsyncIterator[list[AddressLimiter]]:
    """Four that know nothing of each other; the clocks of two say that a slot has begun."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(AWS(engine.endpoint))) for _ in range(4)]
        yield [
            limiter(AddressStore(aws, TABLE), Clock(ahead=MINUTE.slot_seconds - 0.5 + number % 2), limit)
            for number, aws in enumerate(clients)
        ]


async def test_of_a_crowd_exactly_the_limit_passes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in may take its time with a crowd; a reply that is given up may count twice.
    for name in ("ATTEMPT_SECONDS", "CONNECT_SECONDS"):
        monkeypatch.setattr(aws_module, name, 60)
    address = next(addresses)
    async with environments(engine, 120) as found:
        outcomes = await asyncio.gather(*(passes(found[number % 4], address) for number in range(300)))
    assert sum(outcomes) == 120


async def test_a_request_that_cannot_be_counted_does_not_pass(clock: Clock) -> None:
    for error in (OverloadedError("busy", retry_after=1), UnansweredError("lost", retry_after=1)):
        found = limiter(Failing(error), clock)
        with pytest.raises(OverloadedError) as caught:
            await found.admit(ADDRESS)
        assert caught.value is error


async def test_who_loses_every_race_is_told_to_come_back(clock: Clock) -> None:
    failing = Failing(WindowChangedError(Window(MINUTE.slot_at(NOW), 1, (), 1)))
    with pytest.raises(SluiceError) as caught:
        await limiter(failing, clock).admit(ADDRESS)
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    assert failing.calls > 3


async def test_an_item_that_expired_begins_anew(windows: Windows, clock: Clock) -> None:
    found = limiter(windows, clock)
    await found.admit(ADDRESS)
    clock.true += 1000
    windows.items.clear()
    assert await passing(found, LIMIT + 1) == LIMIT


async def test_a_window_that_was_put_back_is_believed(windows: Windows, clock: Clock) -> None:
    """As a table is that was restored."""
    found = limiter(windows, clock)
    assert await passing(found, 3) == 3
    clock.true += 1000
    windows.items[ADDRESS] = Window(MINUTE.slot_at(NOW), 1, (), 1)
    assert await passing(found, LIMIT + 1) == LIMIT


async def test_a_cancelled_request_leaves_the_others_their_turn(windows: Windows, clock: Clock) -> None:
    found = limiter(windows, clock)
    asking = [asyncio.create_task(passes(found)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == [True, True]


def test_without_a_limit_no_store_is_touched() -> None:
    class Untouched(AWS):
        @property
        def dynamodb(self) -> Client:
            raise AssertionError("the store was touched")

    without = AddressSettings(counters_table=TABLE, ip_rpm=0)
    assert open_address_limiter(without, Untouched()) is None
    with pytest.raises(AssertionError):
        open_address_limiter(AddressSettings(counters_table=TABLE), Untouched())
