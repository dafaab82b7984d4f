"""The models table, on every engine."""

import asyncio
import itertools
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engines import Engine
from fake_dynamodb import aws_with
from sluice.observability import logger
from sluice.stores.aws import AWS
from sluice.stores.model_items import UNCONFIGURED, Health, HealthStatus, ProviderHealth, StoredModel
from sluice.stores.models import ModelStore

TABLE = "ModelsTable"
FOUND = {"kind": "chat", "candidates": [{"provider": "far", "model": "up"}]}
OWN = {"price": {"input": "0.10", "output": "0.40"}}
NOW = 1_795_219_200


@pytest.fixture
def store(engine: Engine, engine_aws: AWS) -> Iterator[ModelStore]:
    engine.empty(TABLE)
    yield ModelStore(engine_aws, TABLE)
    engine.empty(TABLE)


async def model(store: ModelStore, name: str = "one") -> StoredModel | None:
    return (await store.read(consistent=True)).models.get(name)


async def test_an_empty_table_has_nothing(store: ModelStore) -> None:
    found = await store.read()
    assert (found.models, found.providers, found.health) == ({}, {}, {})


async def test_what_is_found_is_written_as_it_is(store: ModelStore, engine: Engine) -> None:
    await store.found("a/b#ü", FOUND)
    assert engine.items(TABLE) == [
        {
            "id": {"S": "model#a/b#ü"},
            "found": {"S": '{"candidates":[{"model":"up","provider":"far"}],"kind":"chat"}'},
        }
    ]
    assert await model(store, "a/b#ü") == StoredModel("a/b#ü", found=FOUND)


async def test_the_operators_word_and_the_providers_stand_side_by_side(store: ModelStore) -> None:
    await store.set_own("one", OWN)
    await store.found("one", FOUND)
    assert await model(store) == StoredModel("one", FOUND, OWN)
    await store.gone("one", NOW)
    await store.set_own("one", {"kind": "embedding"})
    found = await model(store)
    assert found == StoredModel("one", FOUND, {"kind": "embedding"}, NOW)
    assert found.row == FOUND | {"kind": "embedding", "id": "one"}
    await store.found("one", {"kind": "completion"})
    assert await model(store) == StoredModel("one", {"kind": "completion"}, {"kind": "embedding"})


async def test_what_is_not_there_cannot_go(store: ModelStore, engine: Engine) -> None:
    await store.gone("one", NOW)
    assert engine.items(TABLE) == []


async def test_a_model_that_its_provider_lists_stays_when_the_operators_word_is_taken_back(
    store: ModelStore,
) -> None:
    await store.found("one", FOUND)
    await store.set_own("one", OWN)
    await store.forget("one")
    assert await model(store) == StoredModel("one", found=FOUND)


@pytest.mark.parametrize("gone", [False, True])
async def test_one_that_no_provider_lists_leaves_the_table(
    store: ModelStore, engine: Engine, gone: bool
) -> None:
    await store.set_own("one", OWN)
    if gone:
        await store.found("one", FOUND)
        await store.gone("one", NOW)
    await store.set_own("other", OWN)
    for _ in range(2):
        await store.forget("one")
        assert [item["id"]["S"] for item in engine.items(TABLE)] == ["model#other"]


async def noted(store: ModelStore, *statuses: HealthStatus) -> list[int]:
    streaks = []
    for number, status in enumerate(statuses):
        await store.note_model("one", Health(status, 1, NOW + number, 7 if status == "healthy" else None))
        streaks.append((await store.read(consistent=True)).health["one"].streak)
    return streaks


async def test_a_streak_goes_on_as_long_as_the_status_is_the_same(store: ModelStore) -> None:
    assert await noted(store, "healthy", "healthy", "down", "down", "down", "healthy") == [1, 2, 1, 2, 3, 1]
    assert (await store.read(consistent=True)).health["one"] == Health("healthy", 1, NOW + 5, 7)


async def test_what_is_told_at_once_counts_as_often_as_it_was_seen(store: ModelStore) -> None:
    await store.note_model("one", Health("down", 3, NOW))
    await store.note_model("one", Health("down", 4, NOW + 1))
    assert (await store.read(consistent=True)).health["one"] == Health("down", 7, NOW + 1)
    await store.note_model("one", Health("healthy", 5, NOW + 2, 12))
    await store.note_model("one", Health("down", 2, NOW + 3))
    assert (await store.read(consistent=True)).health["one"] == Health("down", 2, NOW + 3, None)


async def test_of_many_who_tell_the_same_at_once_none_is_lost(store: ModelStore) -> None:
    await store.note_model("one", Health("down", 1, NOW))
    await asyncio.gather(*(store.note_model("one", Health("down", 1, NOW)) for _ in range(10)))
    assert (await store.read(consistent=True)).health["one"].streak == 11


async def provider(store: ModelStore, name: str = "far") -> ProviderHealth | None:
    return (await store.read(consistent=True)).providers.get(name)


async def test_a_provider_has_its_health_and_the_models_that_it_does_not_list(store: ModelStore) -> None:
    await store.note_provider("far", Health("healthy", 1, NOW, 80), ["b", "a"])
    await store.note_provider("far", Health("healthy", 1, NOW + 1, 90), ["a"])
    assert await provider(store) == ProviderHealth(
        Health("healthy", 2, NOW + 1, 90), configured=True, unlisted=frozenset({"a"})
    )
    await store.note_provider("far", Health("down", 1, NOW + 2), [])
    assert await provider(store) == ProviderHealth(Health("down", 1, NOW + 2), configured=True)


