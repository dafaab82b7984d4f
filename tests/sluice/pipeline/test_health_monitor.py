"""What is told of real requests, and what is not."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RateLimitError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.observability import logger
from sluice.pipeline.health_monitor import FAILURES, TELL_SECONDS, HealthMonitor, Watch, watched
from sluice.stores.aws import AWSError
from sluice.stores.model_items import Health

NOW = 1_795_219_200.0


class Table:
    """Takes health down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Health]] = []
        self.failure: Exception | None = None

    async def note_model(self, model: str, seen: Health) -> None:
        self.told.append((model, seen))
        if self.failure is not None:
            raise self.failure


class World:
    """A monitor, its table and its clock."""

    def __init__(self) -> None:
        self.table = Table()
        self.now = NOW
        self.monitor = HealthMonitor(self.table, clock=lambda: self.now)

    async def answered(self, times: int = 1, model: str = "one") -> None:
        for _ in range(times):
            await self.monitor.answered(model, 7)

    async def failed(self, times: int = 1, model: str = "one", error: SluiceError | None = None) -> None:
        for _ in range(times):
            await self.monitor.failed(model, error or UpstreamError("broken"))

    @property
    def told(self) -> Sequence[tuple[str, int, int | None]]:
        """Status, streak and latency of all that was told, which is then forgotten."""
        found = [(seen.status, seen.streak, seen.latency_ms) for _, seen in self.table.told]
        self.table.told.clear()
        return found


def overloaded(status: int | None) -> OverloadedError:
    error = OverloadedError("busy", retry_after=1)
    error.upstream_status = status
    return error


@pytest.fixture
def world() -> World:
    return World()


async def test_nothing_is_told_of_ordinary_successes(world: World) -> None:
    await world.answered(1000)
    assert world.told == []


async def test_once_in_a_while_a_success_is_told_with_all_that_came_before_it(world: World) -> None:
    await world.answered(10)
    world.now += TELL_SECONDS - 1
    await world.answered()
    assert world.told == []
    world.now += 1
    await world.answered()
    await world.answered(5)
    assert world.table.told == [("one", Health("healthy", 12, int(NOW + TELL_SECONDS), 7))]
    world.now += TELL_SECONDS
    await world.answered()
    assert world.told[1:] == [("healthy", 6, 7)]


async def test_several_failures_in_succession_make_a_model_down(world: World) -> None:
    await world.failed(2)
    assert world.told == []
    await world.failed()
    assert world.told == [("down", 3, None)]
    await world.failed(100)
    assert world.told == []


async def test_while_it_is_down_it_is_told_again_once_in_a_while(world: World) -> None:
    await world.failed(FAILURES + 4)
    world.now += TELL_SECONDS
    await world.failed()
    assert world.told == [("down", FAILURES, None), ("down", 5, None)]


async def test_its_first_answer_makes_it_healthy_again(world: World) -> None:
    await world.failed(FAILURES + 4)
    await world.answered(20)
    await world.failed(FAILURES)
    assert world.told == [("down", FAILURES, None), ("healthy", 1, 7), ("down", FAILURES, None)]


async def test_failures_between_successes_do_not_add_up(world: World) -> None:
    for _ in range(20):
        await world.failed(FAILURES - 1)
        await world.answered()
    assert world.told == []


async def test_each_model_is_counted_for_itself(world: World) -> None:
    for model in ("one", "two"):
        await world.failed(FAILURES - 1, model)
    assert world.told == []
    await world.failed(model="two")
    assert [model for model, _ in world.table.told] == ["two"]


AT_FAULT = [
    UpstreamError("broken"),
    UpstreamTimeoutError("late"),
    *(overloaded(status) for status in (500, 502, 503, 529)),
]
NOT_AT_FAULT = [
    InvalidRequestError("bad"),
    ModelNotFoundError("none"),
    RateLimitError("full", retry_after=1),
    overloaded(429),
    overloaded(None),  # the gateway's own storage
]


@pytest.mark.parametrize("error", AT_FAULT, ids=repr)
async def test_what_the_provider_is_at_fault_for_counts(world: World, error: SluiceError) -> None:
    await world.failed(FAILURES, error=error)
    assert world.told == [("down", FAILURES, None)]


