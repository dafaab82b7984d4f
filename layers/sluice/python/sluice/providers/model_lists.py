"""What all providers' lists of their models have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from sluice.errors import UpstreamError
from sluice.providers.contract import ListedModel
from sluice.providers.reading import objects_of


def models_of(
    rows: object, model_of: Callable[[dict[str, Any]], ListedModel | None]
) -> Sequence[ListedModel]:
    """The models of a list, each once.

    Args:
        rows: what should be a JSON array of objects.
        model_of: the model in a row; None for one that is to be left out.

    Raises:
        UpstreamError: it is no array.
    """
    if not isinstance(rows, list):
        raise UpstreamError("The provider's list of models is none.")
    found = {model.id: model for model in map(model_of, objects_of(rows)) if model is not None}
    return tuple(found.values())
