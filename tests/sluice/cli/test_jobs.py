"""sluice jobs, end to end against a running development server."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from dev_server import DevServer, sluice
from made_jobs import NOON, made_job
from sluice.api.webhooks import DeliveryState
from sluice.stores.aws import AWS
from sluice.stores.deliveries import Attempt, DeliveryLog, DeliveryStore
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobStore

FAILED = Attempt(at=NOON * 1000, milliseconds=15_000, failure="timeout")
REFUSED = Attempt(at=(NOON + 5) * 1000 + 999, milliseconds=42, status=500)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("server")) as found:
        yield found


def put(server: DevServer, job: Job, *attempts: Attempt, outcome: DeliveryState, next_at: int | None) -> None:
    """Put a job into the server's table, and these attempts to tell of it."""

    async def write() -> None:
        with closing(AWS(server.state.endpoint)) as aws:
            table = server.state.tables["JobsTable"]
            await JobStore(aws, table).put_new(job)
            log = DeliveryLog(job_id=job.id, expires_at=job.expires_at)
            for attempt in attempts:
                log = await DeliveryStore(aws, table).note(log.after(attempt, outcome, next_at))

    asyncio.run(write())


def deliveries(server: DevServer, job_id: str, *options: str) -> tuple[int, str, str]:
    done = sluice("jobs", "deliveries", job_id, *options, "--local", directory=server.directory)
    return done.returncode, done.stdout, done.stderr


def test_every_attempt_is_shown(server: DevServer) -> None:
    job = made_job(has_webhook=True)
    put(server, job, FAILED, REFUSED, outcome="pending", next_at=NOON + 305)
    code, output, told = deliveries(server, job.id)
    assert (code, told) == (0, "")
    assert output.splitlines() == [
        "2026-11-21 12:00:00 UTC  timeout  15000 ms",
        "2026-11-21 12:00:05 UTC  500  42 ms",
        "It is not delivered yet. The next attempt is made at 2026-11-21 12:05:05 UTC or soon after.",
    ]
    attempt = {"object": "webhook.attempt", "created_at": NOON, "milliseconds": 15_000}
    other = {"object": "webhook.attempt", "created_at": NOON + 5, "milliseconds": 42}
    assert json.loads(deliveries(server, job.id, "--json")[1]) == {
        "object": "list",
        "state": "pending",
        "attempts": 2,
        "next_attempt_at": NOON + 305,
        "data": [
            attempt | {"status": None, "failure": "timeout"},
            other | {"status": 500, "failure": None},
        ],
    }


@pytest.mark.parametrize(
    ("outcome", "sentence"), [("delivered", "It is delivered."), ("given_up", "It is given up.")]
)
def test_what_is_over_says_so(server: DevServer, outcome: DeliveryState, sentence: str) -> None:
    job = made_job(has_webhook=True)
    put(server, job, REFUSED, outcome=outcome, next_at=None)
    assert deliveries(server, job.id)[1].splitlines()[-1] == sentence


def test_a_job_without_attempts(server: DevServer) -> None:
    wanted, unwanted = made_job(has_webhook=True), made_job()
    for job in (wanted, unwanted):
        put(server, job, outcome="pending", next_at=None)
    assert deliveries(server, wanted.id) == (0, "It is not delivered yet.\n", "")
    assert deliveries(server, unwanted.id) == (0, "Nobody wants to be told of the job.\n", "")


@pytest.mark.parametrize("job_id", ["image_none", "webhook#image_1", "sk-" + "a" * 48])
def test_a_job_that_is_not_there(server: DevServer, job_id: str) -> None:
    code, output, told = deliveries(server, job_id)
    assert (code, output) == (1, "")
    assert told.startswith("sluice: there is no job ")
    assert "a" * 48 not in told
