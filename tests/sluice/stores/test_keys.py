"""The keys table, against a real server."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sluice.keys import digest_of, new_secret, prefix_of
from sluice.stores.key_records import KeyRecord, KeyTerms, new_record
from sluice.stores.keys import KeyNotFoundError, KeyNotRotatableError, KeyStore, current_of

NOW = 1_000_000


def a_record(**members: Any) -> KeyRecord:
    record = new_record(new_secret("key"), KeyTerms(name="n", owner="ann", plan="custom"), NOW)
    return replace(record, **members)


async def rotated(store: KeyStore, record: KeyRecord, grace: int, now: int = NOW) -> KeyRecord:
    secret = new_secret("key")
    return await store.rotate(
        record.id, digest=digest_of(secret), prefix=prefix_of(secret), now=now, grace_seconds=grace
    )


async def test_a_record_is_found_by_its_digest_alone(store: KeyStore) -> None:
    record = a_record(
        models=("a", "b"), expires_at=NOW + 1, budget_nano_usd=5, budget_period="monthly", rpm=1
    )
    await store.put_new(record)
    assert await store.get(record.digest) == record
    assert await store.get(record.id) is None


async def test_a_digest_is_stored_once_but_a_repeated_write_is_no_error(store: KeyStore) -> None:
    record = a_record()
    await store.put_new(record)
    await store.put_new(record)
    with pytest.raises(ValueError, match="exists"):
        await store.put_new(replace(record, name="another"))
    assert await store.get(record.digest) == record


async def test_keys_are_listed_by_owner_or_all_oldest_first(store: KeyStore) -> None:
    late, early, other = (
        a_record(created_at=3),
        a_record(created_at=1),
        a_record(created_at=2, owner="bob"),
    )
    for record in (late, early, other):
        await store.put_new(record)
    assert await store.list("ann") == [early, late]
    assert await store.list("nobody") == []
    assert await store.list() == [early, other, late]


async def test_a_list_goes_on_over_all_pages(store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [a_record(created_at=number) for number in range(5)]
    for record in records:
        await store.put_new(record)
    call = store._dynamodb.call
    monkeypatch.setattr(
        store._dynamodb, "call", lambda operation, **members: call(operation, Limit=2, **members)
    )
    assert await store.list() == records


async def test_a_revoked_key_is_revoked_in_all_its_secrets(store: KeyStore) -> None:
    record = a_record()
    await store.put_new(record)
    fresh = await rotated(store, record, grace=60)
    revoked = await store.revoke(record.id)
    assert {found.digest for found in revoked} == {record.digest, fresh.digest}
    assert not any(found.active for found in revoked)
    assert await store.revoke(record.id) == revoked


async def test_what_is_not_there_is_neither_revoked_nor_rotated(store: KeyStore) -> None:
    with pytest.raises(KeyNotFoundError):
        await store.revoke("key_none")
    with pytest.raises(KeyNotFoundError):
        await rotated(store, a_record(), grace=0)


async def test_a_rotation_keeps_everything_but_the_secret(store: KeyStore) -> None:
    record = a_record(rpm=7, expires_at=NOW + 1000)
    await store.put_new(record)
    fresh = await rotated(store, record, grace=60)
    assert replace(fresh, digest=record.digest, prefix=record.prefix) == record
    assert await store.get(fresh.digest) == fresh
    assert current_of(await store.find(record.id)) == fresh


@pytest.mark.parametrize(
    ("expires_at", "grace", "then"),
    [(None, 60, NOW + 60), (NOW + 1000, 60, NOW + 60), (NOW + 10, 60, NOW + 10)],
)
async def test_the_old_secret_has_the_grace_but_no_more_than_it_had(
    store: KeyStore, expires_at: int | None, grace: int, then: int
) -> None:
    record = a_record(expires_at=expires_at)
    await store.put_new(record)
    await rotated(store, record, grace)
    old = await store.get(record.digest)
    assert old is not None
    assert old.expires_at == then
    assert old.active


async def test_without_grace_every_earlier_secret_is_useless_at_once(store: KeyStore) -> None:
    first = a_record()
    await store.put_new(first)
    second = await rotated(store, first, grace=1000)
    third = await rotated(store, second, grace=0)
    usable = [record.digest for record in await store.find(first.id) if record.usable(NOW)]
    assert usable == [third.digest]


async def test_a_second_rotation_gives_the_first_secret_no_longer_than_it_had(store: KeyStore) -> None:
    first = a_record()
    await store.put_new(first)
    await rotated(store, first, grace=60)
    await rotated(store, first, grace=1000, now=NOW + 10)
    old = await store.get(first.digest)
    assert old is not None
    assert old.expires_at == NOW + 60


@pytest.mark.parametrize("members", [{"active": False}, {"expires_at": NOW}])
async def test_a_key_that_is_of_no_use_is_not_rotated(store: KeyStore, members: dict[str, Any]) -> None:
    record = a_record(**members)
    await store.put_new(record)
    with pytest.raises(KeyNotRotatableError):
        await rotated(store, record, grace=60)
    assert await store.find(record.id) == [record]


async def test_a_rotation_that_fails_changes_nothing(store: KeyStore) -> None:
    record, taken = a_record(), a_record()
    await store.put_new(record)
    await store.put_new(taken)
    with pytest.raises(KeyNotRotatableError):
        await store.rotate(record.id, digest=taken.digest, prefix="sk-", now=NOW, grace_seconds=60)
    assert await store.get(record.digest) == record
    assert await store.get(taken.digest) == taken


async def test_of_rotations_at_once_one_secret_lasts(store: KeyStore) -> None:
    record = a_record()
    await store.put_new(record)
    results = await asyncio.gather(
        *(rotated(store, record, grace=60) for _ in range(6)), return_exceptions=True
    )
    assert all(isinstance(result, KeyRecord | KeyNotRotatableError) for result in results)
    assert len([found for found in await store.find(record.id) if found.expires_at is None]) == 1


async def test_no_secret_is_in_the_table(store: KeyStore, dynamodb: Any, table: str) -> None:
    secrets = [new_secret("key") for _ in range(3)]
    record = new_record(secrets[0], KeyTerms(name="n", owner="o", plan="custom"), NOW)
    await store.put_new(record)
    for secret in secrets[1:]:
        await store.rotate(
            record.id, digest=digest_of(secret), prefix=prefix_of(secret), now=NOW, grace_seconds=9
        )
    content = str(dynamodb.scan(TableName=table)["Items"])
    assert content.count(record.id) == 3
    for secret in secrets:
        assert secret.removeprefix("sk-")[4:] not in content
