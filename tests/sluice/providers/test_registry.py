"""Every provider of a catalogue has a module and an address, or the start says which has not."""

import subprocess
import sys
from typing import Any

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.config import ConfigurationError
from sluice.providers.registry import ADDRESSED, PACKAGES, PROVIDERS, check_providers


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
        ({"kind": "declared", "base_url": "https://a.example"}, "'here' declares nothing that it offers"),
    ],
)
def test_what_is_missing_is_told(provider: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_providers(catalog(**provider))


@pytest.mark.parametrize("kind", PACKAGES)
def test_each_kind_has_its_package(kind: str) -> None:
    assert kind in PROVIDERS
    assert PROVIDERS[kind] is PROVIDERS[kind]
    assert (PROVIDERS[kind].address is not None) == (kind in ADDRESSED)


def test_a_package_is_imported_when_it_is_asked_for_and_not_before() -> None:
    program = (
        "import sys, sluice.pipeline.path; from sluice.catalog import load_catalog; from sluice.providers.registry import PACKAGES, PROVIDERS, check_providers;"
        "check_providers(load_catalog());"
        "print([kind for kind in PACKAGES if PACKAGES[kind] in sys.modules]);"
        "print([kind for kind in PROVIDERS if PACKAGES[kind] in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["[]", "[]"]  # naming them imports none either
