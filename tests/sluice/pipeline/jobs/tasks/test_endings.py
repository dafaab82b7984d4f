"""The last states: what there is of a job is charged, or nothing is."""

from typing import Any

import pytest

from fake_makers import told
from job_world import JobWorld, makers_known
from machine_driver import HungError
from sluice.pipeline.jobs.failure_file import put_failure
from sluice.stores.bucket import request_key
from sluice.stores.job_records import Output
from sluice.stores.jobs import JobOverError

__all__ = ["makers_known"]

BAD = told({"message": "That size is odd."}, 400)
POLICY = told({"message": "Not that.", "code": "content_policy_violation"}, 400)


async def test_all_pictures_are_charged() -> None:
    world = JobWorld(count=3)
    await world.run()
    assert (world.job.state, world.charges, world.holds) == ("completed", [3], [])


async def test_pictures_that_are_missing_are_not() -> None:
    world = JobWorld(count=3)
    world.makers.answers["POST alpha"] = [POLICY]
    await world.run()
    assert (world.job.state, world.charges, world.holds) == ("completed", [2], [])
    assert len(world.files) == 2


async def test_where_all_are_missing_the_job_has_failed_as_they_did() -> None:
    world = JobWorld(count=2)
    world.makers.answers["POST alpha"] = [BAD, POLICY]
    await world.run()
    assert (world.job.state, world.job.failure) == ("failed", "content_policy_violation")
    assert (world.charges, world.holds) == ([], [])
    assert world.failure["message"] == "Not that."


async def test_a_job_that_knows_not_why_is_the_gateways_fault() -> None:
    world = JobWorld()
    world.change(state="running")
    await world.task("finish")
    assert (world.job.state, world.job.failure) == ("failed", "server_error")


async def test_a_file_that_was_only_noted_is_not_charged() -> None:
    world = JobWorld()
    world.change(state="running", outputs={0: Output(digest="d", content_type="image/png", size=1)})
    await world.task("finish")
    assert (world.job.state, world.charges) == ("failed", [])


@pytest.mark.parametrize("task", ["finish", "fail"])
async def test_once_more_changes_nothing(task: str) -> None:
    world = JobWorld(count=2)
    await world.run()
    before = world.job
    await world.task(task)
    assert world.job == before
    assert world.charges == [2]


async def test_a_job_that_has_failed_is_not_finished() -> None:
    world = JobWorld()
    world.change(state="failed", failure="cancelled")
    with pytest.raises(JobOverError):
        await world.task("finish")
    assert world.charges == []


async def test_one_that_is_gone_is_over() -> None:
    world = JobWorld()
    world.forget()
    with pytest.raises(JobOverError):
        await world.task("finish")
    await world.task("fail", error="States.Timeout")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("RefusedError", "invalid_request"),
        ("PassingError", "invalid_request"),
        ("States.Timeout", "timeout"),
        ("Sandbox.Timedout", "timeout"),
        ("UnexpectedError", "server_error"),
        ("Lambda.Unknown", "server_error"),
        (None, "server_error"),
    ],
)
async def test_the_machines_error_says_why(error: str | None, code: str) -> None:
    world = JobWorld()
    await put_failure(world.bucket, world.job_id, "invalid_request", "That is odd.")
    await world.task("fail", error=error)
    assert (world.job.state, world.job.failure) == ("failed", code)
    assert (world.charges, world.holds) == ([], [])


async def test_words_that_were_not_kept_are_missing() -> None:
    world = JobWorld()
    await world.task("fail", error="RefusedError")
    assert world.job.failure == "server_error"


@pytest.mark.parametrize("has_request", [True, False])
async def test_a_video_that_fails_is_given_up_at_its_provider(has_request: bool) -> None:
    world = JobWorld("video")
    world.change(state="running", leg=0, reference="video-1")
    if not has_request:
        del world.bucket.objects[request_key(world.job_id)]
    await world.task("fail", error="States.Timeout")
    assert world.job.state == "failed"
    assert world.makers.cancelled == (["video-1"] if has_request else [])


async def test_a_video_whose_failure_was_left_half_way_is_given_up_by_who_goes_on() -> None:
    world = JobWorld("video")
    world.change(state="failing", failure="timeout", leg=0, reference="video-1")
    await world.task("fail", error="States.Timeout")
    assert world.job.state == "failed"
    assert world.makers.cancelled == ["video-1"]


async def test_a_video_that_takes_too_long_fails_and_is_given_up() -> None:
    world = JobWorld("video")
    world.makers.polls = 10_000
    begun = world.now
    execution = await world.run()
    assert execution.status == "SUCCEEDED"
    assert (world.job.state, world.job.failure, world.charges) == ("failed", "timeout", [])
    assert world.makers.cancelled == ["video-1"]
    assert world.now - begun == pytest.approx(3_600, abs=5)
    assert len(world.makers.requests) < 200


@pytest.mark.parametrize("task", ["begin", "generate", "store", "finish"])
async def test_a_task_that_never_comes_back(task: str) -> None:
    world = JobWorld()
    await hang_in(world, task)
    assert world.job.state == "failed"
    assert world.job.failure == ("timeout" if task in ("begin", "finish") else "server_error")
    assert (world.charges, world.holds) == ([], [])


@pytest.mark.parametrize("task", ["begin", "submit", "poll", "store", "finish"])
async def test_a_task_of_a_video_that_never_comes_back(task: str) -> None:
    world = JobWorld("video")
    await hang_in(world, task)
    assert (world.job.state, world.job.failure) == ("failed", "timeout")
    assert (world.charges, world.holds) == ([], [])


async def hang_in(world: JobWorld, task: str) -> None:
    answer = world.worker.answer

    async def hangs(event: Any) -> Any:
        if event["task"] == task:
            raise HungError
        return await answer(event)

    world.worker.answer = hangs  # type: ignore[method-assign] # the process hangs, not what it would do
    execution = await world.run()
    assert execution.status == "SUCCEEDED", "the machine's own states end it"
