"""Which module speaks which wire format: one line a provider."""

from collections.abc import Mapping
from typing import Final

from sluice.catalog import ProviderKind
from sluice.providers import demo, openai
from sluice.providers.contract import Provider

PROVIDERS: Final[Mapping[ProviderKind, Provider]] = {
    "openai": openai,
    "demo": demo,
}
