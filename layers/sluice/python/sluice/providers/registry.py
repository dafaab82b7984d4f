"""Which package speaks which wire format: one line a provider."""

from collections.abc import Mapping
from typing import Final

from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.providers import demo, gemini, openai
from sluice.providers.contract import Provider

PROVIDERS: Final[Mapping[str, Provider]] = {
    "openai": openai.PROVIDER,
    "gemini": gemini.PROVIDER,
    "demo": demo.PROVIDER,
}


def check_providers(catalog: Catalog) -> None:
    """See that every provider of a catalogue is known here, and has an address.

    Raises:
        ConfigurationError: naming the provider that is not, or has none.
    """
    for name, row in catalog.providers.items():
        provider = PROVIDERS.get(row.kind)
        if provider is None:
            known = ", ".join(PROVIDERS)
            raise ConfigurationError(
                f"the catalogue's provider '{name}' is of the unknown kind '{row.kind}'; there are: {known}"
            )
        if row.base_url is None and provider.address is None:
            raise ConfigurationError(f"the catalogue's provider '{name}' needs a base_url")
