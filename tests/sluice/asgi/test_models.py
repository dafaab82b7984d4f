"""The models endpoints' replies."""

import datetime as dt
import json
from typing import Any

from sluice.asgi.models import MAX_AGE_SECONDS, ListReplies, one_model
from sluice.catalog import Catalog


def catalog(*ids: str) -> Catalog:
    rows: list[Any] = [
        {"id": name, "aliases": [f"x/{name}"], "candidates": [{"provider": "p", "model": name}]}
        for name in ids
    ]
    return Catalog.model_validate({"providers": {"p": {"kind": "demo"}}, "models": rows})


TODAY = dt.date(2026, 11, 29)


def listed(replies: ListReplies, found: Catalog, today: dt.date = TODAY) -> list[str]:
    return [row["id"] for row in json.loads(replies.all_models(found, today).body)["data"]]


def test_the_list_is_made_once_as_long_as_the_catalogue_is_the_same() -> None:
    replies, found = ListReplies(), catalog("a", "b")
    assert replies.all_models(found, TODAY) is replies.all_models(found, TODAY)


def test_another_catalogue_has_a_list_of_its_own() -> None:
    replies, before, after = ListReplies(), catalog("a"), catalog("a", "b")
    assert (listed(replies, before), listed(replies, after)) == (["a"], ["a", "b"])
    assert replies.all_models(before, TODAY).entity_tag != replies.all_models(after, TODAY).entity_tag


def test_a_model_has_one_reply_under_all_its_names() -> None:
    found = catalog("a", "b")
    one, same, other = (one_model(row) for row in map(found.find, ("a", "x/a", "b")) if row is not None)
    assert one == same != other
    assert one.max_age == MAX_AGE_SECONDS


def test_a_retired_model_is_listed_with_its_successor_as_long_as_somebody_answers() -> None:
    rows: list[Any] = [
        {"id": "new", "candidates": [{"provider": "p", "model": "new"}]},
        {"id": "old", "retired": "2026-12-01", "successor": "new", "owned_by": "p"},
        {
            "id": "last",
            "retired": "2026-12-01",
            "candidates": [{"provider": "p", "model": "last"}],
        },
    ]
    found = Catalog.model_validate({"providers": {"p": {"kind": "demo"}}, "models": rows})
    replies = ListReplies()
    assert listed(replies, found) == ["new", "old", "last"]
    assert listed(replies, found, dt.date(2026, 12, 1)) == ["new", "old"]
    old = json.loads(one_model(found.models[1]).body)
    assert (old["shutdown_date"], old["successor"], old["owned_by"]) == ("2026-12-01", "new", "p")
    assert {"shutdown_date", "successor"}.isdisjoint(json.loads(one_model(found.models[0]).body))
