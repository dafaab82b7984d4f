"""What owners can do with their jobs, and that others' do not exist for them."""

from dataclasses import replace

import pytest

from key_records import key_record
from made_jobs import made_job, made_output
from sluice.errors import InvalidRequestError, NotFoundError, OverloadedError
from sluice.pipeline.jobs.failure_file import put_failure
from sluice.pipeline.jobs.owned import (
    cancel,
    delete,
    failure_of,
    find,
    listed,
    output_link,
    request_of,
)
from sluice.pipeline.jobs.webhooks.message import EVENTS
from sluice.stores.aws import AWSError
from sluice.stores.bucket import Blob, output_key, request_key
from sluice.stores.job_items import item_of
from sluice.stores.job_records import Job
from studio_world import NOON, PROMPT, SECRET, StudioWorld, files_of

STRANGER = key_record("sk-other", id="key_b", owner="bob")
COLLEAGUE = key_record("sk-third", id="key_c", owner="ann")


pytestmark = pytest.mark.usefixtures("noon")


def put(world: StudioWorld, job: Job) -> Job:
    """A job that is there."""
    world.database.tables["JobsTable"][(job.id,)] = item_of(job)
    return job


async def test_an_owner_finds_its_jobs_by_each_of_its_keys(world: StudioWorld) -> None:
    job = (await world.submit()).job
    assert await find(world.studio, world.key, job.id, "image") == job
    assert await find(world.studio, COLLEAGUE, job.id) == job


async def test_others_and_what_is_none_are_one_answer(world: StudioWorld) -> None:
    job = (await world.submit()).job
    expired = put(world, made_job(expires_at=int(NOON)))
    put(world, made_job("output#image_1"))
    answers = set()
    for key, job_id, kind in (
        (STRANGER, job.id, "image"),
        (world.key, job.id, "video"),
        (world.key, job.id + "0", "image"),
        (world.key, expired.id, "image"),
        (world.key, "output#image_1", None),
        (world.key, "image_" + "x" * 3000, "image"),
        (world.key, "image_\u00e9", "image"),
        (world.key, "", None),
    ):
        with pytest.raises(NotFoundError) as caught:
            await find(world.studio, key, job_id, kind)  # type: ignore[arg-type] # a table's words
        answers.add((caught.value.message, caught.value.code, caught.value.status))
    assert answers == {("There is no such job.", "not_found", 404)}


async def test_what_is_no_jobs_id_is_not_looked_for(world: StudioWorld) -> None:
    for job_id in ("webhook#image_1", "output#1", "image_" + "x" * 100):
        with pytest.raises(NotFoundError):
            await find(world.studio, world.key, job_id)
    assert world.around.calls == []


async def test_a_list_has_an_owners_jobs_of_a_kind_that_are_kept(world: StudioWorld) -> None:
    jobs = [put(world, made_job(kind="video")) for _ in range(6)]
    put(world, made_job())
    put(world, made_job(kind="video", owner="bob"))
    put(world, replace(jobs[0], expires_at=int(NOON)))
    put(world, replace(jobs[1], expires_at=int(NOON) - 1))
    ids = [job.id for job in jobs]

    async def told(after: str | None, limit: int, *, newest_first: bool) -> tuple[list[str], bool]:
        found, more = await listed(
            world.studio, world.key, "video", after=after, limit=limit, newest_first=newest_first
        )
        return [job.id for job in found], more

    assert await told(None, 20, newest_first=False) == (ids[2:], False)
    assert await told(None, 2, newest_first=False) == (ids[2:4], True)
    assert await told(None, 2, newest_first=True) == (ids[:3:-1], True)
    assert await told(ids[3], 2, newest_first=False) == (ids[4:], False)
    assert await told(None, 0, newest_first=False) == (ids[2:3], True)


