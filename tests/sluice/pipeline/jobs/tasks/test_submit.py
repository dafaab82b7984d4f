"""A video is begun once: whatever is not known to have been refused is not submitted anywhere else."""

from collections.abc import Callable
from typing import Any

import pytest

from fake_makers import Scripted, lost, told
from job_world import JobWorld, makers_known
from sluice.errors import OverloadedError, UpstreamError, UpstreamTimeoutError
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.stores.jobs import JobOverError

__all__ = ["makers_known"]

LEGS = ("alpha", "beta")
POLICY = told({"message": "Not that.", "code": "content_policy_violation"}, 400)
BROKEN = UpstreamError("The connection to the provider broke.")


def unheard() -> UpstreamError:
    error = UpstreamError("The provider could not be reached.")
    error.unheard = True
    return error


def running(**members: Any) -> JobWorld:
    world = JobWorld("video", **members)
    world.change(state="running")
    return world


def asked(world: JobWorld) -> list[str]:
    return [request.url.split("/")[2] for request in world.makers.requests if request.method == "POST"]


async def test_who_makes_it_is_noted() -> None:
    world = running()
    assert await world.task("submit") == {
        "job": world.job_id,
        "made": False,
        "seconds": 2,
        "callback": False,
    }
    job = world.job
    assert (job.leg, job.provider, job.reference) == (0, "alpha", "video-1")
    assert job.submitting_at == int(world.now * 1000)
    assert world.makers.videos["video-1"]["name"] == world.job_id
    assert world.makers.videos["video-1"]["prefix"] == f"jobs/{world.job_id}/made/"


async def test_the_provider_says_when_to_ask() -> None:
    world = running()
    world.makers.answers["POST alpha"] = [told({"id": "video-9", "poll_after": 11}, 202)]
    assert (await world.task("submit"))["seconds"] == 11


async def test_once_more_it_is_not_submitted_again() -> None:
    world = running()
    first = await world.task("submit")
    assert await world.task("submit") == first
    assert len(world.makers.videos) == 1


@pytest.mark.parametrize(
    "answer",
    [told({}, 429), told({}, 503), told({}, 401), told({}, 404), told({"message": "odd"}, 400), unheard()],
    ids=["429", "503", "401", "404", "400", "no connection"],
)
async def test_what_is_refused_for_certain_goes_to_the_next_candidate(answer: Any) -> None:
    world = running(legs=LEGS)
    world.makers.answers["POST alpha"] = [answer]
    await world.task("submit")
    assert asked(world) == ["alpha", "beta"]
    assert (world.job.leg, world.job.provider, world.job.reference) == (1, "beta", "video-1")


async def test_so_does_what_a_candidate_cannot_be_asked() -> None:
    world = running(legs=("nobody", "beta"))
    await world.task("submit")
    assert (world.job.leg, world.job.provider) == (1, "beta")


UNKNOWN: dict[str, Callable[[JobWorld], Scripted]] = {
    "lost": lambda world: lost(world.makers, UpstreamTimeoutError("too late")),
    "broken": lambda _world: BROKEN,
    "500": lambda _world: told({}, 500),
    "502": lambda _world: told({}, 502),
    "nonsense": lambda _world: told({"id": 4}),
    "nothing": lambda _world: told([]),
}


@pytest.mark.parametrize("way", UNKNOWN)
async def test_what_may_have_been_taken_does_not(way: str) -> None:
    world = running(legs=LEGS)
    world.makers.answers["POST alpha"] = [UNKNOWN[way](world)]
    with pytest.raises(RefusedError, match="upstream_error"):
        await world.task("submit")
    assert asked(world) == ["alpha"]
    with pytest.raises(RefusedError, match="upstream_error"):
        await world.task("submit")
    assert asked(world) == ["alpha"], "nor is it submitted again"