@pytest.mark.parametrize("error", NOT_AT_FAULT, ids=repr)
async def test_what_it_is_not_at_fault_for_counts_neither_way(world: World, error: SluiceError) -> None:
    await world.failed(100, error=error)
    assert world.told == []
    await world.failed(FAILURES - 1)
    await world.failed(error=error)
    await world.failed()
    assert world.told == [("down", FAILURES, None)]


@pytest.mark.parametrize("failure", [overloaded(None), AWSError("UpdateItem", "Denied", "no")], ids=repr)
async def test_a_table_that_fails_is_in_the_log_only_and_is_not_told_at_once_again(
    world: World, failure: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    world.table.failure = failure
    await world.failed(FAILURES + 10)
    assert world.told == [("down", FAILURES, None)]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await world.answered()
    assert world.told == [("healthy", 1, 7)]


async def test_of_many_requests_at_once_one_tells(world: World) -> None:
    await world.failed(FAILURES - 1)
    await asyncio.gather(*(world.failed() for _ in range(50)))
    assert world.told == [("down", FAILURES, None)]


class Told(HealthMonitor):
    """A monitor that only takes down what it is told."""

    def __init__(self) -> None:
        super().__init__(Table(), clock=lambda: NOW)
        self.calls: list[object] = []

    async def answered(self, model: str, latency_ms: int) -> None:
        self.calls.append((model, latency_ms >= 0))

    async def failed(self, model: str, error: SluiceError) -> None:
        self.calls.append((model, error))


async def watching(
    *steps: str, raises: BaseException | None = None, broken: SluiceError | None = None
) -> list[object]:
    """What a monitor is told of a request that gets so far."""
    monitor = Told()
    todo: list[Callable[[], Awaitable[None]]] = []

    async def request(watch: Watch) -> None:
        for step in steps:
            match step:
                case "asks":
                    watch.asks()
                case "hears":
                    watch.hears()
                case "excuses":
                    watch.excuses()
                case "finished":
                    watch.finished = True
        watch.error = broken
        if raises is not None:
            raise raises

    try:
        async with watched(monitor, "one", todo.append) as watch:
            await request(watch)
    except BaseException as error:
        assert error is raises
    assert monitor.calls == [], "nothing is told before the client has its reply"
    for work in todo:
        await work()
    return monitor.calls


BROKEN = UpstreamError("broken")


async def test_a_reply_that_has_come_to_its_end_is_a_success() -> None:
    assert await watching("asks", "hears", "finished") == [("one", True)]


async def test_a_failure_is_one_whenever_it_comes() -> None:
    assert await watching("asks", raises=BROKEN) == [("one", BROKEN)]
    assert await watching("asks", "hears", raises=BROKEN) == [("one", BROKEN)]
    assert await watching("asks", "hears", broken=BROKEN) == [("one", BROKEN)]


async def test_what_fails_before_the_provider_is_asked_says_nothing_of_it() -> None:
    assert await watching(raises=BROKEN) == []


async def test_a_model_whose_other_provider_answers_has_not_failed_and_one_that_was_stood_in_for_has() -> (
    None
):
    for answering, expected in (("one", [("one", True)]), ("two", [("one", BROKEN), ("two", True)])):
        monitor, todo = Told(), list[Callable[[], Awaitable[None]]]()
        async with watched(monitor, "one", todo.append) as watch:
            watch.asks()
            watch.fails(BROKEN)
            watch.turns_to(answering)
            watch.asks()
            watch.hears()
            watch.finished = True
        for work in todo:
            await work()
        assert monitor.calls == expected


async def test_what_the_provider_is_excused_for_says_nothing_of_it() -> None:
    assert await watching("asks", "excuses", raises=BROKEN) == []


@pytest.mark.parametrize("steps", [(), ("asks",), ("asks", "hears")])
async def test_a_client_that_leaves_tells_nothing(steps: tuple[str, ...]) -> None:
    assert await watching(*steps, raises=asyncio.CancelledError()) == []
    assert await watching(*steps, raises=RuntimeError()) == []
    assert await watching(*steps) == []
