"""A video's provider is asked how it is, patiently, until it is there or the time is over."""

from typing import Any

import pytest

from fake_makers import inline, told
from fake_upstream import Response
from job_faults import NONSENSE
from job_world import JobWorld, makers_known
from made_media import mp4
from sluice.errors import UpstreamError, UpstreamTimeoutError
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.tasks.poll import SECONDS
from sluice.pipeline.jobs.work_file import WorkFile, WorkHead, work_file_of
from sluice.stores.bucket import work_key
from sluice.stores.jobs import JobOverError

__all__ = ["makers_known"]


def submitted(**members: Any) -> JobWorld:
    world = JobWorld("video", **members)
    world.change(state="running", leg=0, reference="video-1", submitting_at=int(world.now * 1000))
    world.makers.videos["video-1"] = {"name": world.job_id, "asked": 0}
    return world


def work(world: JobWorld) -> WorkFile:
    return work_file_of(world.bucket.objects[work_key(world.job_id, 0)])


def waits(world: JobWorld, seconds: int) -> dict[str, object]:
    return {"job": world.job_id, "made": False, "seconds": seconds, "callback": False}


def made(world: JobWorld) -> dict[str, object]:
    return {"job": world.job_id, "made": True, "seconds": 0, "callback": False}


async def test_one_that_is_not_ready_is_asked_for_later() -> None:
    world = submitted()
    world.now += 50
    assert await world.task("poll") == waits(world, 10)
    assert world.job.progress == 40
    assert world.files == []


async def test_progress_does_not_go_back_and_does_not_end_before_the_job_does() -> None:
    world = submitted()
    for progress, known in ((70, 70), (30, 70), (100, 99), (None, 99)):
        world.makers.answers["GET alpha"] = [told({"status": "running", "progress": progress})]
        await world.task("poll")
        assert world.job.progress == known


async def test_the_provider_says_when_to_ask() -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [told({"status": "running", "poll_after": 17})]
    assert await world.task("poll") == waits(world, 17)


async def test_one_that_came_along_is_left() -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [told({"status": "made", **inline(mp4(), seconds=4)})]
    assert await world.task("poll") == made(world)
    assert work(world) == WorkFile(WorkHead(leg=0, seconds=4), mp4())


async def test_where_one_lies_in_the_bucket_is_left() -> None:
    world = submitted()
    key = f"jobs/{world.job_id}/made/1/output.mp4"
    world.makers.answers["GET alpha"] = [told({"status": "made", "key": key})]
    assert await world.task("poll") == made(world)
    assert work(world).head == WorkHead(leg=0, source="bucket", key=key)


async def test_where_one_lies_elsewhere_is_not() -> None:
    world = submitted()
    address = "https://files/1.mp4?signature=secret"
    world.makers.answers["GET alpha"] = [told({"status": "made", "url": address, "seconds": 4})]
    assert await world.task("poll") == made(world)
    assert work(world) == WorkFile(WorkHead(leg=0, source="provider", seconds=4))
    assert b"secret" not in world.bucket.objects[work_key(world.job_id, 0)].content


async def test_one_that_is_there_is_not_asked_for_again() -> None:
    world = submitted()
    world.makers.polls = 1
    assert await world.task("poll") == await world.task("poll") == made(world)
    assert len(world.makers.requests) == 1


@pytest.mark.parametrize("code", ["content_policy_violation", None])
async def test_one_that_its_provider_has_given_up_fails(code: str | None) -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [told({"status": "failed", "why": "Not that.", "code": code})]
    wanted = code or "invalid_request"
    with pytest.raises(RefusedError, match=wanted):
        await world.task("poll")
    assert world.failure == {"code": wanted, "message": "Not that."}


@pytest.mark.parametrize("body", NONSENSE)
async def test_nonsense_is_asked_again_by_the_machine(body: bytes) -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [Response(200, "application/json", (body,))]
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("poll")
    assert world.files == [f"jobs/{world.job_id}/failure.json"]


def unheard() -> UpstreamError:
    error = UpstreamError("The provider could not be reached.")
    error.unheard = True
    return error


