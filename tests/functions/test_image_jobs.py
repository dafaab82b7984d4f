"""The images function over a studio in memory, for clients that take a job and poll it."""

from typing import Any

import pytest

from sluice.stores.job_records import Job
from studio_functions import Site, failed, members, untouched

PATH = "/v1/images/generations"
BODY = {"model": "painter", "prompt": "a cat"}


@pytest.mark.parametrize(
    ("more", "prefer", "applied"),
    [
        ({"async": True}, None, None),
        ({}, "respond-async", "respond-async"),
        ({}, "Respond-Async , wait=0", "respond-async, wait=0"),
        ({}, "respond-async, wait=nonsense", "respond-async"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_job_is_the_answer_to_who_asks_for_one(
    site: Site, more: dict[str, Any], prefer: str | None, applied: str | None, prefix: str
) -> None:
    site.carrier = untouched
    headers = {} if prefer is None else {"Prefer": prefer}
    client = await site.ask("POST", prefix + PATH, {**BODY, **more}, headers=headers)
    reply = members(client, 202)
    (job,) = site.jobs
    assert reply["id"] == job.id
    assert (reply["object"], reply["status"], reply["n"]) == ("image.generation.job", "queued", 1)
    assert (reply["result"], reply["error"], reply["completed_at"]) == (None, None, None)
    assert client.headers["location"] == f"{prefix}{PATH}/{job.id}"
    assert client.headers.get("preference-applied") == applied
    assert int(client.headers["openai-poll-after-ms"]) >= 1000
    assert int(client.headers["retry-after"]) >= 1
    assert job.deadline - job.created_at // 1000 == 600


async def test_the_place_of_a_job_is_as_the_client_knows_it(site: Site) -> None:
    event = {"requestContext": {"path": f"/prod{PATH}"}}
    client = await site.ask("POST", PATH, {**BODY, "async": True}, scope={"aws.event": event})
    assert client.headers["location"] == f"/prod{PATH}/{site.jobs[0].id}"


async def test_who_waits_a_while_gets_the_pictures_if_they_are_there_by_then(site: Site) -> None:
    client = await site.ask("POST", PATH, BODY, headers={"Prefer": "respond-async, wait=5"})
    assert len(members(client)["data"]) == 1


async def test_who_waits_a_while_gets_the_job_if_they_are_not(site: Site) -> None:
    async def carry(site: Site, job: Job) -> None:
        await site.world.jobs.begin(job.id, 1)

    site.carrier = carry
    client = await site.ask("POST", PATH, BODY, headers={"Prefer": "respond-async, wait=1"})
    assert members(client, 202)["status"] == "in_progress"
    assert client.headers["preference-applied"] == "respond-async, wait=1"
    assert site.jobs[0].state == "running"


async def test_a_job_is_seen_in_the_making_and_made(site: Site) -> None:
    site.carrier = untouched
    job_id = members(await site.ask("POST", PATH, {**BODY, "n": 3, "async": True}), 202)["id"]
    (job,) = site.jobs
    await site.world.make(job, 2)
    client = await site.ask("GET", f"{PATH}/{job_id}")
    assert (members(client)["status"], members(client)["progress"]) == ("in_progress", 50)
    assert client.headers["cache-control"] == "no-store"
    await site.world.closer.finish(job_id)
    for prefix in ("", "/api"):
        shown = members(await site.ask("GET", f"{prefix}{PATH}/{job_id}"))
        assert (shown["status"], shown["progress"], shown["error"]) == ("completed", 100, None)
        assert shown["completed_at"] == int(site.world.now)
        assert [picture["index"] for picture in shown["result"]["data"]] == [0, 1]
        assert len(shown["requestHash"]) == len(shown["responseHash"]) == 64


async def test_a_failed_job_says_why(site: Site) -> None:
    site.carrier = failed("content_policy_violation", "No cats.")
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    shown = members(await site.ask("GET", f"{PATH}/{job_id}"))
    assert (shown["status"], shown["result"]) == ("failed", None)
    assert shown["error"] == {"code": "content_policy_violation", "message": "No cats."}


async def test_what_is_decided_but_not_carried_out_is_in_progress(site: Site) -> None:
    async def carry(site: Site, job: Job) -> None:
        await site.world.make(job)
        await site.world.jobs.finish(job.id, 40_000_000, "near", 1)

    site.carrier = carry
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    shown = members(await site.ask("GET", f"{PATH}/{job_id}"))
    assert (shown["status"], shown["result"]) == ("in_progress", None)


async def test_a_deleted_job_is_gone_and_what_it_made(site: Site) -> None:
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    gone = members(await site.ask("DELETE", f"{PATH}/{job_id}"))
    assert gone == {"id": job_id, "object": "image.generation.job.deleted", "deleted": True}
    assert (await site.ask("GET", f"{PATH}/{job_id}")).status == 404
    assert (await site.ask("DELETE", f"{PATH}/{job_id}")).status == 404
    assert site.world.files == []


async def test_a_job_that_is_deleted_in_the_making_costs_nothing(site: Site) -> None:
    site.carrier = untouched
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    members(await site.ask("DELETE", f"{PATH}/{job_id}"))
    assert (site.world.charges, site.world.holds, site.jobs) == ([], [], [])
