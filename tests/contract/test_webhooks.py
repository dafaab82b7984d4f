"""Webhooks as receivers get them, over sockets and TLS, each verified with what its author would use."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import openai
import pytest
import standardwebhooks

from certificates import Authority
from mock_http import Received
from node_tests import NodeTests
from receiver import Behaviour, Receiver, answering, endless, hanging_up, silent
from sluice.keys import digest_of
from sluice.pipeline.jobs.webhooks.deliver import deliver
from sluice.pipeline.jobs.webhooks.message import secret_for
from sluice.upstream.public import PublicCaller
from webhook_world import ADDRESS, KEY_DIGEST, MASTER, World, told_job

HOST = "hooks.example.com"
PUBLIC = "93.184.215.14"
SECRET = secret_for(MASTER, KEY_DIGEST)
OTHER = secret_for(MASTER, digest_of("sk-other"))

type Verify = Callable[[Received, str], None]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


def world_before(receiver: Receiver, authority: Authority, seconds: float = 5) -> World:
    """A courier whose calls go out by TLS; every public address leads to the receiver."""

    async def resolve(host: str, _: int) -> Sequence[str]:
        assert host == HOST
        return [PUBLIC]

    class Way(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert request.url.host == PUBLIC
            request.url = request.url.copy_with(host="127.0.0.1", port=receiver.port)
            return await super().handle_async_request(request)

    caller = PublicCaller(
        frozenset(),
        transport=lambda: Way(verify=authority.trusted, trust_env=False),
        resolve=resolve,
        total_seconds=seconds,
    )
    return World(caller=caller, now=time.time())


async def delivered(world: World, job_id: str) -> list[int]:
    """What the state machine does, without waiting; for how many seconds it would have waited."""
    waits: list[int] = []
    while not (found := await deliver(world.courier, job_id)).over:
        waits.append(found.seconds)
        world.now += found.seconds
    return waits


def by_openai(received: Received, secret: str) -> None:
    client = openai.OpenAI(api_key="sk-none", webhook_secret=secret)
    event: Any = client.webhooks.unwrap(received.body, received.headers)
    assert (event.type, event.data.id) == ("video.completed", told_job().id)


def by_the_standards_own_library(received: Received, secret: str) -> None:
    event = standardwebhooks.Webhook(secret).verify(received.body, received.headers)
    assert (event["type"], event["data"]) == ("video.completed", {"id": told_job().id})


def by_openais_for_node(received: Received, secret: str) -> None:
    with NodeTests(
        "webhooks.test.js",
        WEBHOOK_BODY=received.body.decode(),
        WEBHOOK_HEADERS=received.headers,
        WEBHOOK_SECRET=secret,
        OTHER_SECRET=OTHER,
        JOB=told_job().id,
    ) as tests:
        tests.check()


@pytest.mark.parametrize("verify", [by_openai, by_the_standards_own_library, by_openais_for_node])
async def test_a_receiver_verifies_and_reads_it(authority: Authority, verify: Verify) -> None:
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        world = world_before(receiver, authority)
        job = world.has(told_job())
        assert await delivered(world, job.id) == []
        (received,) = receiver.received
    assert (received.method, received.path) == ("POST", ADDRESS.removeprefix(f"https://{HOST}"))
    assert received.headers["content-type"] == "application/json"
    verify(received, SECRET)
    with pytest.raises(Exception):  # noqa: B017 - each library has its own
        verify(received, OTHER)


@pytest.mark.parametrize(
    ("behaviours", "statuses"),
    [
        pytest.param([silent, answering(200)], [None, 200], id="it was slow"),
        pytest.param([hanging_up, answering(200)], [None, 200], id="its answer was lost"),
        pytest.param([answering(500), answering(503), answering(200)], [500, 503, 200], id="it was broken"),
        pytest.param(
            [answering(302, {"location": "/elsewhere"}), answering(200)], [302, 200], id="it had moved"
        ),
        pytest.param([answering(401), answering(200)], [401, 200], id="it did not know the secret yet"),
        pytest.param([endless], [200], id="its answer has no end"),
    ],
)
async def test_a_receiver_gets_it_in_the_end(
    authority: Authority, behaviours: list[Behaviour], statuses: list[int | None]
) -> None:
    with Receiver(*behaviours, tls=authority.server(HOST)) as receiver:
        world = world_before(receiver, authority, seconds=0.4)
        job = world.has(told_job())
        waits = await delivered(world, job.id)
        assert waits == [5, 300, 1800][: len(statuses) - 1]
        log = await world.logs.get(job.id)
        assert log is not None
        assert [attempt.status for attempt in log.attempts] == statuses
        assert log.outcome == "delivered"
        assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
        assert len({received.body for received in receiver.received}) == 1
        assert {received.path for received in receiver.received} == {"/jobs?token=secret-of-the-clients"}


async def test_a_receiver_that_was_down(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server(HOST)) as receiver:
        world = world_before(receiver, authority)
        job = world.has(told_job())
    found = await deliver(world.courier, job.id)
    assert (found.over, found.seconds) == (False, 5)
    with Receiver(answering(200), tls=authority.server(HOST)) as again:
        receiver.port = again.port
        world.now += 5
        assert await delivered(world, job.id) == []
        (received,) = again.received
    log = await world.logs.get(job.id)
    assert log is not None
    assert [(attempt.status, attempt.failure) for attempt in log.attempts] == [
        (None, "unreachable"),
        (200, None),
    ]
    assert received.headers["webhook-id"] == "evt_0123456789abcdef"
