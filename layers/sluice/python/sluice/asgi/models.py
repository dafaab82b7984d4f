"""The models endpoints' replies, made from the catalogue."""

from sluice.api.model_list import Model, ModelList
from sluice.catalog import Catalog, ModelRow
from sluice.errors import ModelNotFoundError


def model_list(catalog: Catalog) -> ModelList:
    """Every model of the catalogue, in its order."""
    return ModelList(data=[_model(row) for row in catalog.models])


def model(row: ModelRow | None, name: str) -> Model:
    """The model that was found under a name, id or alias.

    Raises:
        ModelNotFoundError: there is none.
    """
    if row is None:
        raise ModelNotFoundError(f"The model '{name:.200}' does not exist.", param="model")
    return _model(row)


def _model(row: ModelRow) -> Model:
    return Model(id=row.id, created=row.created, owned_by=row.owner)
