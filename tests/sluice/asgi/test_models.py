"""The models endpoints' replies."""

import json
from typing import Any

import pytest

from sluice.asgi.models import MAX_AGE_SECONDS, ListReplies, one_model
from sluice.catalog import Catalog
from sluice.errors import ModelNotFoundError


def catalog(*ids: str) -> Catalog:
    rows: list[Any] = [
        {"id": name, "aliases": [f"x/{name}"], "candidates": [{"provider": "p", "model": name}]}
        for name in ids
    ]
    return Catalog.model_validate({"providers": {"p": {"kind": "demo"}}, "models": rows})


def listed(replies: ListReplies, found: Catalog) -> list[str]:
    return [row["id"] for row in json.loads(replies.all_models(found).body)["data"]]


def test_the_list_is_made_once_as_long_as_the_catalogue_is_the_same() -> None:
    replies, found = ListReplies(), catalog("a", "b")
    assert replies.all_models(found) is replies.all_models(found)


def test_another_catalogue_has_a_list_of_its_own() -> None:
    replies, before, after = ListReplies(), catalog("a"), catalog("a", "b")
    assert (listed(replies, before), listed(replies, after)) == (["a"], ["a", "b"])
    assert replies.all_models(before).entity_tag != replies.all_models(after).entity_tag


def test_a_model_has_one_reply_under_all_its_names() -> None:
    found = catalog("a", "b")
    assert one_model(found.find("a"), "a") == one_model(found.find("x/a"), "x/a")
    assert one_model(found.find("a"), "a") != one_model(found.find("b"), "b")
    assert one_model(found.find("a"), "a").max_age == MAX_AGE_SECONDS


def test_an_unknown_model_is_not_found_under_the_name_that_was_asked_for() -> None:
    with pytest.raises(ModelNotFoundError, match="'nope'") as caught:
        one_model(None, "nope")
    assert caught.value.param == "model"
