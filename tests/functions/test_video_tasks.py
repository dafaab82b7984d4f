"""The videos function over a studio in memory: tasks as reference implementations have them, webhooks and callbacks."""

import json
from typing import Any

import pytest

from sluice.api.webhooks import WebhookSecret
from sluice.errors import NotFoundError
from sluice.pipeline.jobs.callbacks import called_key
from sluice.stores.job_records import Job
from studio_functions import OTHER_SECRET, VIDEO, VIDEOS, Desk, Site, create_video, failed, members, untouched
from studio_world import SECRET

TASKS = "/v1/videos/generations"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff--a-boundary\r\r\n"


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_task_is_taken_and_its_video_found(site: Site, prefix: str) -> None:
    site.carrier = untouched
    task = members(await site.ask("POST", prefix + TASKS, {**VIDEO, "seed": 0}))
    (job,) = site.jobs
    assert list(task) == ["task_id", "hash_val", "status", "content", "requestHash", "responseHash"]
    assert (task["task_id"], task["status"], task["content"]) == (job.id, "PROCESSING", "")
    assert {len(task[name]) for name in ("hash_val", "requestHash", "responseHash")} == {64}
    client = await site.ask("GET", f"{prefix}/v1/videos/result/{job.id}")
    assert members(client) == {"task_id": job.id, "hash_val": task["hash_val"], "status": "PROCESSING"}
    assert "openai-poll-after-ms" in client.headers
    await site.world.make(job, seconds=8)
    await site.world.closer.finish(job.id)
    done = members(await site.ask("GET", f"{prefix}/v1/videos/result/{job.id}"))
    assert (done["status"], list(done)) == ("OK", ["task_id", "hash_val", "status", "video"])
    assert done["video"].startswith("https://bucket.test/outputs/")


async def test_a_task_that_fails_says_why(site: Site) -> None:
    site.carrier = failed("upstream_error", "It is down.")
    task = members(await site.ask("POST", TASKS, VIDEO))
    assert task["status"] == "PROCESSING"
    done = members(await site.ask("GET", f"/v1/videos/result/{task['task_id']}"))
    assert done == {
        "task_id": task["task_id"],
        "hash_val": task["hash_val"],
        "status": "FAILED",
        "error": {"code": "upstream_error", "message": "It is down."},
    }


async def test_the_same_input_has_the_same_hash_whoever_asks_in_which_way(site: Site) -> None:
    async def hash_of(path: str = TASKS, secret: str = SECRET, **more: Any) -> str:
        site.world.now += 1
        await site.ask("POST", path, {**VIDEO, **more}, secret=secret)
        return max(site.jobs, key=lambda job: job.id).input_hash

    same = {
        await hash_of(),
        await hash_of(secret=OTHER_SECRET),
        await hash_of(user="somebody"),
        await hash_of(VIDEOS),
    }
    assert len(same) == 1
    assert await hash_of(prompt="a dog") not in same
    assert await hash_of(seed=1) not in same


async def test_one_job_is_seen_in_both_ways(site: Site) -> None:
    task = members(await site.ask("POST", TASKS, VIDEO))
    assert members(await site.ask("GET", f"{VIDEOS}/{task['task_id']}"))["status"] == "completed"


# ── what belongs to jobs ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_webhooks_are_looked_after(site: Site, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    for name in ("secret", "deliveries", "forget"):
        monkeypatch.setattr(type(site.world.webhooks), name, getattr(Desk, name), raising=False)
    secret = await site.ask("GET", f"{prefix}/v1/webhooks/secret")
    assert members(secret) == {"object": "webhook.secret", "secret": "whsec_key_a"}
    assert secret.headers["cache-control"] == "no-store"
    job_id = await create_video(site)
    path = f"{prefix}/v1/jobs/{job_id}/deliveries"
    assert members(await site.ask("GET", path))["attempts"] == 0
    assert (await site.ask("GET", path, secret=OTHER_SECRET)).status == 404


async def test_the_deliveries_of_pictures_are_found_here_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(site.world.webhooks), "deliveries", Desk.deliveries, raising=False)
    await site.ask("POST", "/v1/images/generations", {"model": "painter", "prompt": "a cat"})
    (job,) = site.jobs
    assert (await site.ask("GET", f"/v1/jobs/{job.id}/deliveries")).status == 200


async def test_a_gateway_without_webhooks_has_no_secret(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def secret(_desk: Any, _key: Any) -> WebhookSecret:
        raise NotFoundError("This gateway sends no webhooks.")

    monkeypatch.setattr(type(site.world.webhooks), "secret", secret, raising=False)
    assert (await site.ask("GET", "/v1/webhooks/secret")).status == 404


async def test_a_provider_that_calls_needs_no_key_but_the_secret(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async def carry(site: Site, job: Job) -> None:
        await site.world.jobs.begin(job.id, 1)

    site.carrier = carry
    job_id = await create_video(site)
    secret = site.world.request_file(job_id).callback_secret
    assert secret is not None
    client = await site.ask("POST", f"/v1/jobs/{job_id}/callbacks/{secret}", b"anything", secret=None)
    assert (client.status, client.body) == (204, b"")
    assert called_key(job_id) in site.world.files
    lines = [record.__dict__["request"] for record in caplog.records if "request" in record.__dict__]
    assert lines[-1]["path"] == f"/v1/jobs/{job_id}/callbacks/…"
    assert secret not in json.dumps(lines)


async def test_a_wrong_secret_and_an_unknown_job_are_one_answer(site: Site) -> None:
    site.carrier = untouched
    job_id = await create_video(site)
    for path in (f"/v1/jobs/{job_id}/callbacks/x", "/v1/jobs/video_1/callbacks/x"):
        client = await site.ask("POST", path, secret=None)
        assert (client.status, client.error["message"]) == (404, "Nothing is here.")
    other = await site.ask("POST", f"/api/v1/jobs/{job_id}/callbacks/x", secret=None)
    assert other.error["message"] == "Unknown path."
