"""What becomes of jobs, from their beginning to their end, and of those that were left half way."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, cast

import httpx

from account import until
from answering_journeys import leave_hold
from function_handlers import sample_events
from function_site import Site
from made_jobs import made_job, made_output
from made_rows import ledger_row
from recorded_calls import forgetful_tables
from scheduled_journeys import EARLIER
from site_catalog import IMAGES_OF_BEDROCK
from sluice.pipeline.jobs.callbacks import token_key
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.jobs.work_file import CONTENT_TYPE
from sluice.request_ids import new_request_id
from sluice.stores.bucket import Blob, output_key, request_key, work_key
from sluice.stores.job_records import LEADS, Job, JobKind
from sluice.stores.outputs import OutputStore

IMAGES = "/v1/images/generations"
VIDEOS = "/v1/videos"
A_DAY = 86_400


async def ended(client: httpx.AsyncClient, path: str) -> Any:
    """A job when it is over."""
    return await found(client, path, lambda job: job["status"] in ("completed", "failed"))


async def found(client: httpx.AsyncClient, path: str, holds: Callable[[Any], bool]) -> Any:
    """What a path has, once something holds of it."""
    last: Any = None

    async def is_so() -> bool:
        nonlocal last
        last = (await client.get(path)).json()
        return holds(last)

    await until(is_so, path)
    return last


async def use_images(site: Site) -> None:
    """Pictures at once and again, as a job that is told of, taken back, refused, and by Bedrock."""
    client = site.clients["ImagesFunction"]
    wanted = {"model": "image", "prompt": "a lighthouse", "n": 2}
    for number in range(3):
        with forgetful_tables():
            reply = await client.post(IMAGES, json=wanted, headers={"idempotency-key": "once"})
        assert reply.status_code == 200, (number, reply.text)
    as_a_job = wanted | {"async": True, "webhook_url": site.hook}
    job = (await client.post(IMAGES, json=as_a_job)).json()["id"]
    assert (await ended(client, f"{IMAGES}/{job}"))["status"] == "completed"
    videos = site.clients["VideosFunction"]
    await found(videos, f"/v1/jobs/{job}/deliveries", lambda log: log["data"])
    assert (await client.delete(f"{IMAGES}/{job}")).status_code == 200
    cancelled = (await client.post(IMAGES, json=as_a_job)).json()["id"]
    assert (await client.delete(f"{IMAGES}/{cancelled}")).status_code == 200
    for model in IMAGES_OF_BEDROCK:
        reply = await client.post(IMAGES, json={"model": model, "prompt": "a lighthouse"})
        assert reply.status_code == 200, reply.text
    await _refusals(client, IMAGES, "image")


async def use_videos(site: Site) -> None:
    """A video from its beginning to its end, one that is taken back, one that an operator stops, one by Bedrock."""
    client = site.clients["VideosFunction"]
    wanted = {"model": "video", "prompt": "a lighthouse", "seconds": "1", "webhook_url": site.hook}
    for _ in range(2):
        with forgetful_tables():
            reply = await client.post(VIDEOS, json=wanted, headers={"idempotency-key": "film"})
        assert reply.status_code == 200, reply.text
    first = reply.json()["id"]
    assert (await ended(client, f"{VIDEOS}/{first}"))["status"] == "completed"
    assert (await client.get(f"{VIDEOS}/{first}/content")).status_code == 307
    assert len((await client.get(VIDEOS)).json()["data"]) == 1
    assert (await client.get("/v1/webhooks/secret")).status_code == 200
    assert (await client.delete(f"{VIDEOS}/{first}")).status_code == 200
    second = (await client.post(VIDEOS, json=wanted)).json()["id"]
    assert (await client.delete(f"{VIDEOS}/{second}")).status_code == 200
    third = (await client.post(VIDEOS, json=wanted)).json()["id"]
    await site.stop("VideosMachine", third)
    await site.tell("JobsFunction", _ended(sample_events("jobs")["timed_out"], third))
    assert (await ended(client, f"{VIDEOS}/{third}"))["status"] == "failed"
    reel = {"model": "reel", "prompt": "a lighthouse", "seconds": "6"}
    fourth = (await client.post(VIDEOS, json=reel)).json()["id"]
    assert (await ended(client, f"{VIDEOS}/{fourth}"))["status"] == "completed"
    await _refusals(client, VIDEOS, "video")


def _ended(sample: dict[str, Any], job: str) -> dict[str, Any]:
    """What EventBridge tells of a job's execution."""
    return sample | {"detail": sample["detail"] | {"name": job}}


async def _refusals(client: httpx.AsyncClient, path: str, kind: JobKind) -> None:
    """A model that there is not, and one that is too dear."""
    unknown = await client.post(path, json={"model": "unknown", "prompt": "x"})
    assert unknown.status_code == 404, unknown.text
    dear = {"model": f"dear-{kind}", "prompt": "x"}
    refused = await client.post(path, json=dear, headers={"idempotency-key": f"dear-{kind}"})
    assert refused.status_code == 402, refused.text


