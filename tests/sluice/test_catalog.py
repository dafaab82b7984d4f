"""The catalogue says what it means, or says what is wrong with it."""

import datetime as dt
from pathlib import Path

import pytest

from sluice.catalog import Catalog, load_catalog
from sluice.config import ConfigurationError

GOOD = """
[providers.local]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"

[[models]]
id = "one"
aliases = ["uno"]
candidates = [{ provider = "local", model = "upstream" }]
price = { input = "0.15", cached_input = "0.075", output = "0.60" }
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_model_is_found_by_id_and_alias(tmp_path: Path) -> None:
    catalog = load_catalog(written(tmp_path, GOOD))
    assert catalog.find("one") is catalog.find("uno")
    assert catalog.find("two") is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "openai"', "", "providers.local.kind"),
        ('base_url = "http://', 'base_url = "ftp://', "providers.local.base_url"),
        (
            'provider = "local"',
            'provider = "global"',
            "wrong: model 'one' names the unknown provider 'global'; there are: local",
        ),
        ('aliases = ["uno"]', 'aliases = ["one"]', "'one' is given twice"),
        ('"0.15"', '"-1"', "models.one.price.input"),
        ('"0.15"', '"cheap"', "models.one.price.input"),
        ('"0.15"', '"NaN"', "models.one.price.input"),
        ('id = "one"', 'id = ""', "models.0.id"),
        ('id = "one"', "", "models.0.id"),
        ("aliases =", 'policy = "dearest"\naliases =', "models.one.policy"),
        ('"upstream" }', '"upstream", weight = -1 }', "models.one.candidates.0.weight"),
        ("[[models]]", "[[models", "cannot be read"),
        (
            'candidates = [{ provider = "local", model = "upstream" }]',
            "candidates = []",
            "models.one.candidates': a model that is not retired needs a candidate",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_providers_alone_make_a_catalogue(tmp_path: Path) -> None:
    """What they list can be used, so no model has to be named."""
    catalog = load_catalog(written(tmp_path, GOOD.partition("[[models]]")[0]))
    assert (list(catalog.providers), catalog.models) == (["local"], ())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_catalog(tmp_path / "nowhere.toml")


def test_unknown_members_are_told(tmp_path: Path) -> None:
    long = "long = { above = 1, input = '1', output = '1', in = '1' }"
    text = GOOD.replace('id = "one"', 'id = "one"\ncontext_token = 5').replace(
        "{ input =", f"{{ inputs = '1', {long}, input ="
    )
    catalog = load_catalog(written(tmp_path, text + "\n[elsewhere]\na = 1\n"))
    assert set(catalog.unknown_members()) == {
        "elsewhere",
        "models.one.context_token",
        "models.one.price.inputs",
        "models.one.price.long.in",
    }


SUCCESSION = """
[providers.local]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"

[[models]]
id = "new"
candidates = [{ provider = "local", model = "new" }]

[[models]]
id = "older"
retired = 2026-12-01
successor = "new"
candidates = [{ provider = "local", model = "older" }]

[[models]]
id = "oldest"
retired = 2026-06-01
successor = "older"

[[models]]
id = "last"
retired = 2026-06-01
"""


def served(catalog: Catalog, name: str, today: str) -> str | None:
    row = catalog.find(name)
    assert row is not None
    found = catalog.in_service(row, dt.date.fromisoformat(today))
    return None if found is None else found.id


def test_a_model_answers_until_it_is_retired_and_its_successor_from_then_on(tmp_path: Path) -> None:
    catalog = load_catalog(written(tmp_path, SUCCESSION))
    assert served(catalog, "new", "2030-01-01") == "new"
    assert [served(catalog, "older", day) for day in ("2026-11-30", "2026-12-01")] == ["older", "new"]
    assert [served(catalog, "oldest", day) for day in ("2026-11-30", "2026-12-01")] == ["older", "new"]
    assert served(catalog, "last", "2026-11-30") is None
    assert served(catalog, "last", "2026-05-31") is None, "nobody could answer"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('successor = "new"', 'successor = "none"', "'older' names the unknown successor 'none'"),
        ('successor = "new"', 'successor = "older"', "'older' is its own successor"),
        ('successor = "new"', 'successor = "oldest"', "is its own successor"),
        ("retired = 2026-12-01\n", "", "'older' has a successor, but no day"),
        (
            'retired = 2026-06-01\nsuccessor = "older"',
            "",
            "models.oldest.candidates': a model that is not retired needs a candidate",
        ),
        ("retired = 2026-12-01", 'retired = "soon"', "models.older.retired"),
    ],
)
def test_a_succession_that_leads_nowhere_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in SUCCESSION
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(written(tmp_path, SUCCESSION.replace(old, new)))
    assert told in str(caught.value)
