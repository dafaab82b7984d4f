"""The models endpoints' replies are made once for a catalogue."""

import json
from typing import Any

import pytest

from sluice.asgi import models
from sluice.asgi.models import ModelReplies
from sluice.catalog import Catalog
from sluice.errors import ModelNotFoundError


def catalog(*ids: str) -> Catalog:
    rows: list[Any] = [
        {"id": name, "aliases": [f"x/{name}"], "candidates": [{"provider": "p", "model": name}]}
        for name in ids
    ]
    return Catalog.model_validate({"providers": {"p": {"kind": "demo"}}, "models": rows})


def listed(replies: ModelReplies, found: Catalog) -> list[str]:
    return [row["id"] for row in json.loads(replies.all_models(found).body)["data"]]


def test_a_reply_is_made_once_as_long_as_the_catalogue_is_the_same() -> None:
    replies, found = ModelReplies(), catalog("a", "b")
    assert replies.all_models(found) is replies.all_models(found)
    assert replies.one_model(found, "a") is replies.one_model(found, "x/a")
    assert replies.one_model(found, "a") != replies.one_model(found, "b")


def test_another_catalogue_has_replies_of_its_own() -> None:
    replies, before, after = ModelReplies(), catalog("a"), catalog("a", "b")
    assert (listed(replies, before), listed(replies, after)) == (["a"], ["a", "b"])
    assert replies.all_models(before).entity_tag != replies.all_models(after).entity_tag
    replies.one_model(after, "b")
    with pytest.raises(ModelNotFoundError):
        replies.one_model(before, "b")


def test_names_that_clients_make_up_are_not_remembered() -> None:
    replies, found = ModelReplies(), catalog("a")
    for number in range(10):
        with pytest.raises(ModelNotFoundError):
            replies.one_model(found, f"nope-{number}")
    replies.one_model(found, "a")
    assert len(replies._made) == 1
    assert replies.one_model(found, "a").max_age == models.MAX_AGE_SECONDS
