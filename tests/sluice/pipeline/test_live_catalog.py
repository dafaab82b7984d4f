"""The catalogue with the models table's models: when the table is read, and what is believed while it cannot be."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from sluice.catalog import Catalog
from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline.live_catalog import LiveCatalog, rows_of
from sluice.stores.aws import AWSError
from sluice.stores.model_items import Health, StoredModel
from sluice.stores.models import Snapshot

FILE = Catalog.model_validate(
    {
        "providers": {"far": {"kind": "openai", "base_url": "https://far/v1"}},
        "models": [
            {"id": "filed", "aliases": ["also-filed"], "candidates": [{"provider": "far", "model": "filed"}]}
        ],
    }
)
SECONDS = 60.0


def stored(name: str, **members: Any) -> StoredModel:
    found = {"kind": "chat", "candidates": [{"provider": "far", "model": name}], "aliases": [f"far/{name}"]}
    return StoredModel(name, found=found | members)


def snapshot(*models: StoredModel, health: Mapping[str, Health] | None = None) -> Snapshot:
    return Snapshot({model.id: model for model in models}, {}, health or {})


class Table:
    """The models table; counts its reads."""

    def __init__(self, content: Snapshot | Exception) -> None:
        self.content = content
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self) -> Snapshot:
        self.reads += 1
        await self.gate.wait()
        if isinstance(self.content, Exception):
            raise self.content
        return self.content


class World:
    """A catalogue and its clock."""

    def __init__(self, content: Snapshot | Exception) -> None:
        self.table = Table(content)
        self.now = 1000.0
        self.models = LiveCatalog(FILE, self.table, seconds=SECONDS, clock=lambda: self.now)

    async def found(self, name: str) -> str | None:
        row = await self.models.find(name)
        return None if row is None else row.id


async def test_a_model_of_the_file_needs_no_table() -> None:
    world = World(AssertionError("the table was read"))
    assert [await world.found(name) for name in ("filed", "also-filed")] == ["filed", "filed"]
    assert world.table.reads == 0


async def test_any_other_is_looked_for_in_the_table_by_id_and_alias() -> None:
    world = World(snapshot(stored("new")))
    names = ("new", "far/new", "none")
    assert [await world.found(name) for name in names] == ["new", "new", None]
    assert world.table.reads == 1


async def test_many_at_once_read_it_once() -> None:
    world = World(snapshot(stored("new")))
    world.table.gate.clear()
    asking = [asyncio.create_task(world.found(name)) for name in ("new", "none", "far/new") * 5]
    await asyncio.sleep(0)
    asking[0].cancel()
    world.table.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert found[1:3] == [None, "new"]
    assert world.table.reads == 1


async def test_unknown_names_read_it_no_more_often_than_known_ones() -> None:
    world = World(snapshot())
    for number in range(100):
        assert await world.found(f"none-{number}") is None
    assert world.table.reads == 1


async def test_it_is_read_again_after_its_time_and_not_before() -> None:
    world = World(snapshot())
    assert await world.found("new") is None
    world.table.content = snapshot(stored("new"))
    world.now += SECONDS - 1
    assert await world.found("new") is None
    world.now += 1
    assert await world.found("new") == "new"
    assert world.table.reads == 2


@pytest.mark.parametrize(
    "failure", [OverloadedError("busy", retry_after=1), AWSError("Scan", "Denied", "no")]
)
async def test_while_it_cannot_be_read_the_old_content_is_believed(
    failure: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    world = World(snapshot(stored("new")))
    before = await world.models.current()
    world.table.content = failure
    world.now += SECONDS
    for _ in range(3):
        assert await world.models.current() is before
    assert world.table.reads == 2, "it is not asked again for each request"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    world.table.content = snapshot()
    world.now += SECONDS
    assert await world.found("new") is None


async def test_what_could_never_be_read_is_unknown_for_now_and_asked_for_again() -> None:
    world = World(OverloadedError("busy", retry_after=1))
    for _ in range(2):
        with pytest.raises(OverloadedError):
            await world.found("new")
    assert await world.found("filed") == "filed"
    world.table.content = snapshot(stored("new"))
    assert await world.found("new") == "new"


async def test_health_alone_makes_no_new_catalogue() -> None:
    """What is made of a catalogue, such as the list of models, is kept as long as it is the same."""
    world = World(snapshot(stored("new")))
    before = await world.models.current()
    health = {"new": Health("down", 1, 0)}
    world.table.content = snapshot(stored("new"), health=health)
    world.now += SECONDS
    after = await world.models.current()
    assert after.catalog is before.catalog
    assert after.snapshot.health == health
    world.table.content = snapshot(stored("new", context_tokens=5), health=health)
    world.now += SECONDS
    assert (await world.models.current()).catalog is not before.catalog


def test_models_that_are_gone_are_not_shown_and_the_others_go_by_id() -> None:
    gone = StoredModel("a", stored("a").found, {}, gone_at=1)
    assert [row.id for row in rows_of(snapshot(stored("c"), gone, stored("b")))] == ["b", "c"]


@pytest.mark.parametrize(
    "bad",
    [
        StoredModel("bad"),
        stored("bad", kind="telepathy"),
        stored("bad", candidates=[]),
        stored("bad", price={"input": "-1"}),
        stored(""),
    ],
)
async def test_a_malformed_row_is_in_the_log_only(
    bad: StoredModel, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    world = World(snapshot(bad, stored("new")))
    with caplog.at_level(logging.ERROR):
        assert await world.found(bad.id or "bad") is None
    assert await world.found("new") == "new"
    assert [record.__dict__["model"] for record in caplog.records] == [bad.id]


def listed(*models: StoredModel) -> list[tuple[str, tuple[str, ...]]]:
    catalog = FILE.extended(rows_of(snapshot(*models)))
    return [(row.id, row.aliases) for row in catalog.models[1:]]


def test_the_file_has_the_first_word() -> None:
    assert listed(stored("filed"), stored("also-filed"), stored("new", aliases=["filed", "x"])) == [
        ("new", ("x",))
    ]


def test_an_id_is_never_lost_to_an_alias() -> None:
    """Some list ``vendor/model``, which is what another's model has for an alias."""
    assert listed(stored("gpt"), stored("far/gpt")) == [("far/gpt", ("far/far/gpt",)), ("gpt", ())]
    assert listed(stored("a-gpt", aliases=["z"]), stored("z")) == [("a-gpt", ()), ("z", ("far/z",))]


def test_of_two_with_one_alias_the_first_has_it() -> None:
    assert listed(stored("b", aliases=["x"]), stored("a", aliases=["x", "y"])) == [
        ("a", ("x", "y")),
        ("b", ()),
    ]


def test_a_provider_that_the_file_does_not_know_serves_nothing() -> None:
    elsewhere = [{"provider": "far", "model": "x"}, {"provider": "elsewhere", "model": "x"}]
    assert listed(stored("new", candidates=elsewhere)) == []
