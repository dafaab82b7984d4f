"""What the rows of a catalogue mean together: what cannot be meant ends the start, what probably is not is told."""

import re
from pathlib import Path
from typing import get_args

import pytest

from sluice.catalog import Catalog, ModelKind, load_catalog
from sluice.catalog_rules import STAND_INS, doubts, mistakes
from sluice.config import ConfigurationError

HEAD = """
[providers.near]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"

[providers.far]
kind = "demo"

[[models]]
id = "other"
candidates = [{ provider = "near", model = "other" }]

[[models]]
id = "text"
kind = "completion"
candidates = [{ provider = "near", model = "text" }]

[[models]]
id = "vectors"
kind = "embedding"
candidates = [{ provider = "near", model = "vectors" }]

[[models]]
id = "ended"
retired = 2026-06-01
successor = "ended-too"

[[models]]
id = "ended-too"
retired = 2026-06-01

[[models]]
id = "succeeded"
retired = 2026-06-01
successor = "other"

[[models]]
id = "p"
aliases = ["same"]
"""
ONE = 'candidates = [{ provider = "near", model = "a" }]\n'
TWO = 'candidates = [{{ provider = "near", model = "a"{0} }}, {{ provider = "far", model = "a"{1} }}]\n'


def catalog(tmp_path: Path, members: str) -> Catalog:
    path = tmp_path / "catalog.toml"
    path.write_text(HEAD + members, encoding="utf-8")
    return load_catalog(path)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (ONE + 'fallbacks = ["p"]', "'p' is its own fallback"),
        (ONE + 'fallbacks = ["other", "same"]', "'p' is its own fallback"),
        (ONE + 'fallbacks = ["vectors"]', "its fallback 'vectors', of the kind 'embedding', cannot answer"),
        (ONE + 'fallbacks = ["text"]', "its fallback 'text', of the kind 'completion', cannot answer"),
        (TWO.format(", weight = 0", ", weight = 0") + 'policy = "weighted"', "all of its weights are 0"),
    ],
)
def test_what_cannot_be_meant_ends_the_start_and_is_named(tmp_path: Path, members: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as caught:
        catalog(tmp_path, members)
    assert "catalog.toml is wrong: model 'p' " in str(caught.value)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (ONE + 'fallbacks = ["unknown"]', "the fallback 'unknown', which is not in the file"),
        (ONE + 'kind = "embedding"\nfallbacks = ["vectors"]', "'embedding', whose fallbacks are never asked"),
        (ONE + 'kind = "embedding"\nfallbacks = ["unknown"]', "'embedding', whose fallbacks are never asked"),
        (ONE + 'capabilities = ["tools", "visoin"]', "mean nothing here: visoin; there are: adaptive_"),
        (TWO.format("", ', capabilities = ["x"]'), "mean nothing here: x; there are"),
        (ONE.replace("}]", '}, { provider = "near", model = "a" }]'), "'a' of 'near' more than once"),
        (ONE + 'fallbacks = ["ended"]', "'ended', which ends with the retirement of 'ended-too'"),
        (ONE.replace(" }", ", weight = 1 }"), "weights, which its policy 'priority' does not look at"),
        (
            TWO.format("", ", price = { input = '1' }"),
            "a candidate without a price, 'a' of 'near', beside one that has one",
        ),
    ],
)
def test_what_is_probably_not_meant_is_told(tmp_path: Path, members: str, told: str) -> None:
    (doubt,) = doubts(catalog(tmp_path, members))
    assert doubt.startswith("model 'p' ")
    assert told in doubt


@pytest.mark.parametrize(
    "members",
    [
        ONE + 'fallbacks = ["other", "succeeded"]',
        ONE + 'kind = "completion"\nfallbacks = ["text", "other"]',
        TWO.format(", weight = 0", ", weight = 2") + 'policy = "weighted"',
        TWO.format("", "") + 'policy = "weighted"',
        TWO.format("", ", price = { input = '1' }") + "price = { input = '2' }",
        TWO.format("", "") + 'capabilities = ["vision"]',
        "retired = 2026-01-01\npolicy = 'weighted'",
    ],
)
def test_what_makes_sense_is_not_remarked_on(tmp_path: Path, members: str) -> None:
    assert list(doubts(catalog(tmp_path, members))) == []


def test_every_kind_has_its_stand_ins() -> None:
    assert set(STAND_INS) == set(get_args(ModelKind))


def test_rows_beside_the_files_are_not_looked_at(tmp_path: Path) -> None:
    """They come and go at run time, so that one that makes no sense must not end anything."""
    file = catalog(tmp_path, ONE)
    candidate = {"provider": "near", "model": "b", "weight": 0}
    row = {"id": "own", "candidates": [candidate], "policy": "weighted"}
    own = Catalog.model_validate({"providers": file.providers, "models": [row]})
    assert next(mistakes(own))
    assert file.extended(own.models).find("own") is not None


IMAGE = ONE + 'kind = "image"\n'
VIDEO = ONE + 'kind = "video"\n'


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (IMAGE + 'price = { second = "1" }', ["its price is told by the second", "its price has no 'image'"]),
        (IMAGE + 'price = { input = "1" }', ["its price has no 'image'"]),
        (VIDEO + 'price = { image = "1" }', ["its price is told by the image", "its price has no 'second'"]),
        (ONE + 'price = { input = "1", image = "1" }', ["its price is told by the image"]),
        (
            ONE + 'price = { input = "1", variants = [{ quality = "hd", image = "1" }] }',
            ["its price has variants, which it cannot be asked for by"],
        ),
        (
            IMAGE + 'price = { image = "1", variants = [{ quality = "hd", second = "1" }] }',
            ["its price has a variant without 'image', which never counts"],
        ),
        (
            IMAGE + 'price = { image = "1", variants = [{ image = "1" }] }',
            ["its price has a variant of neither size nor quality, which always counts"],
        ),
        (
            IMAGE + 'sizes = ["1x1"]\nprice = { image = "1", variants = [{ size = "2x2", image = "1" }] }',
            ["its price has a variant of the size '2x2', which it has not"],
        ),
        (ONE + 'sizes = ["1x1"]', ["which has no sizes"]),
        (IMAGE + "seconds = [4]", ["which has no seconds"]),
        (IMAGE + 'sizes = ["1024", "0x5"]', ["has the size '1024'", "has the size '0x5'"]),
        (
            IMAGE.replace(" }]", ', price = { second = "1", image = "2" } }]') + 'price = { image = "1" }',
            ["its price is told by the second"],
        ),
        (IMAGE + 'sizes = ["2x2"]\nprice = { image = "1", variants = [{ size = "2x2", image = "1" }] }', []),
        (VIDEO + 'seconds = [4]\nsizes = ["2x2"]\nprice = { second = "1" }', []),
        (IMAGE, []),
    ],
)
def test_a_price_or_a_size_that_no_request_comes_by_is_told(
    tmp_path: Path, members: str, told: list[str]
) -> None:
    found = list(doubts(catalog(tmp_path, members)))
    assert len(found) == len(told), found
    for words, doubt in zip(told, found, strict=True):
        assert doubt.startswith("model 'p' ")
        assert words in doubt
