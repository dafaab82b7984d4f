"""Which module speaks which wire format: one line a provider."""

from collections.abc import Mapping
from typing import Final

from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.providers import demo, openai
from sluice.providers.contract import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    "openai": openai,
    "demo": demo,
}


def check_providers(catalog: Catalog) -> None:
    """See that every provider of a catalogue has a module, and an address.

    Raises:
        ConfigurationError: naming the provider that has not.
    """
    for name, row in catalog.providers.items():
        module = PROVIDERS.get(row.kind)
        if module is None:
            known = ", ".join(PROVIDERS)
            raise ConfigurationError(
                f"the catalogue's provider '{name}' is of the unknown kind '{row.kind}'; there are: {known}"
            )
        if row.base_url is None and module.ADDRESS is None:
            raise ConfigurationError(f"the catalogue's provider '{name}' needs a base_url")
