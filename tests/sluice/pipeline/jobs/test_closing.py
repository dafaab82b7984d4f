"""The end of a job: charged once if it has made something, and never if not, wherever whoever ends it is interrupted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest

from embedded_metrics import all_measured
from made_jobs import made_output
from sluice.accounting.counter import NOTHING
from sluice.errors import OverloadedError
from sluice.pipeline.jobs.closing import TELL_SECONDS, Closer
from sluice.pipeline.jobs.request_file import JobLeg
from sluice.stores.aws import AWSError
from sluice.stores.bucket import Blob, failure_key, request_key, work_key
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobOverError
from studio_world import NANO, NOON, CrashError, Fault, StudioWorld, files_of

PRICE = 40_000_000
"""Of a picture by the first maker, in nano-USD."""
FAULTS: tuple[Fault, ...] = get_args(Fault)


async def taken(world: StudioWorld, n: int = 1, **members: Any) -> Job:
    """A job that was submitted."""
    return (await world.submit(n=n, **members)).job


async def test_pictures_are_charged_each(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 3))
    assert world.used == 3 * 50_000_000, "held for the dearest"
    world.now += 7
    await world.closer.finish(job.id)
    over = await world.job(job.id)
    assert (over.state, over.cost, over.provider) == ("completed", 3 * PRICE, "near")
    assert over.ended_at == (NOON + 7) * 1000
    world.all_is_well()
    (row,) = world.ledger
    assert (row.key_id, row.request_id, row.owner) == ("key_a", job.request_id, "ann")
    assert (row.model, row.provider, row.status) == ("painter", "near", "complete")
    assert (row.images, row.seconds, row.cost) == (3, 0, 3 * PRICE)
    assert row.prompt_tokens == row.completion_tokens == 0
    assert row.duration_ms == (over.ended_at or 0) - job.created_at
    assert row.request_hash == job.request_hash


async def test_pictures_that_are_missing_cost_nothing(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 3), 0, 2, leg=1)
    await world.closer.finish(job.id)
    over = await world.job(job.id)
    assert (over.state, over.cost, over.provider) == ("completed", 50_000_000, "far")
    assert world.ledger[0].images == 1
    world.all_is_well()


async def test_what_is_not_stored_is_not_charged_and_dropped(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2), 1)
    waste = made_output("waste", stored=False)
    await world.jobs.note_output(job.id, 1, waste)
    await world.outputs.store(job.id, waste.digest, Blob(b"x", "image/png"), 0)
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).cost == PRICE
    assert waste.digest not in files_of(world.outputs)
    world.all_is_well()


async def test_two_pictures_that_are_alike_keep_their_file(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2), 1)
    same = replace(job.outputs[0], stored=False)
    await world.jobs.note_output(job.id, 1, same)
    await world.closer.finish(job.id)
    world.all_is_well()


@pytest.mark.parametrize(("made", "charged"), [(None, 8), (3, 3), (8, 8), (99, 8), (0, 0)], ids=str)
async def test_a_video_is_charged_by_its_seconds(world: StudioWorld, made: int | None, charged: int) -> None:
    job = (await world.submit(video=True)).job
    assert (job.seconds, world.used) == (8, 800_000_000)
    await world.closer.finish((await world.make(job, seconds=made)).id)
    assert (await world.job(job.id)).cost == charged * 100_000_000
    assert (world.ledger[0].images, world.ledger[0].seconds) == (0, charged)
    world.all_is_well()


async def test_nothing_stored_is_nothing_charged(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2), 0, 1)
    await world.closer.finish(job.id)
    over = await world.job(job.id)
    assert (over.state, over.failure, over.cost) == ("failed", "server_error", None)
    assert world.ledger == []
    world.all_is_well()


async def test_a_failed_job_costs_nothing_and_leaves_its_request_and_why(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2))
    await world.bucket.put(failure_key(job.id), Blob(b"{}", "application/json"))
    await world.closer.fail(job.id, "timeout")
    over = await world.job(job.id)
    assert (over.state, over.failure) == ("failed", "timeout")
    assert world.ledger == []
    assert world.files == sorted([failure_key(job.id), request_key(job.id)])
    world.all_is_well()


async def test_work_is_dropped(world: StudioWorld) -> None:
    job = await world.make(await taken(world))
    for key in (work_key(job.id, 0), f"jobs/{job.id}/received/token", f"jobs/{job.id}/made/a.mp4"):
        await world.bucket.put(key, Blob(b"x", "text/plain"))
    await world.bucket.put(failure_key(job.id), Blob(b"{}", "application/json"))
    await world.closer.finish(job.id)
    assert world.files == sorted([request_key(job.id), f"outputs/{job.outputs[0].digest}"])


async def test_what_was_decided_stays(world: StudioWorld) -> None:
    done, failed = await world.make(await taken(world)), await taken(world)
    await world.closer.finish(done.id)
    await world.closer.fail(failed.id, "timeout")
    for _ in range(2):
        await world.closer.finish(done.id)
        await world.closer.fail(failed.id, "cancelled")
        with pytest.raises(JobOverError):
            await world.closer.fail(done.id, "timeout")
        with pytest.raises(JobOverError):
            await world.closer.finish(failed.id)
        for job in world.all_jobs:
            await world.closer.close(job)
    assert (await world.job(failed.id)).failure == "timeout"
    assert world.charges == [PRICE]
    world.all_is_well()


async def test_what_has_not_begun_is_not_finished(world: StudioWorld) -> None:
    job = await taken(world)
    for job_id in (job.id, "image_none"):
        with pytest.raises(JobOverError):
            await world.closer.finish(job_id)
    assert await world.job(job.id) == job
    await world.closer.close(job)
    assert await world.job(job.id) == job


async def test_no_cost_is_above_the_hold(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2))
    request = world.request_file(job.id)
    dearer = request.model_copy(update={"legs": (JobLeg(provider="near", model="p-1", price=Decimal(7)),)})
    world.bucket.objects[request_key(job.id)] = Blob(dearer.model_dump_json().encode(), "application/json")
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).cost == job.hold.amount
    world.all_is_well()


@pytest.mark.parametrize("content", [None, b"no json", b"{}"], ids=["gone", "broken", "other"])
async def test_without_its_request_a_job_has_no_price_and_fails(
    world: StudioWorld, content: bytes | None
) -> None:
    job = await world.make(await taken(world))
    del world.bucket.objects[request_key(job.id)]
    if content is not None:
        world.bucket.objects[request_key(job.id)] = Blob(content, "application/json")
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).failure == "server_error"
    assert world.ledger == []
    world.all_is_well()


async def test_a_model_without_a_price_costs_nothing() -> None:
    world = StudioWorld()
    world.key = replace(world.key, budget_nano_usd=None)
    world.studio = world.environment()
    job = await world.make((await world.submit(model="unpriced-painter")).job)
    await world.closer.finish(job.id)
    over = await world.job(job.id)
    assert (over.state, over.cost) == ("completed", 0)
    assert (world.charges, world.ledger[0].images) == ([0], 1)
    world.all_is_well()


async def test_a_picture_that_comes_while_a_job_is_finished_is_charged_too(world: StudioWorld) -> None:
    job = await world.make(await taken(world, 2), 1)
    late = made_output("late")
    await world.jobs.note_output(job.id, 1, replace(late, stored=False))
    await world.outputs.store(job.id, late.digest, Blob(b"x", "image/png"), 0)
    noted = False

    async def before(call: str) -> None:
        nonlocal noted
        if call == "UpdateItem JobsTable" and not noted:
            noted = True
            await world.jobs.note_output(job.id, 1, late)

    world.around.before = before
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).cost == 2 * PRICE
    assert world.ledger[0].images == 2
    world.all_is_well()


async def test_somebody_is_told_where_somebody_wants_to_be(world: StudioWorld) -> None:
    address = "https://hooks.example.com/"
    done = await world.make(await taken(world, webhook_url=address))
    failed = await taken(world, webhook_url=address)
    silent = await world.make(await taken(world))
    await world.closer.finish(done.id)
    await world.closer.fail(failed.id, "timeout")
    await world.closer.finish(silent.id)
    told = {name for name in world.machines.started if name.startswith("arn:webhooks")}
    assert told == {f"arn:webhooks {done.id}", f"arn:webhooks {failed.id}"}
    assert world.machines.started[f"arn:webhooks {done.id}"] == (done.id, {"job": done.id})


async def test_a_job_is_over_although_nobody_can_be_told(world: StudioWorld) -> None:
    job = await world.make(await taken(world, webhook_url="https://hooks.example.com/"))

    async def before(call: str) -> None:
        if call == "machines.start arn:webhooks":
            raise AWSError("StartExecution", "StateMachineDoesNotExist", "gone")

    world.around.before = before
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).state == "completed"
    world.all_is_well()


async def test_a_job_does_not_wait_for_ever_to_be_told_of(world: StudioWorld) -> None:
    job = await world.make(await taken(world, webhook_url="https://hooks.example.com/"))

    async def before(call: str) -> None:
        if call == "machines.start arn:webhooks":
            raise OverloadedError("busy", retry_after=1)

    world.around.before = before
    with pytest.raises(OverloadedError):
        await world.closer.finish(job.id)
    assert (await world.job(job.id)).state == "finishing"
    world.now += TELL_SECONDS
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).state == "completed"
    world.all_is_well()


async def test_without_its_hold_a_job_fails(world: StudioWorld) -> None:
    job = await world.make(await taken(world))
    world.now = float(job.hold.expires_at)
    await world.studio.gateway.admitter._reclaimer.reclaim_all()
    assert world.holds == []
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).failure == "timeout"
    assert world.charges == []
    world.all_is_well()


async def test_a_hold_that_was_ended_by_whomever_is_none(world: StudioWorld) -> None:
    """An operator has restored the counter, say: what is charged now would be in the ledger alone."""
    job = await world.make(await taken(world))
    await world.closer.counters.settle(job.key_id, job.request_id, job.hold, NOTHING)
    await world.closer.finish(job.id)
    assert (await world.job(job.id)).failure == "timeout"
    world.all_is_well()


async def test_a_hold_that_is_reclaimed_after_the_decision_overrules_it(
    world: StudioWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")
    job = await world.make(await taken(world))
    world.now = float(job.hold.expires_at)
    reclaimer = world.studio.gateway.admitter._reclaimer

    async def before(call: str) -> None:
        if call == "PutItem LedgerTable":
            world.all_goes_well()
            await reclaimer.reclaim_all()

    world.around.before = before
    await world.closer.finish(job.id)
    over = await world.job(job.id)
    assert (over.state, over.failure, over.cost) == ("failed", "timeout", None)
    assert [row.status for row in world.ledger] == ["lost"]
    assert world.used == 0
    world.all_is_well()
    written = [line.values for line in all_measured(capsys.readouterr().out)]
    assert written == [{"HoldsReclaimed": 1}, {"SettleFailures": 1}, {"JobsFailed": 1}]


async def test_a_decided_job_settles_to_its_row_whoever_ends_its_hold(world: StudioWorld) -> None:
    job = await world.make(await taken(world))
    world.let_fail(_number_of(await _calls_of_finish(), "UpdateItem CountersTable"), "killed")
    with pytest.raises(CrashError):
        await world.closer.finish(job.id)
    world.all_goes_well()
    assert world.holds == [job.request_id]
    world.now = float(job.hold.expires_at)
    await world.studio.gateway.admitter._reclaimer.reclaim_all()
    assert (world.used, world.charges) == (PRICE, [PRICE])
    await world.sweeper.sweep()
    assert (await world.job(job.id)).state == "completed"
    world.all_is_well()


async def test_of_fifty_closers_at_once_one_decides() -> None:
    for _ in range(3):
        world = StudioWorld()
        job = await world.make(await taken(world, 2))
        works: list[Awaitable[None]] = [
            world.closer.finish(job.id) if number % 2 else world.closer.fail(job.id, "timeout")
            for number in range(50)
        ]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, JobOverError) for outcome in outcomes)
        assert len(world.charges) == (1 if (await world.job(job.id)).state == "completed" else 0)
        world.all_is_well()


async def _calls_of_finish() -> list[str]:
    return await _calls_of(lambda closer, job_id: closer.finish(job_id))


async def _calls_of(work: Callable[[Closer, str], Awaitable[None]]) -> list[str]:
    world = StudioWorld()
    job = await world.make(await taken(world, 2, webhook_url="https://hooks.example.com/"))
    world.around.calls.clear()
    await work(world.closer, job.id)
    return list(world.around.calls)


def _number_of(calls: list[str], name: str) -> int:
    return calls.index(name)


WORKS: dict[str, Callable[[Closer, str], Awaitable[None]]] = {
    "finish": lambda closer, job_id: closer.finish(job_id),
    "fail": lambda closer, job_id: closer.fail(job_id, "timeout"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", WORKS)
async def test_whatever_call_goes_wrong_the_job_ends_once(name: str, fault: Fault) -> None:
    calls = await _calls_of(WORKS[name])
    assert len(calls) >= 8
    for number, call in enumerate(calls):
        for comes_by in ("again", "the schedule", "the other"):
            world = StudioWorld()
            job = await world.make(await taken(world, 2, webhook_url="https://hooks.example.com/"))
            world.let_fail(number, fault)
            with suppress(OverloadedError, CrashError):
                await WORKS[name](world.closer, job.id)
            world.all_goes_well()
            await _comes_by(world, job, name, comes_by)
            over = await world.job(job.id)
            assert over.is_over, (call, fault)
            if comes_by == "again" or over.state == "completed":
                assert over.state == ("completed" if name == "finish" else "failed"), (call, fault)
            assert world.charges == ([2 * PRICE] if over.state == "completed" else []), (call, fault)
            assert world.machines.has_started("arn:webhooks", job.id), (call, fault)
            world.all_is_well()


async def _comes_by(world: StudioWorld, job: Job, name: str, who: str) -> None:
    """Somebody ends what is left."""
    if who == "again":
        await WORKS[name](world.closer, job.id)
    elif who == "the schedule":
        world.now = job.deadline + 1000
        await world.sweeper.sweep()
    else:
        try:
            await world.closer.fail(job.id, "cancelled")
        except JobOverError as error:
            assert error.job is not None
            await world.closer.close(error.job)


def test_a_dollar_is_what_the_key_has() -> None:
    assert NANO == 25 * PRICE
