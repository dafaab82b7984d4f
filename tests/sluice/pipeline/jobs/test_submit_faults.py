"""Whatever goes wrong while a job is taken, it is taken whole or not at all."""

import asyncio
from contextlib import suppress
from typing import get_args

import pytest

from fake_upstream import FakeUpstream
from memory_jobs import nothing
from sluice.errors import (
    IdempotencyInProgressError,
    OverloadedError,
)
from sluice.pipeline.jobs.starting import LATE_SECONDS
from sluice.stores.aws import AWSError, UnansweredError
from sluice.stores.bucket import request_key
from sluice.stores.job_records import Job
from studio_world import CrashError, Fault, StudioWorld

FAULTS: tuple[Fault, ...] = get_args(Fault)
SUBMIT_CALLS = 7
TAKING_OVER_CALLS = 6
"""Of a request that finds the job of one that died, and more than it makes once it has it."""

pytestmark = pytest.mark.usefixtures("noon")


async def test_the_calls_of_a_submission(world: StudioWorld) -> None:
    await world.submit(idempotency_key="once")
    assert world.around.calls == [
        "PutItem IdempotencyTable",
        "GetItem CountersTable",
        "UpdateItem CountersTable",
        f"bucket.put {request_key(world.all_jobs[0].id)}",
        "PutItem JobsTable",
        "machines.start arn:images",
        "UpdateItem IdempotencyTable",
    ]
    assert len(world.around.calls) == SUBMIT_CALLS


@pytest.mark.parametrize("is_begun", [False, True], ids=["queued", "begun"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(SUBMIT_CALLS))
async def test_whatever_call_goes_wrong_a_client_that_tries_again_is_charged_once(
    number: int, fault: Fault, *, is_begun: bool
) -> None:
    """``is_begun``: whether the machine has begun the job by the time that its start is known to have failed."""
    world = StudioWorld()
    world.let_fail(number, fault)
    if is_begun:
        await _begin_at_once(world)
    with suppress(OverloadedError, CrashError):
        await world.submit(idempotency_key="once")
    world.all_goes_well()
    await _carried_out(world)
    await _tried_again(world)
    await _carried_out(world)
    await _time_goes_by(world)
    world.all_is_well(*_left_by_the_dead(world, fault))
    assert world.charges == [40_000_000]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(TAKING_OVER_CALLS))
async def test_whatever_goes_wrong_for_who_takes_over_from_a_dead_process_one_job_is_charged(
    number: int, fault: Fault
) -> None:
    """The first process has started its machine, and died before it could keep the job."""
    world = StudioWorld()
    world.let_fail(SUBMIT_CALLS - 2, "killed_after")
    with pytest.raises(CrashError):
        await world.submit(idempotency_key="once")
    world.all_goes_well()
    await _carried_out(world)
    world.now += 200
    world.let_fail(number, fault)
    with suppress(OverloadedError, CrashError):
        await world.submit(idempotency_key="once", studio=world.environment())
    world.all_goes_well()
    await _tried_again(world)
    await _carried_out(world)
    await _time_goes_by(world)
    world.all_is_well()
    assert world.charges == [40_000_000]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(SUBMIT_CALLS))
async def test_whatever_call_goes_wrong_nothing_stays_held(number: int, fault: Fault) -> None:
    world = StudioWorld()
    world.let_fail(number, fault)
    told = "nothing"
    try:
        await world.submit(idempotency_key="once")
        told = "a job"
    except OverloadedError:
        told = "to try again"
    except CrashError:
        pass
    world.all_goes_well()
    if told == "to try again":
        assert world.holds == [], "not even for a moment"
    await _carried_out(world)
    await _time_goes_by(world)
    world.all_is_well(*_left_by_the_dead(world, fault))
    assert len(world.charges) <= 1
    if told == "a job":
        assert len(world.charges) == 1


def _left_by_the_dead(world: StudioWorld, fault: Fault) -> list[str]:
    """A request that was put by a process which died before it put the job: the bucket forgets it in its time."""
    if fault not in ("killed", "killed_after"):
        return []
    return [key for key in world.files if key.endswith("/request.json")]


async def _begin_at_once(world: StudioWorld) -> None:
    after = world.around.after

    async def begins(call: str) -> None:
        if call == "machines.start arn:images":
            calls = list(world.around.calls)
            job = world.all_jobs[0]
            await world.jobs.begin(job.id, int(world.now * 1000))
            world.around.calls[:] = calls
        await after(call)

    world.around.after = begins


