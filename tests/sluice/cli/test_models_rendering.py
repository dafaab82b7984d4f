"""A line of ``sluice models list``: who answers, for how much, until when."""

import time
from typing import Any

import pytest

from sluice.catalog import Catalog
from sluice.cli.models_rendering import model_object, models_table
from sluice.pipeline.live_catalog import Current
from sluice.pipeline.model_status import status_list
from sluice.stores.model_items import UNCONFIGURED, Health, ProviderHealth
from sluice.stores.models import Snapshot

NEAR = {"provider": "near", "model": "up", "price": {"input": "0.59", "output": "0.79"}}
FAR = {"provider": "far", "model": "up", "price": {"input": "0.720", "output": "0.79"}, "weight": 3}
MIDDLE = {"provider": "far", "model": "other", "price": {"input": "0.6"}}


def listing(*unlisted: str, **members: Any) -> Current:
    rows = [
        {"id": "new", "candidates": [{"provider": "near", "model": "new"}]},
        {"id": "p", "candidates": [NEAR], **members},
    ]
    providers = {"near": {"kind": "demo"}, "far": {"kind": "demo"}}
    health = Health("healthy", 1, int(time.time()))
    seen = {
        "near": ProviderHealth(health, configured=True, unlisted=frozenset(unlisted)),
        "far": UNCONFIGURED,
    }
    return Current(Catalog.model_validate({"providers": providers, "models": rows}), Snapshot({}, seen, {}))


def shown(current: Current) -> dict[str, Any]:
    row = current.catalog.find("p")
    assert row is not None
    (state,) = [each for each in status_list(current, time.time()).data if each.model_id == "p"]
    return model_object(row, state, current.snapshot)


@pytest.mark.parametrize(
    ("members", "cells"),
    [
        ({}, ["near", "0.59", "0.79", "healthy"]),
        ({"candidates": [FAR, MIDDLE, NEAR]}, ["far, near", "0.59-0.720", "0.79", "healthy"]),
        ({"candidates": [{"provider": "near", "model": "up"}]}, ["near", "-", "-", "healthy"]),
        ({"candidates": [FAR]}, ["far", "0.720", "0.79", "unknown, not available"]),
        (
            {"retired": "2026-06-01", "successor": "new", "candidates": [], "price": {"input": "1"}},
            ["-", "1", "-", "retired → new"],
        ),
        ({"retired": "2026-06-01", "successor": "new"}, ["near", "0.59", "0.79", "retired → new"]),
        (
            {"retired": "2999-06-01", "successor": "new"},
            ["near", "0.59", "0.79", "healthy, retires 2999-06-01 → new"],
        ),
        (
            {
                "kind": "image",
                "candidates": [
                    {
                        "provider": "near",
                        "model": "up",
                        "price": {"image": "0.04", "variants": [{"quality": "hd", "image": "0.08"}]},
                    }
                ],
            },
            ["near", "-", "0.04-0.08/image", "healthy"],
        ),
        (
            {"kind": "video", "candidates": [{**NEAR, "price": {"second": "0.10"}}]},
            ["near", "-", "0.10/second", "healthy"],
        ),
        ({"retired": "2999-06-01"}, ["near", "0.59", "0.79", "healthy, retires 2999-06-01"]),
    ],
)
def test_a_line(members: dict[str, Any], cells: list[str]) -> None:
    (line,) = models_table([shown(listing(**members))], "2026-11-29").splitlines()[1:]
    found = [cell.strip() for cell in line.split("  ") if cell.strip()]
    assert [found[2], *found[4:]] == cells


def test_a_model_that_no_provider_of_it_lists_is_told_as_such() -> None:
    one, two = shown(listing("up")), shown(listing("up", candidates=[NEAR, FAR]))
    assert models_table([one], "2026-11-29").endswith("  not listed")
    assert not models_table([two], "2026-11-29").endswith("  not listed"), "the other was not asked"


def test_scripts_get_all_of_the_routing() -> None:
    row = shown(listing(candidates=[NEAR, FAR], policy="weighted", fallbacks=["new"]))
    assert row["candidates"] == [
        {**NEAR, "weight": 1, "listed": True},
        {**FAR, "listed": None},
    ]
    assert (row["policy"], row["fallbacks"]) == ("weighted", ["new"])
