"""The path and the models table: models that only it has, and what it is told of requests."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fake_upstream import FakeUpstream
from key_records import key_record
from made_settings import made_settings
from path_world import CATALOG, SECRET, World
from sluice.catalog import Catalog
from sluice.errors import OverloadedError, SluiceError
from sluice.pipeline.chat import Chat
from sluice.pipeline.health_monitor import FAILURES
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply
from sluice.stores.models import ModelStore

REPLY = json.dumps(
    {
        "id": "1",
        "created": 1,
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
).encode()


def body(**members: Any) -> dict[str, Any]:
    return {"model": "one", "messages": [{"role": "user", "content": "Hi"}], **members}


@pytest.fixture
def upstream() -> FakeUpstream:
    return FakeUpstream(REPLY, content_type="application/json")


@pytest.fixture
def world(upstream: FakeUpstream) -> World:
    return World(upstream)


STREAM_HEAD = {"id": "1", "created": 1}


def events(*texts: str, usage: dict[str, Any] | None = None, ends: bool = True) -> bytes:
    """A provider's stream of so many pieces; one that does not end breaks off."""
    deltas: list[dict[str, Any]] = [{"delta": {"content": text}} for text in texts]
    if ends:
        deltas.append({"delta": {}, "finish_reason": "stop"})
    chunks: list[dict[str, Any]] = [{**STREAM_HEAD, "choices": [{"index": 0, **delta}]} for delta in deltas]
    if usage is not None:
        chunks.append({**STREAM_HEAD, "choices": [], "usage": usage})
    frames = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return b"".join(frames) + (b"data: [DONE]\n\n" if ends else b"")


async def failing(world: World, times: int, **members: Any) -> None:
    """Have so many requests fail, with all that is done after them."""
    for number in range(times):
        world.record.request_id = f"req_{number}"
        with pytest.raises(SluiceError):
            await world.ask(body(**members))
        await world.do_afterwards()


async def test_failures_in_succession_are_told_once_the_clients_have_their_replies() -> None:
    world = World(FakeUpstream(b"busy", status=503))
    await failing(world, FAILURES - 1, model="uno")
    assert world.health == {}
    world.dynamodb.calls.clear()
    with pytest.raises(SluiceError):
        await world.ask(body())
    assert world.dynamodb.calls == ["UpdateItem", "UpdateItem"], "held and released, and no more until then"
    await world.do_afterwards()
    assert world.health == {"health#one": ("down", FAILURES)}
    world.upstream.response = FakeUpstream(REPLY, content_type="application/json").response
    await world.ask(body())
    await world.do_afterwards()
    assert world.health == {"health#one": ("healthy", 1)}


async def test_a_models_table_that_fails_harms_no_request() -> None:
    world = World(FakeUpstream(b"busy", status=503))
    await failing(world, FAILURES - 1)
    world.dynamodb.faults[:] = [None, None, OverloadedError("busy", retry_after=1)]
    with pytest.raises(SluiceError, match="provider is overloaded"):
        await world.ask(body())
    await world.do_afterwards()
    assert world.dynamodb.faults == []
    assert world.health == {}


@pytest.mark.parametrize("status", [400, 404, 422, 429])
async def test_the_clients_faults_say_nothing_of_a_model(status: int) -> None:
    error = {"error": {"message": "no", "code": "model_not_found" if status == 404 else None}}
    world = World(FakeUpstream(json.dumps(error).encode(), status=status))
    await failing(world, FAILURES + 1)
    assert world.health == {}


async def test_what_is_refused_before_the_provider_is_asked_says_nothing_of_a_model(
    upstream: FakeUpstream,
) -> None:
    file = CATALOG.model_dump(mode="json")
    file["providers"]["far"] |= {"base_url": "https://far.example/v1", "credential": "NEVER_SET"}
    world = World(upstream)
    world.gateway = replace(world.gateway, catalog=Catalog.model_validate(file))
    await failing(world, FAILURES + 1)
    assert (upstream.requests, world.health) == ([], {})


