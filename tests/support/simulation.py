"""Several environments over one DynamoDB in memory, whose every call waits until the test says what becomes of it.

So a test decides on each interleaving, on each loss and on each death between two steps; the loop
(``stepped_loop``) then runs on until everyone waits again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

from fake_dynamodb import FakeDynamoDB, aws_with
from sluice.accounting.demand import Demand
from sluice.errors import OverloadedError
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.hold import held
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores.aws import AWS, ConditionFailedError, Item, UnansweredError
from sluice.stores.counters import LEAD, CounterStore
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger import LedgerStore
from stepped_loop import SteppedLoop

HOLD_SECONDS = 960.0

Fate = Literal[
    "answered", "throttled", "unsent", "lost", "repeated", "late", "late_repeated", "killed", "killed_after"
]
"""What becomes of a call.

``throttled``, ``unsent``: it is not carried out, and fails; with ``unsent`` nobody knows that. ``lost``: it is carried
out, and no reply comes. ``repeated``: no reply comes to its first attempt, so it is made again. ``late``: it fails, and
is carried out after all, whenever that be. ``late_repeated``: the same, but for another attempt that is answered at
once. ``killed``, ``killed_after``: its process dies before it is carried out, or after.
"""


class Crash(BaseException):
    """The process is dead: whatever runs on in it has no effect."""


@dataclass(eq=False, slots=True)
class Call:
    """A call to DynamoDB; ``made_at`` is by the world's clock."""

    environment: "Environment"
    made_at: float
    operation: str
    members_of: Callable[[int], dict[str, Any]]
    """The members, by attempt."""
    reply: asyncio.Future[dict[str, Any]]
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was carried out to a key's counter: its item before (empty if there was none) and after."""

    call: Call
    key_id: str
    before: Item
    after: Item


