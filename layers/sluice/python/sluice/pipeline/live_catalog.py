"""The catalogue as it is now: the file's models, and those of the models table.

The file's come first and need no table: a request for one of them reads nothing. For any other name the table is read,
at most once in a while and once for all who ask at the same time.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from sluice.catalog import Catalog, ModelRow
from sluice.errors import ModelNotFoundError, OverloadedError
from sluice.observability import logger
from sluice.stores.aws import AWSError
from sluice.stores.models import Snapshot
from sluice.stores.single_flight import SingleFlight

_ALL = "all"


class SnapshotSource(Protocol):
    """What has the models table: the store."""

    async def read(self) -> Snapshot:
        """Everything in it."""
        ...


@dataclass(frozen=True, slots=True)
class Current:
    """The catalogue with the table's models, and the table itself."""

    catalog: Catalog
    snapshot: Snapshot


class Asked(NamedTuple):
    """The model that a client names, and the one that answers: itself, or its successor once it is retired."""

    named: ModelRow
    answering: ModelRow


class LiveCatalog:
    """Finds models.

    Args:
        file: the catalogue file's content.
        store: has the models table.
        seconds: how long the table's content is believed.
        clock: a monotonic time in seconds.
    """

    def __init__(
        self, file: Catalog, store: SnapshotSource, *, seconds: float, clock: Callable[[], float]
    ) -> None:
        self.file = file
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._current: Current | None = None
        self._until = 0.0
        self._flights = SingleFlight[Current]()

    async def find(self, name: str) -> ModelRow | None:
        """The model of that id or alias.

        Raises:
            OverloadedError, AWSError: it is not in the file, and the table was never read yet and cannot be.
        """
        return self.file.find(name) or (await self.current()).catalog.find(name)

    async def asked(self, name: str, param: str = "model", today: dt.date | None = None) -> Asked:
        """The model of that id or alias, and who answers for it.

        Args:
            name: as the client gives it.
            param: the member of the request that has it.
            today: in UTC; None for the real one.

        Raises:
            ModelNotFoundError: there is none, or it is retired and has no successor.
            OverloadedError, AWSError: see ``find``.
        """
        named = await self.find(name)
        if named is None:
            raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param=param)
        answering = self.file.in_service(named, today or utc_today())
        if answering is None:
            raise ModelNotFoundError(
                f"The model '{name:.200}' is not served any more: its provider retired it on {named.retired}.",
                param=param,
            )
        return Asked(named, answering)

    async def current(self) -> Current:
        """All models, and how they are; what was read before, where the table cannot be read.

        Raises:
            OverloadedError, AWSError: it cannot be read, and never was.
        """
        if self._current is not None and self._clock() < self._until:
            return self._current
        return await self._flights.get(_ALL, self._refreshed)

    async def _refreshed(self) -> Current:
        before = self._current
        try:
            snapshot = await self._store.read()
        except (OverloadedError, AWSError):
            if before is None:
                raise
            logger.warning(
                "the models table cannot be read; what was read before is believed on", exc_info=True
            )
            current = before
        else:
            same = before is not None and before.snapshot.models == snapshot.models
            catalog = before.catalog if before and same else self.file.extended(rows_of(snapshot))
            current = Current(catalog, snapshot)
        self._current, self._until = current, self._clock() + self._seconds
        return current


def utc_today() -> dt.date:
    """The day by which models retire."""
    return dt.datetime.now(dt.UTC).date()


def rows_of(snapshot: Snapshot) -> Iterator[ModelRow]:
    """The table's models that can be asked for, by id. One that is no catalogue row is in the log only."""
    for name, model in sorted(snapshot.models.items()):
        if model.gone_at is not None:
            continue
        try:
            yield ModelRow.model_validate(model.row)
        except ValidationError:
            logger.exception("a model of the models table is no row of a catalogue", extra={"model": name})
