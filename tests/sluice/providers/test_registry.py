"""Every provider of a catalogue has a module and an address, or the start says which has not."""

from typing import Any

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.config import ConfigurationError
from sluice.providers.registry import check_providers


def catalog(**provider: Any) -> Catalog:
    return Catalog.model_validate({"providers": {"here": provider}, "models": []})


def test_the_shipped_catalogue_passes() -> None:
    check_providers(load_catalog())


def test_a_module_may_have_an_address_of_its_own() -> None:
    check_providers(catalog(kind="demo"))


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ({"kind": "telepathy"}, "'here' is of the unknown kind 'telepathy'"),
        ({"kind": "openai"}, "'here' needs a base_url"),
    ],
)
def test_what_is_missing_is_told(provider: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_providers(catalog(**provider))