class World:
    """The database, the time, and all that waits.

    Args:
        now: the true time, in epoch seconds.
        returns_failed_items: see ``FakeDynamoDB``.
    """

    def __init__(self, now: float, *, returns_failed_items: bool = True) -> None:
        self.now = now
        self.loop = SteppedLoop()
        self.database = FakeDynamoDB(returns_failed_items=returns_failed_items)
        self.environments: list[Environment] = []
        self.parked: list[Call] = []
        self.late: list[Call] = []
        """Calls that were given up and will yet be carried out."""
        self.on_write: Callable[[Write], None] = lambda _: None

    def counter_item(self, key_id: str) -> Item | None:
        """A key's item of the counters table."""
        return self.database.tables["CountersTable"].get((LEAD + key_id,))

    def run(self) -> None:
        """Let everyone go on until they wait."""
        self.loop.run_until_idle()
        self.parked = [call for call in self.parked if not call.reply.done()]

    def resume(self, call: Call, fate: Fate) -> None:
        """Decide what becomes of a parked call, and let everyone go on."""
        self.parked.remove(call)
        match fate:
            case "answered":
                self._answer(call)
            case "throttled":
                call.reply.set_exception(OverloadedError("busy", retry_after=1))
            case "unsent":
                call.reply.set_exception(UnansweredError("busy", retry_after=1))
            case "lost":
                self.carry_out(call)
                call.reply.set_exception(UnansweredError("busy", retry_after=1))
            case "repeated":
                self.carry_out(call)
                self._answer(replace(call, attempt=1))
            case "late":
                self.late.append(call)
                call.reply.set_exception(UnansweredError("busy", retry_after=1))
            case "late_repeated":
                self.late.append(call)
                self._answer(replace(call, attempt=1))
            case "killed":
                call.reply.set_exception(Crash())
                call.environment.kill()
            case "killed_after":
                self.carry_out(call)
                call.reply.set_exception(Crash())
                call.environment.kill()
            case _:
                assert_never(fate)
        self.run()

    def carry_out(self, call: Call) -> None:
        """Have a call take effect, whoever may hear of it."""
        reply: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        self._carry_out(call, reply)
        reply.exception()

    def _answer(self, call: Call) -> None:
        self._carry_out(call, call.reply)

    def _carry_out(self, call: Call, reply: asyncio.Future[dict[str, Any]]) -> None:
        members = call.members_of(call.attempt)
        key_id = members.get("Key", {}).get("id", {}).get("S", "").removeprefix(LEAD)
        before = self.counter_item(key_id)
        try:
            reply.set_result(self.database.execute(call.operation, members))
        except ConditionFailedError as error:
            reply.set_exception(error)
        after = self.counter_item(key_id)
        if after is not None and after is not before:
            self.on_write(Write(call, key_id, before or {}, after))

    def start[Result](self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Have work done beside all other, up to its first call; what becomes of it, its task tells."""
        task = self.loop.create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.run()
        return task

    def answer_all(self) -> None:
        """Let all calls be answered, also those that come of it."""
        while self.parked:
            self.resume(self.parked[0], "answered")

    def close(self) -> None:
        """End all processes, and close the loop."""
        for environment in self.environments:
            environment.kill()
        self.loop.close()


class Environment:
    """A process: its own memory, its own clock, its own client.

    Args:
        world: what it lives in.
        offset: seconds by which its clock is ahead.
    """

    def __init__(self, world: World, offset: float) -> None:
        self.world = world
        self.offset = offset
        self.dead = False
        self.requests: list[Request] = []
        world.environments.append(self)
        aws = self._aws()
        self.counters = CounterStore(aws, "CountersTable")
        self.ledger = LedgerStore(aws, "LedgerTable")
        self.reclaimer = Reclaimer(self.counters, self.ledger, clock=self.clock)
        self.admitter = Admitter(
            self.counters, self.reclaimer, hold_seconds=HOLD_SECONDS, size=100, clock=self.clock
        )
        self.settler = Settler(self.counters, self.ledger, self.reclaimer, clock=self.clock)

    def _aws(self) -> AWS:
        """What this process's stores are made with."""
        return aws_with(self)

    def clock(self) -> float:
        """Epoch seconds, as this process believes."""
        return self.world.now + self.offset

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``, in its own time."""
        return await self.call_anew(operation, lambda _: members)

    async def call_anew(self, operation: str, members_of: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """As ``Client.call_anew``."""
        if self.dead:
            raise Crash
        reply: asyncio.Future[dict[str, Any]] = self.world.loop.create_future()
        self.world.parked.append(Call(self, self.world.now, operation, members_of, reply))
        return await reply

    def kill(self) -> None:
        """End the process: none of its code has any effect from now on."""
        self.dead = True
        for call in self.world.parked:
            if call.environment is self and not call.reply.done():
                call.reply.set_exception(Crash())
        for request in self.requests:
            request.kill()
        self.world.run()


class Request:
    """A request from its admission to its end, which the test decides.

    Args:
        environment: serves it.
        key: whose.
        demand: what it may use.
        request_id: fresh.
    """

    def __init__(self, environment: Environment, key: KeyRecord, demand: Demand, request_id: str) -> None:
        self.environment = environment
        self.key = key
        self.demand = demand
        self.id = request_id
        self.admission: Admission | None = None
        self.outcome: Outcome | None = None
        self._ended: asyncio.Future[None] = environment.world.loop.create_future()
        environment.requests.append(self)
        self.task = environment.world.start(self._live())

    async def _live(self) -> None:
        environment = self.environment
        async with held(environment.admitter, environment.settler, self.key, self.demand, self.id) as hold:
            self.admission = hold.admission
            hold.outcome = lambda: self.outcome
            await self._ended

    @property
    def over(self) -> bool:
        """Whether its end was decided on."""
        return self._ended.done()

    @property
    def refusal(self) -> BaseException | None:
        """Why it was not admitted."""
        return self.task.exception() if self.task.done() and self.admission is None else None

    def end(self, outcome: Outcome | None) -> None:
        """Let it come to its end, and be settled; None if it failed."""
        self.outcome = outcome
        if not self._ended.done():
            self._ended.set_result(None)
        self.environment.world.run()

    def kill(self) -> None:
        """Have its process die."""
        if not self._ended.done():
            self._ended.set_exception(Crash())

    def cancel(self, outcome: Outcome | None = None) -> None:
        """Have its client go away, at whatever point it is."""
        self.outcome = outcome
        self.task.cancel()
        self.environment.world.run()
