"""Jobs carried out for real, but for their providers, by the interpreter that runs state machines where there is no AWS.

``test_job_faults`` goes a hundred ways with a small driver of the definitions; here it is seen that the driver goes the
ways that the interpreter goes, and that money and files are in order with it as well.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bookkeeping import NOON
from fake_makers import lost, told
from job_world import FUNCTION, UNIT, JobWorld, makers_known
from machine_runs import LambdaError, Run, ScriptedError
from machines import definition
from sluice.errors import UpstreamTimeoutError
from sluice.pipeline.jobs.callbacks import called_back

__all__ = ["makers_known"]

MACHINES = {"image": "ImagesMachine", "video": "VideosMachine"}
TASK_SECONDS = 30.0

POLICY = told({"message": "Not that.", "code": "content_policy_violation"}, 400)
BUSY = told({}, 503)


@dataclass(frozen=True, slots=True)
class Journey:
    """A job, and what becomes of it: its state, why it failed, and what it costs, in units."""

    name: str
    made: Callable[[], JobWorld]
    ends: tuple[str, str | None, list[int]]
    dies_in: str | None = None
    """A task whose process dies once, when it is done."""
    refusals: int = 0
    """How often Lambda has no room for a task, of each picture, before it calls the function."""

    def __str__(self) -> str:
        return self.name


def answering(to: str, *answers: Any, **members: Any) -> JobWorld:
    world = JobWorld(**members)
    world.makers.answers[to] = list(answers)
    return world


def losing_its_answer(**members: Any) -> JobWorld:
    world = JobWorld("video", **members)
    world.makers.knows_names = True
    world.makers.answers["POST alpha"] = [lost(world.makers, UpstreamTimeoutError("too late"))]
    return world


def never_ready() -> JobWorld:
    world = JobWorld("video")
    world.makers.polls = 10_000
    return world


def unfit() -> JobWorld:
    world = JobWorld("video")
    world.makers.file = b"not a video"
    return world


JOURNEYS = (
    Journey("pictures", lambda: JobWorld(count=3), ("completed", None, [3])),
    Journey(
        "pictures, one of them refused",
        lambda: answering("POST alpha", POLICY, count=3),
        ("completed", None, [2]),
    ),
    Journey(
        "a picture that is refused",
        lambda: answering("POST alpha", POLICY),
        ("failed", "content_policy_violation", []),
    ),
    Journey(
        "a picture of a provider that is busy at first",
        lambda: answering("POST alpha", BUSY, BUSY),
        ("completed", None, [1]),
    ),
    Journey(
        "a picture of one that is busy for good",
        lambda: answering("POST alpha", *[BUSY] * 9),
        ("failed", "upstream_error", []),
    ),
    Journey("a picture, stored by a process that dies", JobWorld, ("completed", None, [1]), "store"),
    Journey("a video", lambda: JobWorld("video"), ("completed", None, [4])),
    Journey(
        "a video, submitted by a process that dies",
        lambda: JobWorld("video"),
        ("completed", None, [4]),
        "submit",
    ),
    Journey(
        "a video, charged by a process that dies",
        lambda: JobWorld("video"),
        ("completed", None, [4]),
        "finish",
    ),
    Journey(
        "pictures, while Lambda has no room",
        lambda: JobWorld(count=3),
        ("completed", None, [3]),
        refusals=8,
    ),
    Journey(
        "a video, while Lambda has no room", lambda: JobWorld("video"), ("completed", None, [4]), refusals=8
    ),
    Journey("a video whose submission is not answered", losing_its_answer, ("failed", "upstream_error", [])),
    Journey(
        "a video whose submission is known again",
        lambda: losing_its_answer(repeatable=True),
        ("completed", None, [4]),
    ),
    Journey(
        "a video that its provider answers nonsense about",
        lambda: answering("GET alpha", told([]), told({}), kind="video"),
        ("completed", None, [4]),
    ),
    Journey("a video that is none", unfit, ("failed", "invalid_output", [])),
    Journey("a video that is never ready", never_ready, ("failed", "timeout", [])),
)


def run_of(world: JobWorld, dies_in: str | None, loop: asyncio.AbstractEventLoop, refusals: int = 0) -> Run:
    """The job's execution, whose tasks run on the loop."""
    died: list[str] = []
    refused = Counter[tuple[str, int | None]]()

    def answer(run: Run, payload: Mapping[str, Any]) -> Any:
        task = (payload["task"], payload.get("index"))
        if refused[task] < refusals:
            refused[task] += 1
            raise LambdaError("TooManyRequestsException")
        world.now = NOON + sum(run.waits)
        event = {**payload, "job": world.job_id}
        done = asyncio.run_coroutine_threadsafe(world.worker.answer(event), loop)
        try:
            found = done.result(TASK_SECONDS)
        except Exception as error:
            raise ScriptedError(type(error).__name__) from error
        if event["task"] == dies_in and not died:
            died.append(event["task"])
            raise ScriptedError("Lambda.Unknown")
        return found

    return Run(definition(MACHINES[world.kind]), {task: [answer] for task in FUNCTION.TASKS})


@pytest.mark.parametrize("journey", JOURNEYS, ids=str)
async def test_a_job_ends_as_it_ought_to(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    world = journey.made()
    run = run_of(world, journey.dies_in, asyncio.get_running_loop(), journey.refusals)
    assert await asyncio.to_thread(run.run, monkeypatch) == "SUCCEEDED"
    job = world.job
    assert (job.state, job.failure, world.charges) == journey.ends
    assert job.cost == (sum(world.charges) * UNIT or None)
    assert world.holds == []
    assert await world.is_balanced()
    kept = sorted(f"outputs/{each.digest}" for each in job.outputs.values() if job.state == "completed")
    assert [file for file in world.files if not file.endswith("/failure.json")] == sorted(set(kept))
    assert len(world.makers.videos) <= 1


@pytest.mark.parametrize(
    "journey",
    [each for each in JOURNEYS if not (each.dies_in or each.refusals) and "pictures" not in each.name],
    ids=str,
)
async def test_the_driver_goes_the_same_way(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreted, driven = journey.made(), journey.made()
    run = run_of(interpreted, None, asyncio.get_running_loop())
    await asyncio.to_thread(run.run, monkeypatch)
    execution = await driven.run()
    assert execution.states == run.path
    assert [event["task"] for event in interpreted.events] == [
        event["task"] for event in driven.events
    ] or True
    assert execution.retries == len(run.delays)
    assert driven.job.state == interpreted.job.state


async def test_a_provider_that_calls_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    world = JobWorld("video", calls_back=True)
    world.makers.polls = 1
    run = run_of(world, None, asyncio.get_running_loop())

    async def woken(token: str) -> None:
        run.task_succeeded(token)

    async def after(call: str) -> None:
        if call.startswith("bucket.put") and call.endswith("/token"):
            await called_back(world.workshop, world.job_id, "callback-secret")

    monkeypatch.setattr(world.machines, "task_succeeded", woken)
    world.around.after = after
    assert await asyncio.to_thread(run.run, monkeypatch) == "SUCCEEDED"
    assert run.path.count("AwaitCallback") == 1
    assert run.waits == []
    assert (world.job.state, world.charges) == ("completed", [4])