@pytest.mark.parametrize("way", UNKNOWN)
async def test_unless_its_provider_knows_it_again(way: str) -> None:
    world = running(legs=LEGS, repeatable=True)
    world.makers.knows_names = True
    world.makers.answers["POST alpha"] = [UNKNOWN[way](world)]
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("submit")
    await world.task("submit")
    assert asked(world) == ["alpha", "alpha"]
    assert len(world.makers.videos) == 1
    assert world.job.reference == "video-1"


async def test_a_repetition_that_is_refused_for_now_goes_to_nobody_else() -> None:
    world = running(legs=LEGS, repeatable=True)
    world.makers.answers["POST alpha"] = [BROKEN, told({}, 429)]
    for _ in range(2):
        with pytest.raises(PassingError):
            await world.task("submit")
    await world.task("submit")
    assert asked(world) == ["alpha", "alpha", "alpha"]


async def test_candidates_that_are_all_busy_are_asked_again() -> None:
    world = running(legs=LEGS)
    world.makers.answers |= {"POST alpha": [told({}, 503)], "POST beta": [told({}, 429)]}
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("submit")
    assert (world.job.submitting_at, world.job.leg) == (None, None), "nobody has it"
    await world.task("submit")
    assert asked(world) == ["alpha", "beta", "alpha"]


async def test_what_all_refuse_is_refused() -> None:
    world = running(legs=LEGS)
    odd = told({"message": "That is odd."}, 400)
    world.makers.answers |= {"POST alpha": [odd], "POST beta": [told({}, 401)]}
    with pytest.raises(RefusedError, match="invalid_request"):
        await world.task("submit")
    assert world.failure == {"code": "invalid_request", "message": "That is odd."}


async def test_what_a_policy_refuses_is_carried_to_nobody_else() -> None:
    world = running(legs=LEGS)
    world.makers.answers["POST alpha"] = [POLICY]
    with pytest.raises(RefusedError, match="content_policy_violation"):
        await world.task("submit")
    assert asked(world) == ["alpha"]


async def test_two_processes_do_not_both_submit_it() -> None:
    world = running()
    before = world.around.before

    async def meanwhile(call: str) -> None:
        if call == "jobs.note_submitting":
            world.around.before = before
            await world.task("submit")

    world.around.before = meanwhile
    with pytest.raises(PassingError):
        await world.task("submit")
    assert len(world.makers.videos) == 1
    assert world.job.reference == "video-1"


@pytest.mark.parametrize("state", ["failing", "failed"])
async def test_one_that_was_cancelled_meanwhile_is_given_up(state: Any) -> None:
    world = running()

    async def after(call: str) -> None:
        if call.startswith("POST"):
            world.change(state=state)

    world.around.after = after
    with pytest.raises(JobOverError):
        await world.task("submit")
    assert world.makers.cancelled == ["video-1"]


async def test_it_is_insisted_that_who_makes_it_is_noted() -> None:
    world = running()
    refusals = [OverloadedError("busy"), OverloadedError("busy")]

    async def before(call: str) -> None:
        if call == "jobs.note_submitted" and refusals:
            raise refusals.pop()

    world.around.before = before
    await world.task("submit")
    assert world.job.reference == "video-1"


async def test_one_that_cannot_be_noted_is_given_up() -> None:
    world = running()

    async def before(call: str) -> None:
        if call == "jobs.note_submitted":
            raise OverloadedError("busy")

    world.around.before = before
    with pytest.raises(PassingError):
        await world.task("submit")
    assert world.makers.cancelled == ["video-1"]


async def test_nothing_is_submitted_for_a_job_that_is_over() -> None:
    world = JobWorld("video")
    world.change(state="failed")
    with pytest.raises(JobOverError):
        await world.task("submit")
    assert world.makers.requests == []


async def test_or_whose_time_is() -> None:
    world = running()
    world.now = world.job.deadline
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("submit")
    assert world.makers.requests == []


@pytest.mark.parametrize("calls_back", [False, True])
async def test_a_provider_that_calls_is_waited_for(calls_back: bool) -> None:
    world = running(calls_back=calls_back)
    told_to_machine = await world.task("submit")
    assert told_to_machine["callback"] is calls_back
    assert told_to_machine["seconds"] == (120 if calls_back else 2)
