"""Environments that tell each other which providers fail, over one table."""

from typing import Any

import pytest

from fake_dynamodb import FakeClient, FakeDynamoDB
from sluice.errors import OverloadedError, UpstreamError
from sluice.pipeline.circuit_news import CircuitNews
from sluice.pipeline.circuits import Circuits
from sluice.pipeline.model_status import FRESH_SECONDS
from sluice.stores.aws import AWSError
from sluice.stores.circuits import CircuitStore
from sluice.stores.model_items import Health
from sluice.stores.models import ModelStore

TABLE = "ModelsTable"


class Environment:
    """Circuits, and their way to the others; ``now`` is the world's."""

    def __init__(self, world: "World", cool_down: float) -> None:
        clock = lambda: world.now  # noqa: E731 - a name for what is passed twice
        self.circuits = Circuits(failures=1, seconds=cool_down, clock=clock)
        self.news = CircuitNews(self.circuits, CircuitStore(world.client.aws, TABLE), seconds=15, clock=clock)

    async def fail(self, leg: str = "p/m") -> None:
        self.circuits.failed(leg, UpstreamError("broken"))
        await self.news.tell()

    def lets(self, leg: str = "p/m") -> bool:
        return self.circuits.lets(leg, leg.partition("/")[0])


class World:
    """The table and the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.client = FakeClient(FakeDynamoDB())
        self.models = ModelStore(self.client.aws, TABLE)

    def environment(self, cool_down: float = 30) -> Environment:
        return Environment(self, cool_down)

    @property
    def item(self) -> dict[str, int]:
        item = self.client.database.tables[TABLE][("circuits",)]
        return {name: int(value["N"]) for name, value in item.items() if name != "id"}


@pytest.fixture
def world() -> World:
    return World()


async def test_what_one_finds_out_the_others_know_for_as_long(world: World) -> None:
    one, other = world.environment(), world.environment()
    await one.fail()
    assert other.lets()
    await other.news.read()
    assert not other.lets()
    world.now += 30
    assert one.lets()
    assert other.lets()


async def test_an_environment_that_finds_the_same_out_later_does_not_tell_it_again(world: World) -> None:
    one, other = world.environment(), world.environment()
    await one.fail()
    await other.news.read()
    world.client.calls.clear()
    await other.fail()
    await one.news.read()
    assert world.client.calls == ["BatchGetItem"]
    assert not one.lets()


async def test_ones_own_news_is_no_news(world: World) -> None:
    one = world.environment()
    await one.fail()
    one.circuits.answered("p/m", "p")
    await one.news.read()
    assert one.lets()


async def test_what_is_over_before_others_can_hear_of_it_is_not_written(world: World) -> None:
    one = world.environment(cool_down=14)
    await one.fail()
    assert not one.lets()
    assert world.client.calls == []


async def test_what_has_closed_is_left_out_of_the_item_in_time(world: World) -> None:
    one = world.environment()
    await one.fail("p/m")
    world.now += 31
    await one.news.read()
    await one.fail("q/m")
    assert world.item == {"q/m": 1061}


async def test_the_checks_findings_come_with_it(world: World) -> None:
    one = world.environment()
    await world.models.note_provider("p", Health("down", 1, 990), None)
    await world.models.note_provider("q", Health("healthy", 1, 990), None)
    await world.models.note_unconfigured("r")
    assert one.news.is_due(["p", "q", "r", "never seen"])
    await one.news.read()
    assert (one.lets("p/m"), one.lets("q/m"), one.lets("r/m")) == (False, True, True)
    assert world.client.calls[-1] == "BatchGetItem"
    world.now += FRESH_SECONDS
    await one.news.read()
    assert one.lets("p/m")


async def test_it_is_read_once_in_a_while_by_one_request(world: World) -> None:
    news = world.environment().news
    assert [news.is_due(["p"]) for _ in range(3)] == [True, False, False]
    world.now += 14
    assert not news.is_due(["p"])
    world.now += 1
    assert news.is_due(["p"])


@pytest.mark.parametrize(
    "failure", [OverloadedError("busy", retry_after=1), AWSError("UpdateItem", "Denied", "no")], ids=repr
)
async def test_a_table_that_fails_harms_nobody(world: World, failure: Exception) -> None:
    one = world.environment()
    world.client.faults[:] = [failure, failure]
    await one.fail()
    await one.news.read()
    assert world.client.faults == []
    assert not one.lets()


async def test_what_was_read_in_part_is_not_taken_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = world.environment(), world.environment()
    await one.fail()
    await two.news.read()
    database, whole = world.client.database, world.client.database.execute

    def partly(operation: str, members: dict[str, Any]) -> dict[str, Any]:
        reply = whole(operation, members)
        return {"Responses": {}, "UnprocessedKeys": {TABLE: {}}} if operation == "BatchGetItem" else reply

    monkeypatch.setattr(database, "execute", partly)
    await two.news.read()
    assert not two.lets()


async def test_what_is_malformed_is_left_out(world: World) -> None:
    one = world.environment()
    items = world.client.database.tables[TABLE]
    items["circuits",] = {"id": {"S": "circuits"}, "p/m": {"S": "soon"}}
    items["provider#p",] = {"id": {"S": "provider#p"}}
    one.news.is_due(["p"])
    await one.news.read()
    assert one.lets()


def test_an_environment_begins_with_nothing_to_tell(world: World) -> None:
    one = world.environment()
    assert not one.news.has_some
    one.circuits.failed("p/m", UpstreamError("broken"))
    assert one.news.has_some