async def _carried_out(world: StudioWorld) -> None:
    """Machines that were started run to their end."""
    for name, _ in list(world.machines.started.values()):
        job = await world.jobs.get(name)
        if job is not None and job.state in ("queued", "running"):
            await world.closer.finish((await world.make(job)).id)


async def _tried_again(world: StudioWorld) -> None:
    """As an SDK does, which waits as long as it is told, or until a dead process's turn is taken over."""
    for _ in range(3):
        try:
            await world.submit(idempotency_key="once", studio=world.environment())
        except (OverloadedError, IdempotencyInProgressError):
            world.now += 200
        else:
            return
    raise AssertionError("it is never told of its job")


async def _time_goes_by(world: StudioWorld) -> None:
    """Long enough that the schedules have come by."""
    world.now += 1_000
    await world.sweeper.sweep()
    world.now += 10_000
    await world.sweeper.sweep()
    await world.studio.gateway.admitter._reclaimer.reclaim_all()


async def test_a_job_that_was_begun_goes_on_though_its_start_was_not_answered(world: StudioWorld) -> None:
    world.let_fail(SUBMIT_CALLS - 2, "lost")
    await _begin_at_once(world)
    submission = await world.submit(idempotency_key="once")
    assert submission.job.state == "running"
    world.all_goes_well()
    assert (await world.submit(idempotency_key="once")).job == submission.job


async def test_a_start_that_is_refused_fails_the_job(world: StudioWorld) -> None:
    async def before(call: str) -> None:
        if call.startswith("machines.start"):
            raise AWSError("StartExecution", "StateMachineDoesNotExist", "gone")

    world.around.before = before
    with pytest.raises(AWSError):
        await world.submit(idempotency_key="once")
    assert world.holds == []
    assert [job.state for job in world.all_jobs] == ["failed"]
    world.all_goes_well()
    assert not (await world.submit(idempotency_key="once")).replayed


async def test_what_nobody_knows_to_be_started_is_started_by_the_next_attempt(world: StudioWorld) -> None:
    """Step Functions does not answer, and the jobs table neither: the job stays, and is the next attempt's."""
    broken = False

    async def before(call: str) -> None:
        nonlocal broken
        broken |= call.startswith("machines.start")
        if broken and call != "UpdateItem IdempotencyTable":
            raise UnansweredError("busy", retry_after=1)

    world.around.before = before
    with pytest.raises(OverloadedError):
        await world.submit(idempotency_key="once")
    world.all_goes_well()
    job: Job = world.all_jobs[0]
    assert (job.state, world.holds) == ("queued", [job.request_id])
    again = await world.submit(idempotency_key="once")
    assert (again.job, again.replayed) == (job, True)
    assert world.machines.has_started("arn:images", job.id)


async def test_a_client_that_goes_away_leaves_no_half_job(world: StudioWorld) -> None:
    for place in range(1, SUBMIT_CALLS):
        world = StudioWorld()
        reached, gate = asyncio.Event(), asyncio.Event()

        async def before(
            _call: str,
            world: StudioWorld = world,
            place: int = place,
            reached: asyncio.Event = reached,
            gate: asyncio.Event = gate,
        ) -> None:
            if len(world.around.calls) == place:
                reached.set()
                await gate.wait()

        world.around.before = before
        task = asyncio.create_task(world.submit(idempotency_key="once"))
        await reached.wait()
        task.cancel()
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        world.all_goes_well()
        assert len(world.holds) == len(world.all_jobs) == len(world.machines.started), place


async def test_a_job_that_cannot_be_put_in_time_is_not_put(world: StudioWorld) -> None:
    """By then another request with the same Idempotency-Key may be taking its own, having found none."""
    loop, late = asyncio.get_running_loop(), 0.0

    async def before(call: str) -> None:
        nonlocal late
        if call.startswith("bucket.put"):
            late = world.settings.timeout_seconds + LATE_SECONDS

    world.around.before = before
    now = loop.time
    loop.time = lambda: now() + late  # type: ignore[method-assign] # this loop's alone
    with pytest.raises(OverloadedError, match="deadline"):
        await world.submit(idempotency_key="k")
    assert (world.all_jobs, world.holds, world.files) == ([], [], [])
    world.around.before, late = nothing, 0.0
    assert not (await world.submit(idempotency_key="k")).replayed
    assert len(world.all_jobs) == 1


async def test_no_provider_is_asked(world: StudioWorld) -> None:
    await world.submit()
    await world.submit(video=True)
    upstream = world.studio.gateway.upstream
    assert isinstance(upstream, FakeUpstream)
    assert upstream.requests == []
