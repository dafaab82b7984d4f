"""Counting the requests of addresses, on every engine."""

import itertools

import pytest

from engines import Engine
from sluice.accounting.windows import MINUTE, Window, empty
from sluice.stores.addresses import KEPT_SECONDS, LEAD, AddressStore, WindowChangedError
from sluice.stores.aws import AWS

TABLE = "CountersTable"
NOW = 1_795_219_201.7
SLOT = MINUTE.slot_at(NOW)
LIMIT = 3
clients = (f"192.0.2.{number}" for number in itertools.count())


@pytest.fixture
def store(engine_aws: AWS) -> AddressStore:
    return AddressStore(engine_aws, TABLE)


@pytest.fixture
def client() -> str:
    return next(clients)


async def count(store: AddressStore, client: str, seen: Window | None, slot: int = SLOT) -> Window:
    rolled = (seen or empty(slot)).rolled(MINUTE, slot)
    return await store.count(client, seen, rolled, limit=LIMIT, now=NOW)


async def refused(store: AddressStore, client: str, seen: Window | None, slot: int = SLOT) -> Window | None:
    with pytest.raises(WindowChangedError) as caught:
        await count(store, client, seen, slot)
    return caught.value.window


async def test_the_first_request_of_a_client_makes_its_item(
    store: AddressStore, engine: Engine, client: str
) -> None:
    assert await count(store, client, None) == Window(SLOT, 1, (), 1)
    (item,) = [item for item in engine.items(TABLE) if item["id"]["S"] == LEAD + client]
    assert item == {
        "id": {"S": LEAD + client},
        "requests_slot": {"N": str(SLOT)},
        "requests_now": {"N": "1"},
        "requests_earlier": {"L": []},
        "requests_total": {"N": "1"},
        "expires_at": {"N": str(int(NOW) + KEPT_SECONDS)},
    }


async def test_within_a_slot_an_older_window_will_do(store: AddressStore, client: str) -> None:
    first = await count(store, client, None)
    assert (await count(store, client, first)).total == 2
    assert (await count(store, client, first)).total == 3


async def test_no_more_than_the_limit_are_counted(store: AddressStore, client: str) -> None:
    first = await count(store, client, None)
    await count(store, client, first)
    full = await count(store, client, first)
    assert await refused(store, client, first) == full
    assert await refused(store, client, first, SLOT + 1) == full


async def test_a_new_slot_keeps_those_before_it(store: AddressStore, client: str) -> None:
    first = await count(store, client, None)
    second = await count(store, client, first, SLOT + 2)
    assert second == Window(SLOT + 2, 1, (0, 1), 2)
    assert await count(store, client, second, SLOT + 1000) == Window(SLOT + 1000, 1, (), 1)


async def test_a_slot_begins_once(store: AddressStore, client: str) -> None:
    first = await count(store, client, None)
    begun = await count(store, client, first, SLOT + 1)
    assert await refused(store, client, first, SLOT + 1) == begun
    assert await refused(store, client, None) == begun


async def test_what_was_counted_in_a_slot_meanwhile_is_not_lost_when_the_next_begins(
    store: AddressStore, client: str
) -> None:
    first = await count(store, client, None)
    second = await count(store, client, first)
    assert await refused(store, client, first, SLOT + 1) == second


async def test_an_item_that_was_deleted_is_told_to_be_gone(store: AddressStore, client: str) -> None:
    assert await refused(store, client, Window(SLOT, 1, (), 1)) is None
