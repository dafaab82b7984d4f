"""Which module speaks to which search engine: one line an engine.

A module is imported when it is first asked for: an environment that searches nothing does not wait for it.
"""

import functools
import importlib
from collections.abc import Mapping
from typing import Final

from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.search.contract import Engine

MODULES: Final[Mapping[str, str]] = {
    "brave": "sluice.search.brave",
    "duckduckgo": "sluice.search.duckduckgo",
    "google": "sluice.search.google",
    "searxng": "sluice.search.searxng",
    "tavily": "sluice.search.tavily",
}
"""By the catalogue's ``kind``; each module has its ``Engine`` as ``ENGINE``."""

ADDRESSED: Final = frozenset({"brave", "duckduckgo", "google", "tavily"})
"""Kinds whose engine has an address of its own: told here too, so that a catalogue is checked with none imported."""

NUMBERED: Final = frozenset({"google"})
"""Kinds for which the catalogue has to give an ``engine_id``."""


@functools.cache
def engine_of(kind: str) -> Engine:
    """The engine of a kind that a catalogue was checked for."""
    engine: Engine = importlib.import_module(MODULES[kind]).ENGINE
    return engine


def check_engines(catalog: Catalog) -> None:
    """See that every search engine of a catalogue is known here, and has what it needs.

    Raises:
        ConfigurationError: naming the engine that is not, or has not.
    """
    for name, row in catalog.search.items():
        if row.kind not in MODULES:
            known = ", ".join(MODULES)
            raise ConfigurationError(
                f"the catalogue's search engine '{name}' is of the unknown kind '{row.kind}'; there are: {known}"
            )
        if row.base_url is None and row.kind not in ADDRESSED:
            raise ConfigurationError(f"the catalogue's search engine '{name}' needs a base_url")
        if row.engine_id is None and row.kind in NUMBERED:
            raise ConfigurationError(f"the catalogue's search engine '{name}' needs an engine_id")
