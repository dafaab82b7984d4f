"""Turns and replies in the idempotency table, on every engine."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from engines import Engine
from fake_dynamodb import aws_with
from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, Item
from sluice.stores.idempotency import IdempotencyStore
from sluice.stores.idempotency_records import (
    Beginning,
    Begun,
    Claim,
    Done,
    MalformedRecordError,
    OtherBody,
    Running,
)
from sluice.stores.kept_replies import KeptReply, PackedReply, Packer

TABLE = "IdempotencyTable"
NOW = 1_795_219_201
STREAM = "text/event-stream"
ids = (f"{number:064x}" for number in itertools.count())
PARTS_BYTES = 700_000
"""Random bytes that fill three parts."""


@pytest.fixture
def store(engine_aws: AWS) -> IdempotencyStore:
    return IdempotencyStore(engine_aws, TABLE)


@pytest.fixture
def claim() -> Claim:
    return Claim(
        id=next(ids),
        request_id="req_1",
        body_hash="a",
        begun_at=NOW,
        running_until=NOW + 100,
        expires_at=NOW + 1000,
    )


def later(claim: Claim, request_id: str = "req_2", *, seconds: int = 1, **members: Any) -> Claim:
    """Another request with the same key."""
    return replace(
        claim,
        request_id=request_id,
        begun_at=claim.begun_at + seconds,
        running_until=claim.running_until + seconds,
        expires_at=claim.expires_at + seconds,
        **members,
    )


def reply_of(body: bytes) -> PackedReply:
    packer = Packer(STREAM)
    packer.add(body)
    return packer.packed()


def done_with(body: bytes) -> Done:
    return Done(KeptReply(STREAM, body))


def incompressible(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def items_of(engine: Engine, claim: Claim) -> list[Item]:
    found = [item for item in engine.items(TABLE) if item["id"]["S"] == claim.id]
    return sorted(found, key=lambda item: int(item["part"]["N"]))


async def test_the_first_begins_and_a_second_finds_it_running(store: IdempotencyStore, claim: Claim) -> None:
    assert await store.begin(claim) == Begun()
    assert await store.begin(later(claim)) == Running(claim.begun_at, claim.running_until)


async def test_a_repeated_beginning_finds_its_own_record(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim)
    assert await store.begin(claim) == Begun()


async def test_of_twenty_at_once_one_begins(engine: Engine, claim: Claim) -> None:
    clients = [AWS(engine.endpoint) for _ in range(4)]
    stores = [IdempotencyStore(client, TABLE) for client in clients]
    try:
        found: list[Beginning] = await asyncio.gather(
            *(stores[number % 4].begin(replace(claim, request_id=f"req_{number}")) for number in range(20))
        )
    finally:
        for client in clients:
            client.close()
    assert sorted(type(each).__name__ for each in found) == ["Begun"] + ["Running"] * 19


async def test_what_is_kept_is_given_back_and_to_the_same_question_only(
    store: IdempotencyStore, claim: Claim
) -> None:
    await store.begin(claim)
    assert await store.begin(later(claim, body_hash="b")) == OtherBody()
    assert await store.finish(claim, reply_of(b"reply"))
    assert await store.begin(later(claim)) == done_with(b"reply")
    assert await store.begin(later(claim, body_hash="b")) == OtherBody()


@pytest.mark.parametrize("size", [0, 1_000_000, 5_000_000])
async def test_replies_of_all_sizes_come_back(store: IdempotencyStore, claim: Claim, size: int) -> None:
    body = incompressible(size)
    await store.begin(claim)
    assert await store.finish(claim, reply_of(body))
    assert await store.begin(later(claim)) == done_with(body)


async def test_every_item_dies_with_its_record(store: IdempotencyStore, engine: Engine, claim: Claim) -> None:
    await store.begin(claim)
    await store.finish(claim, reply_of(incompressible(PARTS_BYTES)))
    items = items_of(engine, claim)
    assert [item["part"]["N"] for item in items] == ["0", "1", "2", "3"]
    assert {item["expires_at"]["N"] for item in items} == {str(claim.expires_at)}


async def test_finishing_and_forgetting_can_be_repeated(store: IdempotencyStore, claim: Claim) -> None:
    reply = reply_of(incompressible(PARTS_BYTES))
    await store.begin(claim)
    assert await store.finish(claim, reply)
    assert await store.finish(claim, reply)
    other = later(claim, "req_9", seconds=0)
    other = replace(other, id=next(ids))
    await store.begin(other)
    await store.forget(other)
    await store.forget(other)
    assert await store.begin(later(other)) == Begun()


async def test_a_reply_that_is_kept_is_not_forgotten(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim)
    await store.finish(claim, reply_of(b"reply"))
    await store.forget(claim)
    assert await store.begin(later(claim)) == done_with(b"reply")


async def test_a_turn_is_taken_over_when_its_process_must_be_dead(
    store: IdempotencyStore, claim: Claim
) -> None:
    await store.begin(claim)
    assert isinstance(await store.begin(later(claim, seconds=99)), Running)
    assert await store.begin(later(claim, seconds=100, body_hash="b")) == Begun()


async def test_whose_turn_was_taken_over_is_told_where_it_was_for_the_same_thing(
    store: IdempotencyStore, claim: Claim
) -> None:
    assert await store.begin(claim) == Begun()
    second = later(claim, seconds=100)
    assert await store.begin(second) == Begun(("req_1",))
    assert await store.begin(second) == Begun(("req_1",)), "its reply was lost"
    third = later(claim, "req_3", seconds=200)
    assert await store.begin(third) == Begun(("req_1", "req_2"))
    await store.finish(third, reply_of(b"reply"))
    assert await store.begin(later(claim, "req_4", seconds=2_000)) == Begun(), "it is over"
    assert await store.begin(later(claim, "req_5", seconds=4_000)) == Begun(), "it has expired"


async def test_who_gives_up_a_turn_that_was_taken_over_leaves_it_free_and_known(
    store: IdempotencyStore, engine: Engine, claim: Claim
) -> None:
    await store.begin(claim)
    second = later(claim, seconds=100)
    await store.begin(second)
    await store.forget(second)
    await store.forget(second)
    third = later(claim, "req_3", seconds=100)
    assert await store.begin(third) == Begun(("req_1", "req_2"))
    await store.forget(second)
    assert isinstance(await store.begin(later(claim, "req_4", seconds=100)), Running), "it was another's turn"
    await store.forget(third)
    other = later(claim, "req_5", seconds=100, body_hash="b")
    assert await store.begin(other) == Begun(), "what died asked for something else"
    await store.forget(other)
    assert items_of(engine, claim) == []


async def test_who_was_taken_over_changes_nothing(
    store: IdempotencyStore, engine: Engine, claim: Claim
) -> None:
    successor = later(claim, seconds=100)
    body = incompressible(PARTS_BYTES)
    await store.begin(claim)
    await store.begin(successor)
    assert not await store.finish(claim, reply_of(incompressible(PARTS_BYTES + 1)))
    await store.forget(claim)
    assert isinstance(await store.begin(later(successor, "req_3")), Running)
    assert await store.finish(successor, reply_of(body))
    before = items_of(engine, claim)
    assert not await store.finish(claim, reply_of(incompressible(PARTS_BYTES + 1)))
    await store.forget(claim)
    assert items_of(engine, claim) == before
    assert await store.begin(later(successor, "req_3")) == done_with(body)


async def test_a_reply_that_has_expired_is_not_given_back_though_it_is_there(
    store: IdempotencyStore, claim: Claim
) -> None:
    await store.begin(claim)
    await store.finish(claim, reply_of(incompressible(PARTS_BYTES)))
    assert isinstance(await store.begin(later(claim, seconds=999)), Done)
    successor = later(claim, seconds=1000, body_hash="b")
    assert await store.begin(successor) == Begun()
    await store.finish(successor, reply_of(b"reply"))
    assert await store.begin(later(successor, "req_3")) == done_with(b"reply")


@pytest.mark.parametrize("damage", ["missing", "foreign", "older"])
async def test_a_reply_with_a_wrong_part_is_never_given_back(
    store: IdempotencyStore, engine: Engine, claim: Claim, damage: str
) -> None:
    await store.begin(claim)
    await store.finish(claim, reply_of(incompressible(PARTS_BYTES)))
    part = items_of(engine, claim)[2]
    if damage == "missing":
        engine.botocore.delete_item(TableName=TABLE, Key={"id": part["id"], "part": part["part"]})
    elif damage == "foreign":
        engine.botocore.put_item(TableName=TABLE, Item=part | {"request_id": {"S": "req_0"}})
    else:
        other = items_of(engine, claim)[1]
        engine.botocore.put_item(TableName=TABLE, Item=part | {"reply": other["reply"]})
    with pytest.raises(OverloadedError) as caught:
        await store.begin(later(claim))
    assert caught.value.retry_after


async def test_a_state_of_another_version_is_an_error(
    store: IdempotencyStore, engine: Engine, claim: Claim
) -> None:
    await store.begin(claim)
    (record,) = items_of(engine, claim)
    engine.botocore.put_item(TableName=TABLE, Item=record | {"state": {"S": "half"}})
    with pytest.raises(MalformedRecordError, match="half"):
        await store.begin(later(claim))


class Client:
    """Passes calls on, the next ones not, or with what the test does before or after them."""

    def __init__(self, aws: AWS) -> None:
        self._call = aws.dynamodb.call
        self.operations: list[str] = []
        self.faults: list[Exception] = []
        self.meanwhile: list[Any] = []

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        self.operations.append(operation)
        if self.faults:
            raise self.faults.pop(0)
        try:
            return await self._call(operation, **members)
        finally:
            if self.meanwhile:
                await self.meanwhile.pop(0)()


@pytest.fixture
def client(engine_aws: AWS) -> Client:
    return Client(engine_aws)


@pytest.mark.parametrize("operation", ["begin", "finish", "forget"])
async def test_what_dynamodb_does_not_take_is_told(client: Client, claim: Claim, operation: str) -> None:
    store = IdempotencyStore(aws_with(client), TABLE)
    busy = OverloadedError("busy", retry_after=1)
    if operation != "begin":
        await store.begin(claim)
    client.faults = [busy]
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "begin": lambda: store.begin(claim),
        "finish": lambda: store.finish(claim, reply_of(b"reply")),
        "forget": lambda: store.forget(claim),
    }
    with pytest.raises(OverloadedError):
        await calls[operation]()


async def test_a_reply_that_is_stored_in_part_only_is_not_given_back(client: Client, claim: Claim) -> None:
    store = IdempotencyStore(aws_with(client), TABLE)
    await store.begin(claim)

    async def fail_the_next() -> None:
        client.faults = [OverloadedError("busy", retry_after=1)]

    client.meanwhile = [fail_the_next]
    with pytest.raises(OverloadedError):
        await store.finish(claim, reply_of(incompressible(PARTS_BYTES)))
    assert isinstance(await store.begin(later(claim)), Running)


async def test_a_turn_that_was_just_given_up_is_the_next_ones(
    client: Client, engine_aws: AWS, claim: Claim
) -> None:
    """Between the write that was refused and the read that asks why, where there has to be one."""
    store, other = IdempotencyStore(aws_with(client), TABLE), IdempotencyStore(engine_aws, TABLE)
    await other.begin(claim)

    async def give_up() -> None:
        await other.forget(claim)

    client.meanwhile = [give_up]
    found = await store.begin(later(claim))
    assert found == Begun() if "GetItem" in client.operations else isinstance(found, Running)


async def test_beginning_and_finishing_take_a_write_each(client: Client, claim: Claim) -> None:
    store = IdempotencyStore(aws_with(client), TABLE)
    await store.begin(claim)
    await store.finish(claim, reply_of(b"reply"))
    assert client.operations == ["PutItem", "UpdateItem"]
