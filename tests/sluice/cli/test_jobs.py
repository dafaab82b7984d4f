"""sluice jobs, end to end against a running development server."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from dev_server import DevServer, sluice
from made_jobs import NOON, made_job, made_output
from sluice.accounting.counter import Hold
from sluice.api.webhooks import DeliveryState
from sluice.stores.aws import AWS
from sluice.stores.deliveries import Attempt, DeliveryLog, DeliveryStore
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobStore

FAILED = Attempt(at=NOON * 1000, milliseconds=15_000, failure="timeout")
REFUSED = Attempt(at=(NOON + 5) * 1000 + 999, milliseconds=42, status=500)


PROMPT = "a cat that nobody may hear of"
SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A server that asks no provider how a video is before a test has ended."""
    with DevServer(tmp_path_factory.mktemp("server"), {"SLUICE_POLL_SECONDS": str(10 * SECONDS)}) as found:
        yield found


@pytest.fixture
def http(server: DevServer) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.state.url, headers=headers, trust_env=False, timeout=SECONDS) as client:
        yield client


def put(server: DevServer, job: Job, *attempts: Attempt, outcome: DeliveryState, next_at: int | None) -> None:
    """Put a job into the server's table, and these attempts to tell of it."""

    async def write() -> None:
        with closing(AWS(server.state.endpoint)) as aws:
            table = server.state.tables["JobsTable"]
            await JobStore(aws, table).put_new(job)
            if not attempts:
                return
            log = DeliveryLog(job_id=job.id, expires_at=job.expires_at)
            for attempt in attempts:
                log = await DeliveryStore(aws, table).note(log.after(attempt, outcome, next_at))

    asyncio.run(write())


def run(server: DevServer, *arguments: str) -> tuple[int, str, str]:
    done = sluice("jobs", *arguments, "--local", directory=server.directory)
    return done.returncode, done.stdout, done.stderr


def read(server: DevServer, *arguments: str) -> Any:
    code, output, told = run(server, *arguments, "--json")
    assert (code, told) == (0, "")
    assert PROMPT not in output
    return json.loads(output)


def deliveries(server: DevServer, job_id: str, *options: str) -> tuple[int, str, str]:
    return run(server, "deliveries", job_id, *options)


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
@pytest.mark.parametrize("command", ["deliveries", "show", "cancel"])
def test_a_job_that_is_not_there(server: DevServer, command: str, job_id: str) -> None:
    code, output, told = run(server, command, job_id)
    assert (code, output) == (1, "")
    assert told.startswith("sluice: there is no job ")
    assert "a" * 48 not in told


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(server: DevServer, *jobs: Job) -> None:
    for job in jobs:
        put(server, job, outcome="pending", next_at=None)


def test_jobs_are_listed_the_newest_first(server: DevServer) -> None:
    first = made_job(owner="lists", key_id="key_1", created_at=NOON * 1000)
    video = made_job(kind="video", owner="lists", key_id="key_2", created_at=NOON * 1000 + 2)
    last = made_job(owner="lists", key_id="key_1", created_at=NOON * 1000 + 3, state="running")
    others = made_job(owner="others", key_id="key_3", created_at=NOON * 1000 + 4)
    add(server, last, first, others, video)

    def ids(*options: str) -> list[str]:
        return [job["id"] for job in read(server, "list", *options)]

    assert ids("--owner", "lists") == [last.id, video.id, first.id]
    assert ids("--owner", "lists", "--limit", "2") == [last.id, video.id]
    assert ids("--key", "key_1") == [last.id, first.id]
    assert ids("--owner", "lists", "--kind", "video") == [video.id]
    assert ids("--owner", "lists", "--status", "running") == [last.id]
    assert ids("--key", "key_1", "--status", "queued") == [first.id]
    assert ids("--key", "key_1", "--status", "failed") == []
    everything = ids()
    assert [each for each in everything if each in {first.id, video.id, last.id, others.id}] == [
        others.id,
        last.id,
        video.id,
        first.id,
    ]