async def use_jobs_left_behind(site: Site) -> None:
    """Jobs that processes have left half way: others find them so, and do the rest."""
    await _use_calls(site)
    await _use_files(site)
    for function, kind, path in (
        ("ImagesFunction", "image", IMAGES),
        ("VideosFunction", "video", VIDEOS),
    ):
        job = await _left(site, cast("JobKind", kind), "finishing")
        await site.ledger.put(ledger_row(job.request_id, key_id=site.key.id, cost=0))
        with forgetful_tables():
            reply = await site.clients[function].delete(f"{path}/{job.id}")
        assert reply.status_code == 200, reply.text
    await _use_tasks(site)
    await _use_sweeping(site)
    forgotten = await _left(site, "image", "completed", has_webhook=True)
    await site.bucket.delete(request_key(forgotten.id))
    told = await site.tell("DeliverWebhookFunction", {"job": forgotten.id})
    assert told["over"], told


async def _use_files(site: Site) -> None:
    """What is made here is pinned, and shown where it is; what was made before is shown by links that end."""
    client = site.clients["VideosFunction"]
    job = await _left(site, "video", "completed")
    shown = await client.get(f"{VIDEOS}/{job.id}/content")
    assert shown.status_code == 307, shown.text
    assert output_key(job.outputs[0].digest) in shown.headers["location"]
    job = await _left(site, "image", "completed")
    shown = await site.clients["ImagesFunction"].get(f"{IMAGES}/{job.id}")
    assert shown.status_code == 200, shown.text


async def _use_calls(site: Site) -> None:
    """A provider calls, and finds that the machine waits; the machine begins to wait, and finds that it has called."""
    job = await _left(site, "video", "running")
    await site.bucket.put(token_key(job.id), Blob(b"token-of-nobody", "text/plain"))
    called = await site.clients["VideosFunction"].post(f"/v1/jobs/{job.id}/callbacks/secret-{job.id}")
    assert called.status_code < 300, called.text
    await site.tell("JobsFunction", {"task": "await", "job": job.id, "token": "token-of-nobody"})


async def _use_tasks(site: Site) -> None:
    """Tasks of machines that find something else than they left."""
    failing = await _left(site, "image", "running")
    await site.tell("JobsFunction", {"task": "fail", "job": failing.id, "error": "States.Timeout"})
    settled = await _left(site, "image", "finishing")
    await site.ledger.put(ledger_row(settled.request_id, key_id=site.key.id, cost=0))
    with forgetful_tables():
        await site.tell("JobsFunction", {"task": "finish", "job": settled.id})
    unknown = await _left(site, "image", "running", model="taken-out", outputs={})
    await site.bucket.delete(work_key(unknown.id, 0))
    await site.tell("JobsFunction", {"task": "generate", "job": unknown.id, "index": 0})


async def _use_sweeping(site: Site) -> None:
    """An event tells of a job, and the schedule finds one that is too late, and one whose charging was left half way."""
    aborted = await _left(site, "image", "running")
    await site.tell("EndJobsFunction", _ended(sample_events("end_jobs")["aborted"], aborted.id))
    late = await _left(site, "image", "running", deadline=int(time.time()) - 3600)
    charged = await _left(site, "video", "finishing", has_webhook=True)
    await site.ledger.put(ledger_row(charged.request_id, key_id=site.key.id, cost=0))
    with forgetful_tables():
        await site.tell("EndJobsFunction", sample_events("end_jobs")["scheduled"])
    for job in (aborted, late, charged):
        found_ = await site.jobs.get(job.id)
        assert found_ is not None
        assert found_.is_over, found_


async def _left(site: Site, kind: JobKind, state: str, **members: Any) -> Job:
    """A job of an hour ago that nobody looks after, with its request, a file at work, and an output."""
    now = int(time.time())
    request_id = new_request_id(time.time())
    job_id = LEADS[kind] + request_id.partition("_")[2]
    content = job_id.encode()
    digest = hashlib.sha256(content).hexdigest()
    hold = await leave_hold(site, request_id, now + A_DAY, EARLIER if state == "finishing" else "lifetime")
    job = made_job(
        job_id,
        kind,
        **{
            "request_id": request_id,
            "key_id": site.key.id,
            "owner": site.key.owner,
            "state": state,
            "hold": hold,
            "model": "image" if kind == "image" else "video",
            "created_at": (now - 2 * 3600) * 1000,
            "ended_at": (now - 3600) * 1000,
            "deadline": now + A_DAY,
            "expires_at": now + A_DAY,
            "cost": 0,
            "outputs": {0: made_output(digest=digest, size=len(content))},
        }
        | members,
    )
    await _put_request(site, job)
    await site.bucket.put(work_key(job.id, 0), Blob(b"{}\n", CONTENT_TYPE))
    if job.outputs:
        outputs = OutputStore(site.aws, site.stack.tables["JobsTable"], site.bucket)
        await outputs.store(job.id, digest, Blob(content, "image/png"), job.expires_at)
    await site.jobs.put_new(job)
    return job


async def _put_request(site: Site, job: Job) -> None:
    request = RequestFile(
        request={"model": job.model, "prompt": "a lighthouse"},
        model=job.model,
        legs=(JobLeg(provider="demo", model=f"demo-{job.kind}", price=None),),
        callback_secret=f"secret-{job.id}",
    )
    await site.bucket.put(request_key(job.id), Blob(request.model_dump_json().encode(), "application/json"))
