"""Which module speaks to which search engine: one line an engine."""

from collections.abc import Mapping
from typing import Final

from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.search import brave, duckduckgo, google, searxng, tavily
from sluice.search.contract import Engine

ENGINES: Final[Mapping[str, Engine]] = {
    "brave": brave.ENGINE,
    "duckduckgo": duckduckgo.ENGINE,
    "google": google.ENGINE,
    "searxng": searxng.ENGINE,
    "tavily": tavily.ENGINE,
}


def check_engines(catalog: Catalog) -> None:
    """See that every search engine of a catalogue is known here, and has what it needs.

    Raises:
        ConfigurationError: naming the engine that is not, or has not.
    """
    for name, row in catalog.search.items():
        engine = ENGINES.get(row.kind)
        if engine is None:
            known = ", ".join(ENGINES)
            raise ConfigurationError(
                f"the catalogue's search engine '{name}' is of the unknown kind '{row.kind}'; there are: {known}"
            )
        if row.base_url is None and engine.address is None:
            raise ConfigurationError(f"the catalogue's search engine '{name}' needs a base_url")
        if row.engine_id is None and engine.needs_engine_id:
            raise ConfigurationError(f"the catalogue's search engine '{name}' needs an engine_id")
