"""What environments tell each other of providers, without a read or a write that a client would wait for.

An environment writes when it opens a circuit that stays open for long enough to be heard of. It reads once in a while,
after a request that had a choice: one small item, and with it how the check of health has found the providers. A new
one starts with no knowledge, and learns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline.circuits import Circuits
from sluice.pipeline.model_status import FRESH_SECONDS
from sluice.stores.aws import AWSError
from sluice.stores.circuits import Bulletin


class BulletinStore(Protocol):
    """Where it is written: ``stores.circuits.CircuitStore``, which says what each method does."""

    async def open(self, circuits: Mapping[str, int], expired: Iterable[str] = ()) -> None:
        """Write circuits down."""
        ...

    async def read(self, providers: Iterable[str]) -> Bulletin:
        """Read all."""
        ...


class CircuitNews:
    """Brings an environment's circuits to others, and theirs here.

    Args:
        circuits: the environment's.
        store: is shared.
        seconds: how long what was read is not read again.
        clock: epoch seconds.
    """

    def __init__(
        self, circuits: Circuits, store: BulletinStore, *, seconds: float, clock: Callable[[], float]
    ) -> None:
        self._circuits = circuits
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._read_at = float("-inf")
        self._providers: set[str] = set()
        self._expired: set[str] = set()

    @property
    def has_some(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._circuits.opened)

    def is_due(self, providers: Iterable[str]) -> bool:
        """Whether it is time to read, for a request that could choose among these providers; who asks will read."""
        self._providers.update(providers)
        now = self._clock()
        if now - self._read_at < self._seconds:
            return False
        self._read_at = now
        return True

    async def tell(self) -> None:
        """Write down which circuits were opened here. A failure is in the log: others find out for themselves."""
        now = self._clock()
        opened, self._circuits.opened = self._circuits.opened, {}
        lasting = {leg: int(until) for leg, until in opened.items() if until - now >= self._seconds}
        if not lasting:
            return
        for leg, until in lasting.items():
            self._circuits.told(leg, until)
        try:
            await self._store.open(lasting, self._expired)
        except (OverloadedError, AWSError):
            logger.warning("others could not be told of a provider that fails", exc_info=True)

    async def read(self) -> None:
        """Take in what others have written, and how providers were found. A failure is in the log."""
        try:
            bulletin = await self._store.read(self._providers)
        except (OverloadedError, AWSError):
            logger.warning("what others know of providers cannot be read", exc_info=True)
            return
        now = self._clock()
        self._expired = {leg for leg, until in bulletin.circuits.items() if until < now}
        self._circuits.learn(bulletin.circuits, dict(_down(bulletin, now)))


def _down(bulletin: Bulletin, now: float) -> Iterator[tuple[str, float]]:
    """The providers that the check has found down, and when."""
    for name, provider in bulletin.providers.items():
        health = provider.health
        if health is not None and health.status == "down" and now - health.checked_at <= FRESH_SECONDS:
            yield name, health.checked_at
