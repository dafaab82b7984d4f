"""Two hundred jobs at once, and what is left of them: files, charges, and no more memory than before."""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_process import GatewayProcess
from local_stack import botocore_client
from process_memory import resident_bytes, threads
from sluice.stores.access import Endpoint

IMAGES, VIDEOS = 160, 40
PICTURE_USD, SECOND_USD = "0.01", "0.05"
ENDS_WITHIN_SECONDS = 240
"""A guard for a busy machine; on two cores that do nothing else it takes a minute."""

POLL_SECONDS = 0.5

MODELS = f"""
[[models]]
id = "priced-image"
kind = "image"
candidates = [{{ provider = "demo", model = "demo-image" }}]
price = {{ image = "{PICTURE_USD}" }}

[[models]]
id = "priced-video"
kind = "video"
candidates = [{{ provider = "demo", model = "demo-video" }}]
price = {{ second = "{SECOND_USD}" }}
seconds = [1]
"""

NANO = 10**9
PICTURE_NANO, SECOND_NANO = (round(float(price) * NANO) for price in (PICTURE_USD, SECOND_USD))

GROWTH_OF_A_JOB = 600_000
"""Bytes that a job may leave in either process. AWS's stand-in keeps the file itself (40 KB), the items of six tables,
and the history of the execution."""
MOST_THREADS = 2500


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway and its two processes."""

    gateway: GatewayProcess
    own: int
    aws: int

    @property
    def sizes(self) -> tuple[int, int]:
        return resident_bytes(self.own), resident_bytes(self.aws)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state: Path = tmp_path_factory.mktemp("many-jobs")
    with GatewayProcess(state, "http://127.0.0.1:1/v1", "none", models=MODELS) as gateway:
        own = int(gateway.details["pid"])
        listed = subprocess.run(["pgrep", "-P", str(own)], capture_output=True, text=True, check=True)
        (aws,) = (int(line) for line in listed.stdout.split())
        yield Site(gateway, own, aws)


def bodies() -> list[tuple[str, dict[str, Any]]]:
    """Where and what to ask for: no two alike, so that no two share a file."""
    return [
        (
            "/v1/images/generations",
            {"model": "priced-image", "prompt": f"number {n}", "n": 1 + n % 2, "async": True},
        )
        for n in range(IMAGES)
    ] + [
        ("/v1/videos", {"model": "priced-video", "prompt": f"number {n}", "seconds": "1"})
        for n in range(VIDEOS)
    ]


COST_NANO = sum(PICTURE_NANO * (1 + n % 2) for n in range(IMAGES)) + VIDEOS * SECOND_NANO


async def submitted(client: httpx.AsyncClient, wanted: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """The paths of the jobs, which are all taken."""

    async def submit(path: str, body: dict[str, Any]) -> str:
        reply = await client.post(path, json=body)
        assert reply.status_code in (200, 202), reply.text
        return f"{path}/{reply.json()['id']}"

    return list(await asyncio.gather(*(submit(path, body) for path, body in wanted)))


async def ended(client: httpx.AsyncClient, paths: Sequence[str], site: Site) -> tuple[list[Any], int]:
    """The jobs when all are over, and the most threads that were seen meanwhile."""
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    most = 0

    jobs = []
    for path in paths:  # one after the other: whoever asks for all of them at once takes half of the machine
        while (job := (await client.get(path)).json())["status"] not in ("completed", "failed"):
            assert time.monotonic() < deadline, job
            most = max(most, threads(site.aws))
            await asyncio.sleep(POLL_SECONDS)
        jobs.append(job)
    return jobs, most


def client_of(site: Site, secret: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=site.gateway.url,
        headers={"authorization": f"Bearer {secret}"},
        trust_env=False,
        timeout=ENDS_WITHIN_SECONDS,
        limits=httpx.Limits(max_connections=50),
    )


async def round_of_jobs(
    site: Site, secret: str, wanted: Sequence[tuple[str, dict[str, Any]]]
) -> tuple[list[Any], int]:
    async with client_of(site, secret) as client:
        return await ended(client, await submitted(client, wanted), site)


async def test_two_hundred_jobs_at_once_all_end_and_are_charged_once(site: Site) -> None:
    """With a budget that pays for them to the last nano-dollar: no hold is too large, and none is left."""
    record = site.gateway.create_key("--budget", f"{COST_NANO / NANO:.2f}", "--plan", "enterprise")
    jobs, most = await round_of_jobs(site, str(record["key"]), bodies())
    assert Counter(job["status"] for job in jobs) == {"completed": IMAGES + VIDEOS}
    assert most < MOST_THREADS

    (images, videos) = sorted(
        site.gateway.usage(
            "--key",
            str(record["id"]),
            until=lambda rows: sum(row["requests"] for row in rows) == IMAGES + VIDEOS,
        ),
        key=lambda row: str(row["model"]),
    )
    assert (images["images"], videos["seconds"]) == (IMAGES * 3 // 2, VIDEOS)
    spent = sum(round(float(row["cost"]) * NANO) for row in (images, videos))
    assert spent == COST_NANO
    proof = site.gateway.sluice("reconcile", "--key", str(record["id"]))
    assert (proof["keys"], proof["equal"], proof["different"]) == (1, 1, [])

    async with client_of(site, str(record["key"])) as client:
        one_more = await client.post(
            "/v1/images/generations", json={"model": "priced-image", "prompt": "one more"}
        )
    assert (one_more.status_code, one_more.json()["error"]["code"]) == (402, "budget_exceeded")


async def test_what_further_jobs_leave_in_memory_is_bounded(site: Site) -> None:
    """Those of the test before have made both processes as large as they need to be."""
    secret = str(site.gateway.create_key("--plan", "enterprise")["key"])
    before = site.sizes
    jobs, _ = await round_of_jobs(site, secret, bodies()[::4])
    assert {job["status"] for job in jobs} == {"completed"}
    growth = [(large - small) / len(jobs) for small, large in zip(before, site.sizes, strict=True)]
    assert max(growth) < GROWTH_OF_A_JOB, growth


async def test_a_job_whose_execution_is_stopped_ends_and_costs_nothing(site: Site) -> None:
    """By an operator, say: the machine can do nothing more, and the end of the execution is an event.

    The key's budget pays for one such job. A second one is made of it, so nothing is held for the first, or charged.
    """
    record = site.gateway.create_key("--budget", SECOND_USD)
    details = site.gateway.details
    states = botocore_client(Endpoint(details["aws_endpoint"], details["region"]), "stepfunctions")
    (machine,) = [
        each["stateMachineArn"]
        for each in states.list_state_machines()["stateMachines"]
        if each["name"].endswith("-videos")
    ]
    async with client_of(site, str(record["key"])) as client:
        body = {"model": "priced-video", "prompt": "never to be", "seconds": "1"}
        first = (await client.post("/v1/videos", json=body)).json()["id"]
        states.stop_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{first}")
        states.close()
        (failed,), _ = await ended(client, [f"/v1/videos/{first}"], site)
        second = (await client.post("/v1/videos", json=body)).json()["id"]
        (completed,), _ = await ended(client, [f"/v1/videos/{second}"], site)
    assert (failed["status"], failed["error"]["code"], completed["status"]) == (
        "failed",
        "cancelled",
        "completed",
    )
    proof = site.gateway.sluice("reconcile", "--key", str(record["id"]))
    assert (proof["equal"], proof["different"]) == (1, [])


def test_nothing_went_wrong_that_is_not_told(site: Site) -> None:
    assert "Traceback" not in site.gateway.output
    assert "ERROR" not in site.gateway.output
