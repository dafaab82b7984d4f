"""What can go wrong while a job is made: at each call of each of its tasks, in each way.

A journey is run once in good health, which tells its calls. Then it is run anew for each of them and each fault, and
once more from its start when it is over, as after a redrive. ``trial`` says what became of it.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from fake_makers import SECRET
from job_world import PROMPT, UNIT, JobWorld
from machine_driver import Died
from sluice.errors import OverloadedError, UpstreamTimeoutError
from sluice.stores.job_records import JobState

Fault = Literal[
    "dies before",
    "dies after",
    "refuses once",
    "refuses for good",
    "done, but its answer is lost",
    "is cancelled",
    "is aborted",
]

STORE_FAULTS: tuple[Fault, ...] = (
    "dies before",
    "dies after",
    "refuses once",
    "refuses for good",
    "done, but its answer is lost",
    "is cancelled",
    "is aborted",
)


class AbortedError(BaseException):
    """The execution is stopped: nothing of it goes on."""


@dataclass(frozen=True, slots=True)
class Journey:
    """A way for a job to go: ``made`` builds its world, and what is true of it in good health."""

    name: str
    made: Callable[[], JobWorld]
    cost: int
    once: bool = False
    """Whether its provider must not be asked twice to make the same."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A call: the how-manieth of its task's run, and what it is called."""

    number: int
    task: str
    call: str

    @property
    def kind(self) -> str:
        """Its name without a key."""
        service, _, rest = self.call.partition(" ")
        if service in ("GET", "POST", "DELETE"):
            return f"{service} {rest.split('/')[1]}" if "/" in rest else service
        where = next((each for each in ("received", "made", "request", "failure") if f"/{each}" in rest), "")
        return f"{service} {where}".strip()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    state: JobState
    failure: str | None
    charges: int
    made: int
    """How many videos or pictures its providers have made."""

    def __str__(self) -> str:
        charged = "charged once" if self.charges == 1 else f"charged {self.charges} times"
        why = f" ({self.failure})" if self.failure else ""
        return f"{self.state}{why}, {charged if self.charges else 'not charged'}"


async def spots(journey: Journey) -> list[Spot]:
    """The calls of a journey in good health."""
    world = journey.made()
    found: list[Spot] = []

    async def before(call: str) -> None:
        found.append(Spot(len(found), world.events[-1]["task"], call))

    world.around.before = before
    execution = await world.run()
    assert execution.status == "SUCCEEDED", execution
    assert world.job.state == "completed", world.job
    assert execution.retries == 0
    return found


def faults_at(spot: Spot) -> Iterator[Fault]:
    """What can go wrong with a call; reading has no after."""
    reads = spot.call.startswith(("jobs.get", "bucket.get", "bucket.size", "bucket.keys", "GET"))
    for fault in STORE_FAULTS:
        if not (reads and fault in ("dies after", "done, but its answer is lost")):
            yield fault


@dataclass(slots=True)
class Trouble:
    """Makes one call of a world's go wrong."""

    world: JobWorld
    spot: Spot
    fault: Fault
    calls: "itertools.count[int]" = field(default_factory=itertools.count)
    met: bool = False
    healthy_again: bool = False

    async def before(self, call: str) -> None:
        """See ``Interference``."""
        here = next(self.calls) == self.spot.number
        self.met |= here
        match self.fault:
            case "dies before" if here:
                raise Died
            case "is aborted" if here:
                raise AbortedError
            case "is cancelled" if here:
                await self.world.cancelled()
            case "refuses once" if here:
                raise refusal(call)
            case "refuses for good" if self.met and not self.healthy_again and self._alike(call):
                raise refusal(call)
            case _:
                self.here = here

    async def after(self, call: str) -> None:
        """See ``Interference``."""
        if not self.here:
            return
        match self.fault:
            case "dies after":
                raise Died
            case "done, but its answer is lost":
                raise lost_answer(call)
            case _:
                pass

    here: bool = False

    def _alike(self, call: str) -> bool:
        return Spot(0, "", call).kind == self.spot.kind


def refusal(call: str) -> Exception:
    """How a service refuses what it has not begun."""
    if call.startswith(("GET", "POST", "DELETE")):
        error = OverloadedError("The provider is overloaded; try again.", retry_after=1)
        error.upstream_status = 503
        return error
    return OverloadedError("The gateway's storage is busy; try again.")


def lost_answer(call: str) -> Exception:
    """How a service does not answer although it has done what it was asked for."""
    if call.startswith(("GET", "POST", "DELETE")):
        return UpstreamTimeoutError("The provider did not answer in time.")
    return OverloadedError("The gateway's storage is busy; try again.")


async def trial(journey: Journey, spot: Spot, fault: Fault) -> Outcome:
    """Run a journey with one fault, and see that all is in order afterwards."""
    world = journey.made()
    trouble = Trouble(world, spot, fault)
    world.around.before, world.around.after = trouble.before, trouble.after
    with contextlib.suppress(AbortedError):
        await world.run()
    assert trouble.met
    trouble.healthy_again = True
    await world.ended()
    # Nobody tells its provider where no task comes to it, or has it done already.
    left_alone = fault in ("is aborted", "refuses for good") or spot.task == "finish"
    outcome = await in_order(journey, world, left_alone=left_alone)
    await world.run()  # a redrive from the start
    await world.ended()
    assert await in_order(journey, world, left_alone=left_alone) == outcome
    return outcome


async def in_order(journey: Journey, world: JobWorld, *, left_alone: bool) -> Outcome:
    """What became of a job; that its money and its files agree with that."""
    job = world.job
    assert job.is_over, job
    assert world.holds == [], "a hold is left"
    assert await world.is_balanced()
    charges = world.charges
    kept = {each.digest for each in job.outputs.values() if each.stored}
    if job.state == "completed":
        assert [units * UNIT for units in charges] == [job.cost]
        assert 0 < charges[0] <= journey.cost
        assert world.files == sorted(f"outputs/{digest}" for digest in kept)
        assert world.output_items == {f"output#{digest}": [job.id] for digest in kept}
    else:
        assert charges == []
        assert [file for file in world.files if not file.endswith("/failure.json")] == []
        assert world.output_items == {}
    made = len(world.makers.pictures) + len(world.makers.videos)
    assert not journey.once or made <= 1, "made twice"
    if job.state == "failed" and job.reference and not left_alone:
        assert job.reference in world.makers.cancelled, "its provider goes on"
    assert PROMPT not in repr(job)
    assert SECRET not in str([each.content for each in world.bucket.objects.values()])
    return Outcome(job.state, job.failure, len(charges), made)


NONSENSE = (b"", b"[]", b"{}", b"<html>busy</html>", b'{"status": 3}', b'{"status": "made", "b64": 4}')
"""Answers that no provider should give."""