async def test_where_nothing_was_learnt_of_a_provider_all_stays_as_it_was(store: ModelStore) -> None:
    before = ProviderHealth(Health("healthy", 1, NOW, 80), configured=True, unlisted=frozenset({"a"}))
    await store.note_provider("far", before.health, before.unlisted)
    await store.note_provider("far", None, None)
    assert await provider(store) == before
    await store.note_provider("far", None, [])
    assert await provider(store) == ProviderHealth(before.health, configured=True)


async def test_of_a_provider_without_its_credential_nothing_else_is_known(store: ModelStore) -> None:
    await store.note_provider("far", Health("healthy", 1, NOW, 80), ["a"])
    await store.note_unconfigured("far")
    assert await provider(store) == UNCONFIGURED
    await store.note_provider("far", None, None)
    assert await provider(store) == ProviderHealth(None, configured=True)


async def test_models_providers_and_health_of_one_name_are_apart(store: ModelStore) -> None:
    await store.found("one", FOUND)
    await store.note_model("one", Health("down", 1, NOW))
    await store.note_provider("one", None, [])
    found = await store.read(consistent=True)
    assert (list(found.models), list(found.providers), list(found.health)) == (["one"], ["one"], ["one"])
    await store.forget("one")
    assert (await store.read(consistent=True)).health == found.health


MALFORMED: list[dict[str, Any]] = [
    {"id": {"S": "model#bad"}, "found": {"S": "{"}},
    {"id": {"S": "model#bad"}, "own": {"S": "[]"}},
    {"id": {"S": "model#bad"}, "own": {"N": "1"}},
    {"id": {"S": "model#bad"}, "gone_at": {"S": "soon"}},
    {"id": {"S": "provider#bad"}},
    {"id": {"S": "provider#bad"}, "configured": {"BOOL": True}, "status": {"S": "well"}},
    {"id": {"S": "health#bad"}, "status": {"S": "down"}},
    {"id": {"S": "health#bad"}, "status": {"S": "down"}, "streak": {"N": "1"}, "checked_at": {"N": "1.5"}},
]


@pytest.mark.parametrize("item", MALFORMED)
async def test_a_malformed_item_is_in_the_log_only(
    store: ModelStore,
    engine: Engine,
    item: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    await store.found("one", FOUND)
    engine.botocore.put_item(TableName=TABLE, Item=item)
    with caplog.at_level(logging.ERROR):
        found = await store.read()
    assert (list(found.models), found.providers, found.health) == (["one"], {}, {})
    assert [record.__dict__["item"] for record in caplog.records] == [item["id"]["S"]]


class Paged:
    """DynamoDB with two items at once."""

    def __init__(self, aws: AWS) -> None:
        self._client = aws.dynamodb
        self.scans = 0

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        self.scans += operation == "Scan"
        return await self._client.call(operation, **members, **({"Limit": 2} if operation == "Scan" else {}))


async def test_a_table_of_many_pages_is_read_to_its_end(store: ModelStore, engine_aws: AWS) -> None:
    names = [f"model-{number}" for number in range(7)]
    await asyncio.gather(*(store.found(name, FOUND) for name in names))
    paged = Paged(engine_aws)
    assert sorted((await ModelStore(aws_with(paged), TABLE).read()).models) == names
    assert paged.scans == 4


numbers = itertools.count()
MEMBERS = st.fixed_dictionaries(
    {}, optional={"kind": st.sampled_from(["chat", "embedding"]), "created": st.integers(0)}
)
NAMES = st.sampled_from(["one", "two", "three/3"])


def machine(engine: Engine) -> type[RuleBasedStateMachine]:
    """Synchronisation and operator by turns, beside a model of what each has said."""

    class Writers(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            engine.empty(TABLE)
            self.loop = asyncio.new_event_loop()
            self.aws = AWS(engine.endpoint)
            self.store = ModelStore(self.aws, TABLE)
            self.expected: dict[str, StoredModel] = {}

        def teardown(self) -> None:
            self.aws.close()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

        def before(self, name: str) -> StoredModel:
            return self.expected.get(name, StoredModel(name))

        @rule(name=NAMES, members=MEMBERS)
        def found(self, name: str, members: dict[str, Any]) -> None:
            self.loop.run_until_complete(self.store.found(name, FOUND | members))
            self.expected[name] = StoredModel(name, FOUND | members, self.before(name).own)

        @rule(name=NAMES)
        def gone(self, name: str) -> None:
            self.loop.run_until_complete(self.store.gone(name, NOW))
            if before := self.expected.get(name):
                self.expected[name] = StoredModel(name, before.found, before.own, NOW)

        @rule(name=NAMES, members=MEMBERS)
        def set_own(self, name: str, members: dict[str, Any]) -> None:
            self.loop.run_until_complete(self.store.set_own(name, members))
            before = self.before(name)
            self.expected[name] = StoredModel(name, before.found, members, before.gone_at)

        @rule(name=NAMES)
        def forget(self, name: str) -> None:
            self.loop.run_until_complete(self.store.forget(name))
            before = self.expected.pop(name, None)
            if before and before.found and before.gone_at is None:
                self.expected[name] = StoredModel(name, before.found)

        @rule(name=NAMES, status=st.sampled_from(["healthy", "down"]))
        def check(self, name: str, status: HealthStatus) -> None:
            self.loop.run_until_complete(self.store.note_model(name, Health(status, 1, NOW)))

        @invariant()
        def nobody_has_undone_anothers_work(self) -> None:
            found = self.loop.run_until_complete(self.store.read(consistent=True))
            assert found.models == self.expected

    return Writers


def test_no_writer_undoes_anothers_work(engine: Engine) -> None:
    case = machine(engine).TestCase
    case.settings = settings(max_examples=15, stateful_step_count=15)
    case().runTest()
    engine.empty(TABLE)