def test_a_list_for_a_person(server: DevServer) -> None:
    assert run(server, "list", "--owner", "nobody") == (0, "There are no such jobs.\n", "")
    over = made_job(
        owner="reads",
        state="failed",
        failure="timeout",
        provider="fal",
        ended_at=NOON * 1000 + 61_000,
    )
    add(server, over)
    heading, line = run(server, "list", "--owner", "reads")[1].splitlines()
    assert heading.split() == ["id", "state", "owner", "key", "model", "provider", "created", "took", "cost"]
    assert re.split(r"  +", line) == [
        *(over.id, "failed (timeout)", "reads", "key_a", "maker-1", "fal"),
        *("2026-11-21 12:00:00 UTC", "61 s", "-"),
    ]


def test_a_job_is_shown_with_all_that_is_known_but_what_was_asked_for(server: DevServer) -> None:
    job = made_job(
        kind="video",
        owner="shows",
        state="completed",
        provider="fal",
        reference="abc",
        leg=0,
        progress=100,
        cost=400_000_000,
        started_at=NOON * 1000 + 1_000,
        ended_at=NOON * 1000 + 42_000,
        size="1280x720",
        outputs={0: made_output("film", content_type="video/mp4", seconds=4)},
    )
    add(server, job)
    assert read(server, "show", job.id) == {
        "id": job.id,
        "request_id": job.request_id,
        "kind": "video",
        "state": "completed",
        "failure": None,
        "owner": "shows",
        "key": "key_a",
        "model": "maker-1",
        "provider": "fal",
        "reference": "abc",
        "count": 1,
        "seconds": 4,
        "size": "1280x720",
        "progress": 100,
        "cost": "0.40",
        "held": None,
        "created_at": NOON,
        "started_at": NOON + 1,
        "ended_at": NOON + 42,
        "deadline": NOON + 600,
        "expires_at": NOON + 30 * 86_400,
        "has_webhook": False,
        "outputs": [
            {
                "index": 0,
                "digest": "film-digest",
                "content_type": "video/mp4",
                "size": 7,
                "cid": None,
                "stored": True,
            }
        ],
    }
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in run(server, "show", job.id)[1].splitlines())
    assert shown["cost"] == "0.40 USD"
    assert shown["took"] == "42 s"
    assert shown["file 0"] == "film-digest, video/mp4, 7 bytes"
    assert "deadline" not in shown
    going = replace(made_job(owner="shows"), hold=Hold(40_000_000, 0, NOON, "lifetime"), progress=7)
    add(server, going)
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in run(server, "show", going.id)[1].splitlines())
    assert (shown["state"], shown["cost"]) == ("queued, 7 %", "0.04 USD held")
    assert shown["took"].endswith(" s so far")


def test_a_video_in_the_making_is_cancelled_and_costs_nothing(server: DevServer, http: httpx.Client) -> None:
    body = {"model": "demo-video", "prompt": PROMPT, "seconds": 4}
    job_id = http.post("/v1/videos", json=body).json()["id"]
    deadline = time.monotonic() + SECONDS
    while (job := read(server, "show", job_id))["reference"] is None:
        assert time.monotonic() < deadline
    assert job["state"] == "running"
    assert run(server, "cancel", job_id) == (0, f"Job {job_id} is cancelled. Nothing is charged.\n", "")
    video = http.get(f"/v1/videos/{job_id}").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    job = read(server, "show", job_id)
    assert (job["state"], job["failure"], job["cost"], job["held"]) == ("failed", "cancelled", None, None)
    again = run(server, "cancel", job_id)
    assert again == (0, f"Job {job_id} is over already: it is failed.\n", "")


def test_one_that_was_decided_is_carried_out(server: DevServer) -> None:
    job = made_job(state="finishing", cost=0, ended_at=NOON * 1000, provider="demo", owner="ends")
    add(server, job)
    done = run(server, "cancel", job.id)
    assert done == (0, f"Job {job.id} was being finished: it is completed, and charged.\n", "")
    assert read(server, "cancel", job.id)["state"] == "completed"
