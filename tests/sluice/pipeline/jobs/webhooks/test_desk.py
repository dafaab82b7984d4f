"""What clients can ask of webhooks."""

from typing import Any, cast

import pytest

from key_records import key_record
from sluice.api.webhooks import DeliveryList
from sluice.config import MediaSettings, WebhookAddressSettings
from sluice.errors import (
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    SluiceError,
    UnsupportedParameterError,
)
from sluice.pipeline.jobs.webhooks.desk import WebhookDesk
from sluice.pipeline.jobs.webhooks.message import secret_for
from sluice.stores.credentials import CredentialStore
from sluice.stores.deliveries import Attempt, DeliveryLog
from webhook_world import MASTER, NOON, World, told_job

KEY = key_record("sk-" + "a" * 48)


def desk_of(world: World, **settings: Any) -> WebhookDesk:
    return WebhookDesk(WebhookAddressSettings(**settings), world.credentials, world.logs)


def test_it_is_made_of_what_a_function_that_takes_jobs_has() -> None:
    world = World()
    names = (name for name, member in MediaSettings.model_fields.items() if member.is_required())
    settings = MediaSettings.model_validate(dict.fromkeys(names, "a-name"))
    desk = WebhookDesk.of(settings, world.credentials, world.dynamodb.aws)
    assert desk.settings is settings


@pytest.mark.parametrize("address", ["https://hooks.example.com/x", "https://1.1.1.1:8443"])
async def test_an_address_that_may_be_told(address: str) -> None:
    await desk_of(World()).check(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/x",
        "https://user:secret@hooks.example.com/",  # pragma: allowlist secret - made up
        "https://10.0.0.1/secret",
        "https://a:22/",
    ],
)
async def test_an_address_that_may_not_is_the_clients_fault_and_not_repeated_to_it(address: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        await desk_of(World()).check(address)
    error = raised.value
    assert (error.status, error.param, error.code) == (400, "webhook_url", None)
    assert error.message.startswith("'webhook_url' cannot be called. It")
    assert "secret" not in error.message


async def test_the_operators_own_host_may_be_told() -> None:
    desk = desk_of(World(), webhook_hosts="hooks.internal:8080")
    await desk.check("http://hooks.internal:8080/x")
    with pytest.raises(InvalidRequestError):
        await desk.check("http://hooks.internal:8081/x")


async def test_a_gateway_without_a_secret_takes_no_addresses() -> None:
    world = World()
    world.credentials.values.clear()
    with pytest.raises(UnsupportedParameterError) as raised:
        await desk_of(world).check("https://hooks.example.com/x")
    assert (raised.value.status, raised.value.param) == (400, "webhook_url")
    assert "WEBHOOK_SECRET" in raised.value.message
    with pytest.raises(NotFoundError):
        await desk_of(world).secret(KEY)


async def test_the_secret_is_the_keys() -> None:
    found = await desk_of(World()).secret(KEY)
    assert found.model_dump() == {"object": "webhook.secret", "secret": secret_for(MASTER, KEY.digest)}


async def test_a_secret_of_another_name() -> None:
    world = World()
    world.credentials.values = {"OTHER": "other"}
    found = await desk_of(world, webhook_secret="OTHER").secret(KEY)
    assert found.secret == secret_for("other", KEY.digest)


async def test_a_secret_that_cannot_be_read_now_is_asked_for_again() -> None:
    class Busy:
        async def get(self, _: str) -> str:
            raise OverloadedError("busy", retry_after=1)

    world = World()
    desk = WebhookDesk(WebhookAddressSettings(), cast("CredentialStore", Busy()), world.logs)
    for ask in (desk.check("https://hooks.example.com/"), desk.secret(KEY)):
        with pytest.raises(SluiceError) as raised:
            await ask
        assert raised.value.status == 503


async def test_deliveries_before_the_first() -> None:
    desk = desk_of(World())
    nothing: dict[str, Any] = {"object": "list", "attempts": 0, "next_attempt_at": None, "data": []}
    assert (await desk.deliveries(told_job())).model_dump() == nothing | {"state": "pending"}
    assert (await desk.deliveries(told_job(has_webhook=False))).model_dump() == nothing | {"state": None}


async def test_deliveries() -> None:
    world, job = World(), told_job()
    log = DeliveryLog(job_id=job.id, expires_at=job.expires_at)
    at = int(NOON * 1000) + 999
    log = log.after(Attempt(at=at, milliseconds=3, failure="timeout"), "pending", int(NOON) + 5)
    await world.logs.note(log)
    log = log.after(Attempt(at=at + 5000, milliseconds=4, status=500), "pending", int(NOON) + 305)
    await world.logs.note(log)
    desk = desk_of(world)
    found = await desk.deliveries(job)
    assert found.model_dump(exclude={"data"}) == {
        "object": "list",
        "state": "pending",
        "attempts": 2,
        "next_attempt_at": int(NOON) + 305,
    }
    assert [attempt.model_dump() for attempt in found.data] == [
        {
            "object": "webhook.attempt",
            "created_at": NOON,
            "milliseconds": 3,
            "status": None,
            "failure": "timeout",
        },
        {
            "object": "webhook.attempt",
            "created_at": NOON + 5,
            "milliseconds": 4,
            "status": 500,
            "failure": None,
        },
    ]
    for _ in range(2):
        await desk.forget(job.id)
        assert (await desk.deliveries(job)) == DeliveryList(
            state="pending", attempts=0, next_attempt_at=None, data=[]
        )
