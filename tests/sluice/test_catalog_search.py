from pathlib import Path

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.catalog_search import SearchRow
from sluice.config import ConfigurationError


def test_a_price_is_of_whole_nano_usd() -> None:
    assert SearchRow(kind="brave").nano_price is None
    for text, nano in (("0", 0), ("0.005", 5_000_000), ("0.000000001", 1), ("12.5", 12_500_000_000)):
        assert SearchRow.model_validate({"kind": "brave", "price": text}).nano_price == nano


@pytest.mark.parametrize(
    "line",
    [
        'price = "-1"',
        'price = "0.0000000001"',
        'price = "NaN"',
        'base_url = "brave"',
        "enabled = 7",
        'kind = ""',
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, line: str) -> None:
    member = line.split()[0]
    kind = "" if member == "kind" else 'kind = "brave"\n'
    file = tmp_path / "catalog.toml"
    file.write_text(f"[providers.demo]\nkind = 'demo'\n[search.own]\n{kind}{line}\n")
    with pytest.raises(ConfigurationError, match=rf"search\.own\.{member}"):
        load_catalog(file)


def test_unknown_members_are_named() -> None:
    row = {"kind": "brave", "prize": "1"}
    made = Catalog.model_validate({"providers": {}, "search": {"own": row}})
    assert list(made.unknown_members()) == ["search.own.prize"]


def test_engines_stay_where_models_are_added() -> None:
    made = Catalog.model_validate({"providers": {}, "search": {"own": {"kind": "brave"}}})
    assert made.extended([]).search == made.search
