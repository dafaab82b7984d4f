"""What becomes of real requests, told to the models table: a provider's bad day shows before the next check.

Nothing is written for a success that is like the one before: an environment tells that a model answers when it had
told otherwise, and else once in a while. It tells that a model is down after several failures in succession.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sluice.errors import OverloadedError, SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.observability import logger
from sluice.stores.aws import AWSError
from sluice.stores.model_items import Health, HealthStatus

FAILURES = 3
"""So many in succession, and a model is down: one may be a client's odd request."""

TELL_SECONDS = 300.0
"""After so long the same is told again."""

_FAILED_STATUSES = frozenset({500, 502, 503, 529})
"""What a provider answers that is overwhelmed or broken; 429 is about this account's rate."""


class HealthStore(Protocol):
    """What takes a model's health down."""

    async def note_model(self, model: str, seen: Health) -> None:
        """Write it."""
        ...


@dataclass(slots=True)
class _Seen:
    """What this environment has seen of a model.

    Attributes:
        told: what it told last, and ``told_at`` when; at first it takes the model to be healthy.
        failures: how many requests in succession have failed.
        untold: how many in succession were like the last one, since it told.
    """

    told: HealthStatus
    told_at: float
    failures: int = 0
    untold: int = 0


class HealthMonitor:
    """Counts successes and failures.

    Args:
        store: is told.
        clock: epoch seconds.
    """

    def __init__(self, store: HealthStore, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def answered(self, model: str, latency_ms: int) -> None:
        """A provider has answered a request for a model, its first byte after so long."""
        seen = self._of(model)
        seen.untold = 1 if seen.failures else seen.untold + 1
        seen.failures = 0
        if seen.told == "down" or self._is_due(seen):
            await self._tell(model, seen, "healthy", latency_ms)

    async def failed(self, model: str, error: SluiceError) -> None:
        """A request for a model has failed; counts if the provider is at fault."""
        if not at_fault(error):
            return
        seen = self._of(model)
        seen.untold = seen.untold + 1 if seen.failures else 1
        seen.failures += 1
        if seen.failures >= FAILURES and (seen.told == "healthy" or self._is_due(seen)):
            await self._tell(model, seen, "down", None)

    def _of(self, model: str) -> _Seen:
        if model not in self._seen:
            self._seen[model] = _Seen(told="healthy", told_at=self._clock())
        return self._seen[model]

    def _is_due(self, seen: _Seen) -> bool:
        return self._clock() - seen.told_at >= TELL_SECONDS

    async def _tell(self, model: str, seen: _Seen, status: HealthStatus, latency_ms: int | None) -> None:
        now = self._clock()
        health = Health(status, seen.untold, int(now), latency_ms)
        seen.told, seen.told_at, seen.untold = status, now, 0
        try:
            await self._store.note_model(model, health)
        except (OverloadedError, AWSError):
            logger.warning("the health of a model could not be told", exc_info=True)


@dataclass(slots=True)
class Watch:
    """One request as a provider answers it.

    ``model`` is the one that is asked, ``finished`` tells that it has said all, ``error`` what went wrong after its
    first byte; ``lost`` are the failures of models before that.
    """

    model: str
    latency_ms: int | None = None
    finished: bool = False
    error: SluiceError | None = None
    lost: dict[str, SluiceError] = field(default_factory=dict)
    _asked_at: float | None = None

    def turns_to(self, model: str) -> None:
        """A provider of this model is to be asked, for the first time or once more."""
        self.model, self._asked_at, self.latency_ms = model, None, None

    def fails(self, error: SluiceError) -> None:
        """The provider that was asked has failed; the model has only if none of the others answers."""
        if self.is_asked:
            self.lost[self.model] = error

    @property
    def is_asked(self) -> bool:
        """Whether the request has got as far as the provider: what fails before is not its fault."""
        return self._asked_at is not None

    def excuses(self) -> None:
        """What went wrong is no fault of the provider's."""
        self._asked_at = None

    def asks(self) -> None:
        """The request is sent."""
        self._asked_at = time.perf_counter()

    def hears(self) -> None:
        """The first byte has come."""
        if self._asked_at is not None:
            self.latency_ms = milliseconds_since(self._asked_at)


type Afterwards = Callable[[Callable[[], Awaitable[None]]], None]
"""Takes work that is to be done once the client has its reply."""


@asynccontextmanager
async def watched(monitor: HealthMonitor, model: str, afterwards: Afterwards) -> AsyncGenerator[Watch]:
    """Have the monitor told what became of a request; one whose client went away tells nothing."""
    watch = Watch(model)
    try:
        yield watch
    except SluiceError as error:
        if watch.model not in watch.lost:  # else it may be another model's failure that the client is told of
            watch.fails(error)
        for name, failure in watch.lost.items():
            afterwards(partial(monitor.failed, name, failure))
        raise
    for name, failure in watch.lost.items():
        if name != watch.model:
            afterwards(partial(monitor.failed, name, failure))
    if (broken := watch.error) is not None:
        afterwards(partial(monitor.failed, watch.model, broken))
    elif watch.finished and (latency_ms := watch.latency_ms) is not None:
        afterwards(partial(monitor.answered, watch.model, latency_ms))


def at_fault(error: SluiceError) -> bool:
    """Whether an error is the provider's: it did not answer, not in time, not sensibly, or that it cannot."""
    if error.upstream_status is not None and error.upstream_status in _FAILED_STATUSES:
        return True
    return isinstance(error, UpstreamError | UpstreamTimeoutError)


def milliseconds_since(begun: float) -> int:
    """By ``time.perf_counter``."""
    return round((time.perf_counter() - begun) * 1000)