@pytest.mark.parametrize(
    "answer", [told({}, 429), told({}, 503), told({}, 500), told({}, 504), unheard()], ids=str
)
async def test_a_provider_that_is_away_for_a_while_is_asked_later(answer: Any) -> None:
    world = submitted()
    world.now += 50
    world.makers.answers["GET alpha"] = [answer]
    assert await world.task("poll") == waits(world, 10)


async def test_one_that_wants_to_be_left_alone_is() -> None:
    world = submitted()
    answer = told({}, 429)
    world.makers.answers["GET alpha"] = [answer]
    assert (await world.task("poll"))["seconds"] >= 2


@pytest.mark.parametrize("error", [UpstreamTimeoutError("too late"), UpstreamError("it broke")])
async def test_an_answer_that_is_lost_is_asked_for_again(error: Exception) -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [error]
    with pytest.raises(PassingError):
        await world.task("poll")
    assert await world.task("poll") == waits(world, 2)


@pytest.mark.parametrize("status", [400, 422])
async def test_one_that_its_provider_does_not_know_fails(status: int) -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [told({"message": "no such video"}, status)]
    with pytest.raises(RefusedError, match="upstream_error"):
        await world.task("poll")
    assert "no such" not in world.failure["message"]


async def test_a_refused_credential_is_not_waited_for() -> None:
    world = submitted()
    world.makers.answers["GET alpha"] = [told({}, 401)]
    with pytest.raises(RefusedError, match="upstream_error"):
        await world.task("poll")


@pytest.mark.parametrize("late", [0, 2])
async def test_when_the_time_is_over_it_is_asked_once_more(late: int) -> None:
    world = submitted()
    world.now = world.job.deadline + late
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("poll")
    assert len(world.makers.requests) == 1


async def test_one_that_is_made_by_then_is_left() -> None:
    world = submitted()
    world.now = world.job.deadline + 2
    world.makers.polls = 1
    assert await world.task("poll") == made(world)
    assert world.files == [work_key(world.job_id, 0)]


async def test_a_provider_that_is_away_by_then_is_not_asked_again() -> None:
    world = submitted()
    world.now = world.job.deadline
    world.makers.answers["GET alpha"] = [told({}, 503)]
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("poll")


async def test_long_after_that_it_is_not_asked_any_more() -> None:
    world = submitted()
    world.now = world.job.deadline + SECONDS
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("poll")
    assert world.makers.requests == []


async def test_it_is_asked_once_more_just_before() -> None:
    world = submitted()
    world.now = world.job.deadline - 7
    assert (await world.task("poll"))["seconds"] == 7


async def test_one_that_was_never_submitted_is_the_gateways_fault() -> None:
    world = JobWorld("video")
    world.change(state="running")
    with pytest.raises(RefusedError, match="server_error"):
        await world.task("poll")


async def test_nothing_is_left_where_the_job_has_ended_meanwhile() -> None:
    world = submitted()
    world.makers.polls = 1

    async def before(call: str) -> None:
        if call.startswith("bucket.put"):
            world.change(state="failed")

    world.around.before = before
    with pytest.raises(JobOverError):
        await world.task("poll")
    assert world.files == []
    assert world.makers.cancelled == ["video-1"]


@pytest.mark.parametrize("state", ["failing", "failed"])
async def test_one_that_was_cancelled_is_given_up(state: Any) -> None:
    world = submitted()
    world.change(state=state)
    with pytest.raises(JobOverError):
        await world.task("poll")
    assert world.makers.cancelled == ["video-1"]


@pytest.mark.parametrize("state", ["finishing", "completed"])
async def test_one_that_was_completed_is_not(state: Any) -> None:
    world = submitted()
    world.change(state=state)
    with pytest.raises(JobOverError):
        await world.task("poll")
    assert world.makers.requests == []


@pytest.mark.parametrize("answer", [told({}, 500), UpstreamError("broken")], ids=str)
async def test_giving_up_may_fail(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    world = submitted()
    world.change(state="failed")
    world.makers.answers["DELETE alpha"] = [answer]
    with pytest.raises(JobOverError):
        await world.task("poll")
    assert "cancelled at its provider" in caplog.text or not isinstance(answer, Exception)