@pytest.mark.parametrize("after", ["", "image_1", "x", "video_" + "1" * 2000, "video_\x00"])
async def test_a_list_goes_on_after_a_job_only(world: StudioWorld, after: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await listed(world.studio, world.key, "video", after=after, limit=2, newest_first=True)
    assert caught.value.param == "after"


async def test_a_job_is_cancelled_and_costs_nothing(world: StudioWorld) -> None:
    job = await world.make((await world.submit()).job)
    over = await cancel(world.studio, job)
    assert (over.state, over.failure) == ("failed", "cancelled")
    assert world.machines.stopped == [job.id]
    assert world.charges == []
    world.all_is_well()


async def test_what_is_being_finished_is_not_cancelled_any_more(world: StudioWorld) -> None:
    job = await world.make((await world.submit()).job)
    await world.jobs.finish(job.id, 7, "near", 1)
    assert (await cancel(world.studio, job)).state == "completed"
    assert world.charges == [7]
    world.all_is_well()


async def test_a_job_is_cancelled_although_its_execution_cannot_be_stopped(world: StudioWorld) -> None:
    for error in (OverloadedError("busy"), AWSError("StopExecution", "AccessDenied", "no")):

        async def before(call: str, error: Exception = error) -> None:
            if call == "machines.stop":
                raise error

        job = (await world.submit()).job
        world.around.before = before
        assert (await cancel(world.studio, job)).state == "failed"
        world.all_goes_well()
    world.all_is_well()


async def test_what_is_gone_cannot_be_cancelled(world: StudioWorld) -> None:
    with pytest.raises(NotFoundError):
        await cancel(world.studio, made_job())


@pytest.mark.parametrize("state", ["queued", "running", "finishing", "completed", "failed"])
async def test_a_job_is_deleted_with_all_that_it_has(world: StudioWorld, state: str) -> None:
    job = (await world.submit(webhook_url="https://hooks.example.com/")).job
    if state != "queued":
        job = await world.make(job)
    if state == "finishing":
        job = await world.jobs.finish(job.id, 40_000_000, "near", 1)
    if state == "completed":
        await world.closer.finish(job.id)
    if state == "failed":
        await world.closer.fail(job.id, "timeout")
    job = await world.job(job.id)
    assert job.state == state
    await delete(world.studio, job)
    await delete(world.studio, job)
    assert world.all_jobs == []
    assert world.files == []
    assert files_of(world.outputs) == {}
    assert world.holds == []
    assert world.charges == ([40_000_000] if state in ("finishing", "completed") else [])
    assert world.used == sum(world.charges)
    assert world.webhooks.forgotten == [job.id] * 2
    assert world.machines.stopped == ([] if state in ("completed", "failed") else [job.id])


async def test_a_file_that_another_job_has_stays(world: StudioWorld) -> None:
    first, second = [await world.make((await world.submit()).job) for _ in range(2)]
    digest = first.outputs[0].digest
    await world.jobs.note_output(second.id, 0, made_output(stored=False))
    world.database.tables["JobsTable"][(second.id,)] = item_of(replace(second, outputs=first.outputs))
    await world.outputs.store(second.id, digest, Blob(b"picture", "image/png"), 0)
    for job in (first, second):
        await world.closer.finish(job.id)
    await delete(world.studio, await world.job(first.id))
    assert output_key(digest) in world.files
    await delete(world.studio, await world.job(second.id))
    assert output_key(digest) not in world.files


async def test_its_request_is_read_back(world: StudioWorld) -> None:
    job = (await world.submit()).job
    assert (await request_of(world.studio, job)).prompt == PROMPT
    for content in (b"{}", None):
        if content is None:
            del world.bucket.objects[request_key(job.id)]
        else:
            world.bucket.objects[request_key(job.id)] = Blob(content, "application/json")
        with pytest.raises(NotFoundError):
            await request_of(world.studio, job)


async def test_why_it_failed_is_the_providers_words_where_they_are_of_this_failure(
    world: StudioWorld,
) -> None:
    job = made_job(state="failed", failure="content_policy_violation")
    assert await failure_of(world.studio, job) == (
        "content_policy_violation",
        "The provider refused it by its content policy.",
    )
    await put_failure(world.bucket, job.id, "timeout", "Too slow.")
    assert (await failure_of(world.studio, job))[1] == "The provider refused it by its content policy."
    await put_failure(world.bucket, job.id, "content_policy_violation", "No cats.")
    assert await failure_of(world.studio, job) == ("content_policy_violation", "No cats.")
    assert (await failure_of(world.studio, made_job(failure="of a later version")))[
        1
    ] == "The gateway failed."


async def test_a_link_leads_to_a_file_of_a_completed_job_for_a_while(world: StudioWorld) -> None:
    job = made_job(state="completed", outputs={0: made_output()}, expires_at=int(NOON) + 90_000)
    link = await output_link(world.studio, job, 0)
    assert link.startswith(f"https://bucket.test/{output_key(job.outputs[0].digest)}?3600&image/png")
    soon = replace(job, expires_at=int(NOON) + 60)
    assert "?60&" in await output_link(world.studio, soon, 0)
    pinned = replace(job, outputs={0: made_output(cid="bafy1")})
    assert await output_link(world.studio, pinned, 0) == "https://ipfs.io/ipfs/bafy1"
    for none in (
        replace(job, state="finishing"),
        replace(job, outputs={}),
        replace(job, outputs={0: made_output(stored=False)}),
    ):
        with pytest.raises(NotFoundError):
            await output_link(world.studio, none, 0)


def test_the_states_in_which_a_job_is_told_of_are_those_in_which_it_is_over() -> None:
    assert {state for _, state in EVENTS} == {"completed", "failed"}
    assert SECRET.startswith("sk-")
