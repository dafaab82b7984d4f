"""The models endpoints' replies, made from the catalogue."""

import datetime as dt

from pydantic import BaseModel

from sluice.api.model_list import Model, ModelList
from sluice.asgi.caching import Cacheable
from sluice.asgi.exchange import JSON
from sluice.catalog import Catalog, ModelRow

MAX_AGE_SECONDS = 60
"""The list changes when the catalogue does, which is rare; a model that is new in it may stay unseen for this long."""


class ListReplies:
    """The reply with all models, made when first asked for, and anew for another catalogue or day."""

    def __init__(self) -> None:
        self._of: tuple[Catalog, dt.date] | None = None
        self._reply: Cacheable | None = None

    def all_models(self, catalog: Catalog, today: dt.date) -> Cacheable:
        """The reply with every model of a catalogue that can be asked for."""
        known = self._of is not None and self._of[0] is catalog and self._of[1] == today
        if not known or self._reply is None:
            self._of, self._reply = (catalog, today), _cacheable(model_list(catalog, today))
        return self._reply


def one_model(row: ModelRow) -> Cacheable:
    """The reply with a model."""
    return _cacheable(_model(row))


def model_list(catalog: Catalog, today: dt.date) -> ModelList:
    """Every model of the catalogue that somebody answers for, in its order."""
    return ModelList(data=[_model(row) for row in catalog.models if catalog.in_service(row, today)])


def _model(row: ModelRow) -> Model:
    return Model(
        id=row.id,
        created=row.created,
        owned_by=row.owner,
        shutdown_date=None if row.retired is None else row.retired.isoformat(),
        successor=row.successor,
    )


def _cacheable(reply: BaseModel) -> Cacheable:
    return Cacheable(reply.model_dump_json().encode(), JSON, MAX_AGE_SECONDS)
