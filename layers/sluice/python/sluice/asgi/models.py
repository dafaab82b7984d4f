"""The models endpoints' replies, made from the catalogue."""

from collections.abc import Callable

from pydantic import BaseModel

from sluice.api.model_list import Model, ModelList
from sluice.asgi.caching import Cacheable
from sluice.asgi.exchange import JSON
from sluice.catalog import Catalog, ModelRow
from sluice.errors import ModelNotFoundError

MAX_AGE_SECONDS = 60
"""The list changes when the catalogue does, which is rare; a model that is new in it may stay unseen for this long."""

_LIST = ""
"""Stands for the list among ids, none of which is empty."""


class ModelReplies:
    """The replies of the models endpoints, each made when first asked for, and anew for another catalogue."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._made: dict[str, Cacheable] = {}

    def all_models(self, catalog: Catalog) -> Cacheable:
        """The reply with every model."""
        return self._reply(catalog, _LIST, lambda: model_list(catalog))

    def one_model(self, catalog: Catalog, name: str) -> Cacheable:
        """The reply with the model of an id or alias.

        Raises:
            ModelNotFoundError: there is none of that name.
        """
        found = model(catalog, name)
        return self._reply(catalog, found.id, lambda: found)

    def _reply(self, catalog: Catalog, kept_as: str, make: Callable[[], BaseModel]) -> Cacheable:
        if catalog is not self._catalog:
            self._catalog, self._made = catalog, {}
        if kept_as not in self._made:
            body = make().model_dump_json().encode()
            self._made[kept_as] = Cacheable(body, JSON, MAX_AGE_SECONDS)
        return self._made[kept_as]


def model_list(catalog: Catalog) -> ModelList:
    """Every model of the catalogue, in its order."""
    return ModelList(data=[_model(row) for row in catalog.models])


def model(catalog: Catalog, name: str) -> Model:
    """One model, by id or alias.

    Raises:
        ModelNotFoundError: there is none of that name.
    """
    row = catalog.find(name)
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    return _model(row)


def _model(row: ModelRow) -> Model:
    return Model(id=row.id, created=row.created, owned_by=row.owner)
