"""How each model is, out of what was found."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.catalog import Catalog
from sluice.pipeline.live_catalog import Current
from sluice.pipeline.model_status import FRESH_SECONDS, status_list
from sluice.stores.model_items import UNCONFIGURED, Health, ProviderHealth
from sluice.stores.models import Snapshot

NOW = 1_795_219_200.5


def catalog(**models: str) -> Catalog:
    """Models, each with its candidates as ``provider:id`` in one string."""
    rows: list[Any] = [
        {
            "id": name,
            "candidates": [
                dict(zip(("provider", "model"), each.split(":"), strict=True)) for each in candidates.split()
            ],
        }
        for name, candidates in models.items()
    ]
    return Catalog.model_validate(
        {"providers": {name: {"kind": "demo"} for name in ("near", "far")}, "models": rows}
    )


def seen(status: Any, ago: float = 0, latency_ms: int | None = None) -> Health:
    return Health(status, 1, int(NOW - ago), latency_ms)


def provider(health: Health | None, *unlisted: str) -> ProviderHealth:
    return ProviderHealth(health, configured=True, unlisted=frozenset(unlisted))


def status(
    candidates: str,
    providers: Mapping[str, ProviderHealth] | None = None,
    own: Health | None = None,
) -> tuple[bool, str, int | None]:
    snapshot = Snapshot({}, providers or {}, {} if own is None else {"one": own})
    (row,) = status_list(Current(catalog(one=candidates), snapshot), NOW).data
    return row.is_available, row.health_status, row.last_health_latency_ms


HEALTHY, DOWN = provider(seen("healthy", 60, 245)), provider(seen("down", 60))
UNKNOWN = (True, "unknown", None)
UNAVAILABLE = (False, "unknown", None)


@pytest.mark.parametrize(
    ("providers", "own", "expected"),
    [
        ({}, None, UNKNOWN),
        ({"far": HEALTHY}, None, (True, "healthy", 245)),
        ({"far": DOWN}, None, (False, "down", None)),
        ({"far": provider(None)}, None, UNKNOWN),
        ({"far": UNCONFIGURED}, None, UNAVAILABLE),
        ({"far": provider(seen("healthy", 60, 245), "up")}, None, UNAVAILABLE),
        ({"far": provider(seen("healthy", 60, 245), "other")}, None, (True, "healthy", 245)),
        ({"near": DOWN}, None, UNKNOWN),
        # of a provider's finding and the model's own, the newer counts
        ({"far": HEALTHY}, seen("down", 59), (False, "down", None)),
        ({"far": HEALTHY}, seen("down", 61), (True, "healthy", 245)),
        ({"far": DOWN}, seen("healthy", 59, 7), (True, "healthy", 7)),
        ({"far": DOWN}, seen("healthy", 61, 7), (False, "down", None)),
        ({"far": DOWN}, seen("healthy", 60, 7), (True, "healthy", 7)),
        ({}, seen("healthy", 60, 7), (True, "healthy", 7)),
        ({}, seen("down", 60), (False, "down", None)),
        # what is old says nothing
        ({"far": provider(seen("down", FRESH_SECONDS + 2))}, None, UNKNOWN),
        ({"far": provider(seen("down", FRESH_SECONDS - 2))}, None, (False, "down", None)),
        ({}, seen("down", FRESH_SECONDS + 2), UNKNOWN),
        ({"far": HEALTHY}, seen("down", FRESH_SECONDS + 2), (True, "healthy", 245)),
    ],
)
def test_one_candidate(
    providers: dict[str, ProviderHealth], own: Health | None, expected: tuple[bool, str, int | None]
) -> None:
    assert status("far:up", providers, own) == expected


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [
        (DOWN, HEALTHY, (True, "healthy", 245)),
        (HEALTHY, DOWN, (True, "healthy", 245)),
        (DOWN, DOWN, (False, "down", None)),
        (UNCONFIGURED, HEALTHY, (True, "healthy", 245)),
        (UNCONFIGURED, DOWN, (False, "down", None)),
        (UNCONFIGURED, UNCONFIGURED, UNAVAILABLE),
        (UNCONFIGURED, None, UNKNOWN),
        (provider(seen("healthy"), "up"), DOWN, (False, "down", None)),
        (provider(seen("healthy"), "up"), provider(seen("healthy", 60, 245), "up"), (True, "healthy", 245)),
    ],
)
def test_of_several_candidates_one_is_enough(
    near: ProviderHealth, far: ProviderHealth | None, expected: tuple[bool, str, int | None]
) -> None:
    providers = {"near": near} | ({} if far is None else {"far": far})
    assert status("near:up far:far-up", providers) == expected


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        (HEALTHY, "near"),
        (DOWN, "far"),
        (UNCONFIGURED, "far"),
        (provider(seen("healthy"), "up"), "far"),
        (provider(seen("down", FRESH_SECONDS + 2)), "near"),
        (None, "near"),
    ],
)
def test_the_provider_told_is_the_one_that_would_answer(near: ProviderHealth | None, expected: str) -> None:
    providers = {"far": HEALTHY} | ({} if near is None else {"near": near})
    (row,) = status_list(Current(catalog(one="near:up far:up"), Snapshot({}, providers, {})), NOW).data
    assert (row.provider, row.is_available) == (expected, True)


def test_a_row_has_the_models_names() -> None:
    rows = status_list(Current(catalog(one="near:up far:up"), Snapshot()), NOW).model_dump(mode="json")[
        "data"
    ]
    (row,) = rows
    assert row.pop("id")
    assert row == {
        "model_id": "one",
        "provider": "near",
        "model_type": "chat",
        "is_available": True,
        "health_status": "unknown",
        "last_health_latency_ms": None,
    }


def test_a_rows_id_is_a_uuid_that_stays_the_same() -> None:
    names = ["one", "a/b", "ü", "x" * 300]
    found = [
        [
            row.id
            for row in status_list(Current(catalog(**dict.fromkeys(order, "far:up")), Snapshot()), at).data
        ]
        for order, at in ((names, NOW), (names, NOW + 1e6), (names[::-1], NOW))
    ]
    assert found[0] == found[1] == found[2][::-1]
    assert len({uuid.UUID(each).hex for each in found[0]}) == len(names)
    assert found[0][0] == "3393f32a-acde-5f6b-9e8e-720f6db45c78"


STATUSES = st.sampled_from(["healthy", "down"])
HEALTHS = st.builds(seen, STATUSES, st.integers(0, 2 * FRESH_SECONDS), st.none() | st.integers(0, 9999))
PROVIDERS = st.builds(provider, st.none() | HEALTHS) | st.just(UNCONFIGURED)
MODELS = ("one", "two", "three", "four")


@given(
    st.dictionaries(st.sampled_from(["near", "far"]), PROVIDERS),
    st.dictionaries(st.sampled_from(MODELS), HEALTHS),
)
def test_the_totals_add_up(providers: dict[str, ProviderHealth], health: dict[str, Health]) -> None:
    rows = catalog(one="near:up", two="far:up", three="near:up far:up", four="far:other")
    found = status_list(Current(rows, Snapshot({}, providers, health)), NOW)
    assert [row.model_id for row in found.data] == list(MODELS)
    assert found.total == len(MODELS) == found.healthy + found.down + found.unknown
    for name in ("healthy", "down", "unknown"):
        assert getattr(found, name) == sum(row.health_status == name for row in found.data)
    assert not any(row.is_available for row in found.data if row.health_status == "down")


def test_a_retired_model_is_as_its_successor_is_and_without_one_is_not_told() -> None:
    rows = [
        {"id": "new", "candidates": [{"provider": "near", "model": "up"}]},
        {"id": "old", "retired": "2020-01-01", "successor": "new"},
        {"id": "last", "retired": "2020-01-01", "candidates": [{"provider": "near", "model": "last"}]},
    ]
    found = Catalog.model_validate({"providers": {"near": {"kind": "demo"}}, "models": rows})
    snapshot = Snapshot(providers={"near": provider(seen("healthy"))})
    new, old = status_list(Current(found, snapshot), NOW).data
    assert (new.model_id, old.model_id) == ("new", "old")
    assert new.id != old.id
    assert (old.provider, old.health_status, old.is_available) == ("near", "healthy", True)
