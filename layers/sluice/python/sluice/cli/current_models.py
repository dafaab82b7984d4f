"""The models of a stack as its gateway has them: the catalogue file's, and those of the models table."""

from collections.abc import Sequence

from sluice.catalog import load_catalog
from sluice.cli.target import Stores
from sluice.pipeline.live_catalog import Current, rows_of


async def current_models(stores: Stores) -> Current:
    """All of them.

    Raises:
        ConfigurationError: the catalogue file is wrong.
        OverloadedError: the models table cannot be read.
    """
    snapshot = await stores.models.read(consistent=True)
    return Current(load_catalog(stores.catalog).extended(rows_of(snapshot)), snapshot)


async def unknown_models(stores: Stores, names: Sequence[str]) -> Sequence[str]:
    """Those of the names that no model has. Nothing is read where there are none.

    Raises:
        ConfigurationError, OverloadedError: see ``current_models``.
    """
    if not names:
        return ()
    catalog = (await current_models(stores)).catalog
    return [name for name in names if catalog.find(name) is None]
