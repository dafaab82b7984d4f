"""README's tables say what the declarations say."""

from pathlib import Path
from typing import get_args

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.cli.models import ServedKind
from sluice.providers.features import Feature
from sluice.providers.registry import PROVIDERS
from sluice.readme.__main__ import TARGET, rendered, write
from sluice.readme.features import LEFT_OUT, matrix
from sluice.readme.media import media_matrix, of_images, of_videos
from sluice.readme.models import SERVED, retirements, variables


def test_the_committed_file_is_what_the_generator_gives() -> None:
    text = TARGET.read_text(encoding="utf-8")
    assert text == rendered(text), "run: make readme"


def test_a_part_without_a_place_is_told() -> None:
    text = TARGET.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="'features'"):
        rendered(text.replace("<!-- /features -->", ""))


def test_what_was_done_is_told(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    text = TARGET.read_text(encoding="utf-8")
    readme.write_text(text.replace("| Variable |", "| Old |"), encoding="utf-8")
    assert write(readme) == "README.md is written"
    assert readme.read_text(encoding="utf-8") == rendered(text)
    assert write(readme) == "README.md is unchanged"


def test_the_command_adds_models_of_the_kinds_that_an_endpoint_takes() -> None:
    assert set(get_args(ServedKind)) == SERVED


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_matrix_has_every_provider_and_every_feature() -> None:
    head, _, *rows = cells(matrix(PROVIDERS))
    kinds = [kind.strip("`") for kind in head[1:]]
    assert set(kinds) == set(PROVIDERS) - LEFT_OUT
    found = {row[0]: dict(zip(kinds, row[1:], strict=True)) for row in rows}
    assert set(Feature) <= set(found)
    for kind in kinds:
        known = PROVIDERS[kind].features.known
        assert {feature for feature in Feature if found[feature][kind] == "✓"} == known
        assert found["embeddings"][kind] == ("✓" if PROVIDERS[kind].embeddings else "—")
    assert found["members that OpenAI does not have"]["openai"] == "all"
    assert found["members that OpenAI does not have"]["mistral"] == "some"


def test_the_matrix_of_media_has_every_provider_that_makes_them_and_all_that_it_declares() -> None:
    tables = [cells(table) for table in media_matrix(PROVIDERS).split("\n\n")]
    by_name = {table[0][0]: table for table in tables}
    for name, features_of in (("pictures", of_images), ("videos", of_videos)):
        declared = {kind: found for kind in PROVIDERS if (found := features_of(PROVIDERS[kind]))}
        if not declared:
            assert name not in by_name
            continue
        head, _, *rows = by_name[name]
        assert [kind.strip("`") for kind in head[1:]] == list(declared)
        *known, (_, *others) = rows
        for kind, marks, own in zip(
            declared, zip(*(row[1:] for row in known), strict=True), others, strict=True
        ):
            shown = {row[0].strip("`") for row, mark in zip(known, marks, strict=True) if mark == "✓"}
            assert declared[kind].passes_on == (own == "all")
            if own not in {"all", "—"}:
                shown |= {each.strip("` ") for each in own.split(",")}
            assert shown == declared[kind].members


def test_every_model_is_in_one_of_the_tables() -> None:
    catalog = load_catalog()
    served, gone = variables(catalog), retirements(catalog)
    for row in catalog.models:
        is_listed = any(row.id in table for table in (served, gone))
        is_demo = {each.provider for each in row.candidates} == {"demo"}
        assert is_listed == (row.kind in SERVED and not is_demo), row.id
    assert "`ORA_API_KEY` (ora) | black-forest-labs/FLUX.1-dev, KumoAnonymous/KumoVideo-Turbo |" in served
    assert "`OPENAI_API_KEY` (openai) | gpt-4o, gpt-4o-mini, " in served
    assert "gpt-3.5-turbo → gpt-5.4-mini" in gone


def test_a_model_without_a_successor_is_told_as_such() -> None:
    last = {"id": "last", "retired": "2026-06-01"}
    catalog = Catalog.model_validate({"providers": {}, "models": [last]})
    assert retirements(catalog).endswith("| 2026-06-01 | last → nobody |")
