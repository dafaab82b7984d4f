"""What becomes of a job when something goes wrong, at each call of each of its tasks.

Whatever it is, the job ends completed and charged once, or failed and not charged; no hold is left, and nothing lies in
the bucket that no job has. The table in the output says which.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from job_faults import Fault, Journey, Outcome, Spot, faults_at, spots, trial
from job_world import JobWorld, makers_known

__all__ = ["makers_known"]


def remote(_name: str, _content: bytes) -> dict[str, object]:
    return {"path": "/files/1.mp4"}


def _video(**members: Any) -> JobWorld:
    world = JobWorld("video", **members)
    world.makers.knows_names = world.repeatable
    return world


def _remote_video() -> JobWorld:
    world = _video()
    world.makers.delivers = remote
    return world


JOURNEYS = (
    Journey("a picture", JobWorld, cost=1),
    Journey("two pictures", lambda: JobWorld(count=2), cost=2),
    Journey("a video", _video, cost=4, once=True),
    Journey("a video that is fetched", _remote_video, cost=4, once=True),
    Journey("a video, submitted by name", lambda: _video(repeatable=True), cost=4, once=True),
    Journey("a video, of a provider that calls", lambda: _video(calls_back=True), cost=4, once=True),
)


def must_complete(spot: Spot, fault: Fault, journey: Journey) -> bool:
    """Whether one fault must not cost the job: the machine repeats what was not done."""
    if fault in ("is cancelled", "is aborted", "refuses for good"):
        return False
    submits = spot.task == "submit" and spot.call.startswith(("POST", "jobs.note_submit"))
    return not (submits and "by name" not in journey.name)


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
async def test_a_job_ends_well_or_costs_nothing(journey: Journey, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes: dict[tuple[str, str, Fault], Counter[str]] = {}
    wrong: list[str] = []
    for spot in await spots(journey):
        for fault in faults_at(spot):
            try:
                outcome = await trial(journey, spot, fault)
            except AssertionError as error:
                wrong.append(f"{spot} {fault}: {error}")
                continue
            outcomes.setdefault((spot.task, spot.kind, fault), Counter())[str(outcome)] += 1
            if must_complete(spot, fault, journey) and outcome.state != "completed":
                wrong.append(f"{spot} {fault}: {outcome}")
    with capsys.disabled():
        print("\n" + "\n".join(table(journey, outcomes)))
    assert wrong == []


def table(journey: Journey, outcomes: dict[tuple[str, str, Fault], Counter[str]]) -> Iterator[str]:
    """A line for each task, fault and outcome, with the calls."""
    calls: dict[tuple[str, Fault, str], list[str]] = {}
    for (task, call, fault), found in outcomes.items():
        for outcome in found:
            calls.setdefault((task, fault, outcome), []).append(call)
    yield f"{journey.name}: what fails → what becomes of the job"
    for (task, fault, outcome), names in calls.items():
        yield f"  {task:8} {fault:28} → {outcome:38} {', '.join(names)}"


def test_the_table_tells_outcomes() -> None:
    assert str(Outcome("failed", "timeout", 0, 1)) == "failed (timeout), not charged"
