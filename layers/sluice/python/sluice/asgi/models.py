"""The models endpoints' replies, made from the catalogue."""

from pydantic import BaseModel

from sluice.api.model_list import Model, ModelList
from sluice.asgi.caching import Cacheable
from sluice.asgi.exchange import JSON
from sluice.catalog import Catalog, ModelRow
from sluice.errors import ModelNotFoundError

MAX_AGE_SECONDS = 60
"""The list changes when the catalogue does, which is rare; a model that is new in it may stay unseen for this long."""


class ListReplies:
    """The reply with all models, made when first asked for, and anew for another catalogue."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._reply: Cacheable | None = None

    def all_models(self, catalog: Catalog) -> Cacheable:
        """The reply with every model of a catalogue."""
        if catalog is not self._catalog or self._reply is None:
            self._catalog, self._reply = catalog, _cacheable(model_list(catalog))
        return self._reply


def one_model(row: ModelRow | None, name: str) -> Cacheable:
    """The reply with the model that was found under a name, id or alias.

    Raises:
        ModelNotFoundError: there is none.
    """
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    return _cacheable(_model(row))


def model_list(catalog: Catalog) -> ModelList:
    """Every model of the catalogue, in its order."""
    return ModelList(data=[_model(row) for row in catalog.models])


def _model(row: ModelRow) -> Model:
    return Model(id=row.id, created=row.created, owned_by=row.owner)


def _cacheable(reply: BaseModel) -> Cacheable:
    return Cacheable(reply.model_dump_json().encode(), JSON, MAX_AGE_SECONDS)
