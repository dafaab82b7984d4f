import subprocess
import sys
from typing import Any

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.config import ConfigurationError
from sluice.search.registry import ADDRESSED, MODULES, NUMBERED, check_engines, engine_of


def catalog(**row: Any) -> Catalog:
    return Catalog.model_validate({"providers": {}, "search": {"own": row}})


def test_the_shipped_catalogue_is_right() -> None:
    shipped = load_catalog()
    check_engines(shipped)
    assert list(shipped.search) == ["brave", "tavily"]
    assert all(row.nano_price for row in shipped.search.values())
    assert list(shipped.unknown_members()) == []


@pytest.mark.parametrize("kind", MODULES)
def test_the_tables_tell_what_the_modules_do(kind: str) -> None:
    assert (engine_of(kind).address is not None) == (kind in ADDRESSED)
    assert set(MODULES) >= NUMBERED


def test_no_engine_is_imported_before_one_is_asked() -> None:
    code = "import sys, sluice.pipeline.gateway; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "sluice.search.registry" in loaded
    assert not {*MODULES.values(), "html.parser"} & set(loaded)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"kind": "altavista"}, "altavista"),
        ({"kind": "searxng"}, "base_url"),
        ({"kind": "google", "credential": "X"}, "engine_id"),
    ],
)
def test_what_is_wrong_is_named(row: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        check_engines(catalog(**row))


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "brave", "credential": "BRAVE_API_KEY", "price": "0.005"},
        {"kind": "searxng", "base_url": "http://127.0.0.1:8888", "price": "0"},
        {"kind": "google", "engine_id": "017:cx"},
        {"kind": "duckduckgo", "enabled": False},
    ],
)
def test_what_is_right_passes(row: dict[str, Any]) -> None:
    check_engines(catalog(**row))
