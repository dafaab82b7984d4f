"""Which package speaks which wire format: one line a provider.

A package is imported when it is first asked for: an environment that starts to answer one provider's models does not
wait for the others'.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from sluice.catalog import Catalog, ProviderRow
from sluice.config import ConfigurationError
from sluice.providers.contract import Provider

PACKAGES: Final[Mapping[str, str]] = {
    "openai": "sluice.providers.openai",
    "anthropic": "sluice.providers.anthropic",
    "gemini": "sluice.providers.gemini",
    "bedrock": "sluice.providers.bedrock",
    "demo": "sluice.providers.demo",
    "declared": "sluice.providers.declared",
    # Hosts of OpenAI's format whose ways are known; "openai" is for any other.
    "openai-platform": "sluice.providers.hosts.openai_platform",
    "deepseek": "sluice.providers.hosts.deepseek",
    "groq": "sluice.providers.hosts.groq",
    "mistral": "sluice.providers.hosts.mistral",
    "ollama": "sluice.providers.hosts.ollama",
    "openrouter": "sluice.providers.hosts.openrouter",
    "together": "sluice.providers.hosts.together",
    "vllm": "sluice.providers.hosts.vllm",
    "xai": "sluice.providers.hosts.xai",
}
"""By the catalogue's ``kind``; each package, or a host's module, has its ``Provider`` as ``PROVIDER``."""

DECLARED: Final = "declared"
"""The kind that has nothing but what a row declares."""

ADDRESSED: Final = frozenset(
    {
        "anthropic",
        "bedrock",
        "demo",
        "gemini",
        "openai-platform",
        "deepseek",
        "groq",
        "mistral",
        "ollama",
        "openrouter",
        "together",
        "xai",
    }
)
"""Kinds whose provider has an address of its own: told here too, so that a catalogue is checked with none imported."""

IN_PROCESS: Final = frozenset({"demo"})
"""Kinds that this process answers itself."""

WITH_ROLE: Final = frozenset({"bedrock"})
"""Kinds whose provider lets the function's own AWS role in, where no credential of its own is set."""


class Registry(Mapping[str, Provider]):
    """The providers by kind.

    Args:
        packages: the name of each one's package.
    """

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = packages
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, kind: str) -> Provider:
        if kind not in self._loaded:
            provider: Provider = importlib.import_module(self._packages[kind]).PROVIDER
            self._loaded[kind] = provider
        return self._loaded[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packages)

    def __len__(self) -> int:
        return len(self._packages)

    def __contains__(self, kind: object) -> bool:
        return kind in self._packages


PROVIDERS: Final = Registry(PACKAGES)


def provider_of(row: ProviderRow) -> Provider:
    """The provider of a catalogue's row: its kind's, with the videos that the row itself declares."""
    provider = PROVIDERS[row.kind]
    if row.videos is None:
        return provider
    # Imported here: what answers chats makes no videos.
    from sluice.providers.declared.videos import DeclaredVideos

    return replace(provider, videos=DeclaredVideos(row.videos))


def check_providers(catalog: Catalog) -> None:
    """See that every provider of a catalogue is known here, and has an address.

    Raises:
        ConfigurationError: naming the provider that is not, or has none.
    """
    for name, row in catalog.providers.items():
        if row.kind not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise ConfigurationError(
                f"the catalogue's provider '{name}' is of the unknown kind '{row.kind}'; there are: {known}"
            )
        if row.kind == DECLARED and row.videos is None:
            raise ConfigurationError(f"the catalogue's provider '{name}' declares nothing that it offers")
        if row.base_url is None and row.kind not in ADDRESSED:
            raise ConfigurationError(f"the catalogue's provider '{name}' needs a base_url")