@pytest.mark.parametrize("parts", [(events("four", ends=False),), (events("four", ends=False), None)])
async def test_a_stream_that_breaks_counts_as_a_failure(parts: Any) -> None:
    """Whether it ends too early, or is silent until nobody waits any longer."""
    world = World(FakeUpstream(*parts))
    world.gateway = replace(world.gateway, settings=made_settings(stream_timeout_seconds=0.05))
    for number in range(FAILURES):
        assert world.health == {}
        world.record.request_id = f"req_{number}"
        world.tables.tables["LedgerTable"].clear()
        assert b'"error"' in await world.ask(body(stream=True))
        await world.do_afterwards()
    assert world.health == {"health#one": ("down", FAILURES)}


async def test_an_answer_that_takes_longer_than_its_request_may_says_nothing_of_a_model() -> None:
    """Of a whole reply nothing is seen before its end, so anybody could make a model look down by asking for much."""
    world = World(FakeUpstream(None, content_type="application/json"))
    world.gateway = replace(world.gateway, settings=made_settings(timeout_seconds=0.02))
    await failing(world, FAILURES + 1)
    assert world.health == {}


async def test_a_client_that_leaves_its_stream_says_nothing_of_a_model() -> None:
    world = World(FakeUpstream(events("four", "more"), None))
    raw = json.dumps(body(stream=True)).encode()
    call = Call(f"Bearer {SECRET}", raw, world.record, afterwards=world.afterwards.append)
    async with answered(world.gateway, call, Chat()) as reply:
        assert isinstance(reply, StreamedReply)
        await anext(aiter(reply.frames))
    assert world.afterwards == []


async def test_a_stream_that_ends_well_is_a_success() -> None:
    world = World(FakeUpstream(b"busy", status=503))
    await failing(world, FAILURES)
    world.upstream.response = FakeUpstream(events("four")).response
    await world.ask(body(stream=True))
    await world.do_afterwards()
    assert world.health == {"health#one": ("healthy", 1)}


TABLE_MODEL = {"kind": "chat", "candidates": [{"provider": "far", "model": "up-new"}], "aliases": ["far/new"]}


async def with_table_model(world: World, **own: Any) -> World:
    """The models table has a model ``new``, of which the operator has said this."""
    store = ModelStore(world.dynamodb.aws, "ModelsTable")
    await store.found("new", TABLE_MODEL)
    if own:
        await store.set_own("new", own)
    world.dynamodb.calls.clear()
    return world


PRICE = {"input": "1", "output": "2"}


async def test_a_model_that_only_the_table_has_goes_the_whole_path(world: World) -> None:
    await with_table_model(world, price=PRICE)
    reply = await world.ask(body(model="far/new"))
    assert (reply["model"], world.sent["model"], world.record.model) == ("far/new", "up-new", "new")
    (row,) = world.ledger
    assert (row.model, row.provider, row.cost) == ("new", "far", 3 * 1000 + 4 * 2000)
    assert (world.dynamodb.calls[0], world.dynamodb.calls.count("Scan")) == ("Scan", 1)


async def test_a_model_of_the_file_is_asked_without_reading_the_table(world: World) -> None:
    await world.ask(body())
    assert "Scan" not in world.dynamodb.calls


async def test_a_table_model_without_a_price_is_not_for_a_key_with_a_budget(upstream: FakeUpstream) -> None:
    world = await with_table_model(
        World(upstream, key_record(SECRET, budget_nano_usd=10**9, budget_period="daily"))
    )
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(model="new"))
    assert (caught.value.status, caught.value.param) == (403, "model")
    assert upstream.requests == []


async def test_with_the_operators_price_it_is(upstream: FakeUpstream) -> None:
    record = key_record(SECRET, budget_nano_usd=10**9, budget_period="daily")
    world = await with_table_model(World(upstream, record), price=PRICE, output_tokens=100)
    await world.ask(body(model="new"))
    assert world.counter.used == world.ledger[0].cost > 0


async def test_a_table_model_is_for_those_keys_that_name_it(upstream: FakeUpstream) -> None:
    for names, allowed in ((("one",), False), (("new",), True), (("far/new",), True)):
        world = await with_table_model(World(upstream, key_record(SECRET, models=names)))
        if allowed:
            await world.ask(body(model="new"))
            continue
        with pytest.raises(SluiceError) as caught:
            await world.ask(body(model="new"))
        assert caught.value.status == 403


async def test_while_the_table_was_never_read_a_model_that_may_be_in_it_is_a_503(world: World) -> None:
    world.dynamodb.faults[:] = [OverloadedError("busy", retry_after=1)]
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(model="new"))
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(model="new"))
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
