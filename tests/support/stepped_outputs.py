"""Jobs that store and drop the same file at once, one call at a time: a test says whose is next and what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from fake_dynamodb import aws_with
from sluice.errors import OverloadedError
from sluice.stores.aws import ConditionFailedError
from sluice.stores.bucket import Blob, output_key
from sluice.stores.outputs import LEAD, BeingDeletedError, OutputStore

TABLE = "JobsTable"
EXPIRES_AT = 2_000_000_000

Fate = Literal["answered", "repeated", "lost", "unsent", "late", "killed", "killed_after"]
"""What becomes of a call.

``repeated``: no reply comes to its first attempt, so it is made again. ``lost``: it is carried out and fails.
``unsent``: it fails. ``late``: it fails, and is carried out after all, whenever that be. ``killed``, ``killed_after``:
its process dies before it is carried out, or after.
"""


class Database(Protocol):
    """What carries out a call to DynamoDB."""

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``."""


@dataclass(eq=False)
class Call:
    """A call that waits for its fate."""

    actor: "Actor"
    name: str
    work: Callable[[], Awaitable[Any]]
    reply: asyncio.Future[Any]


@dataclass(eq=False)
class Actor:
    """A process that stores or drops."""

    job: str
    does: Literal["store", "drop"]
    task: asyncio.Task[None] = field(init=False)

    def __str__(self) -> str:
        return f"{self.does} of {self.job}"


class Stage:
    """The file, who has it, and whoever is at work.

    Args:
        database: has the table.
        digest: of the file, which no other test uses.
    """

    def __init__(self, database: Database, digest: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = 1_790_000_000.0
        self.objects: dict[str, Blob] = {}
        self.parked: list[Call] = []
        self.late: list[Call] = []
        self.having: set[str] = set()
        """The jobs that count on the file."""
        self.dropped: set[str] = set()
        """Those that do not want it any more, now or ever."""
        self._database = database
        self._digest = digest

    def begin(self, job: str, does: Literal["store", "drop"]) -> Actor:
        """Have a process begin."""
        actor = Actor(job, does)
        part = _Part(self, actor)
        store = OutputStore(aws_with(part), TABLE, part, lambda: self.now, part.pause)  # type: ignore[arg-type] # has what is used of a bucket
        if does == "drop":
            self.dropped.add(job)
            self.having.discard(job)
            actor.task = self.loop.create_task(store.drop(job, [self._digest]))
        else:
            blob = Blob(b"the file", "image/png")
            actor.task = self.loop.create_task(store.store(job, self._digest, blob, EXPIRES_AT))
        actor.task.add_done_callback(lambda task: self._over(actor, task))
        self._settle()
        return actor

    def go_on(self, call: Call, fate: Fate = "answered") -> None:
        """Let something become of a call."""
        self.parked.remove(call)
        try:
            if fate in ("answered", "repeated", "lost", "killed_after"):
                reply = self.run(call.work())
            if fate == "repeated":
                reply = self.run(call.work())
        except ConditionFailedError as error:
            if fate in ("answered", "repeated"):
                call.reply.set_exception(error)
        else:
            if fate in ("answered", "repeated"):
                call.reply.set_result(reply)
        if fate == "late":
            self.late.append(call)
        if fate in ("lost", "unsent", "late"):
            call.reply.set_exception(OverloadedError("no reply"))
        if fate in ("killed", "killed_after"):
            call.actor.task.cancel()
        self._settle()

    def arrive(self, call: Call) -> None:
        """Carry out a call that is late."""
        self.late.remove(call)
        try:
            self.run(call.work())
        except ConditionFailedError:
            return

    @property
    def may_pass(self) -> bool:
        """Whether a mark may cease to count: nobody deletes who relies on one."""
        return not any(call.name == "delete" for call in [*self.parked, *self.late])

    def finish(self) -> None:
        """Let everyone end undisturbed."""
        while self.parked:
            self.go_on(self.parked[0])

    def close(self) -> None:
        """End whoever is still at work, and the loop."""
        self.finish()
        self._settle()  # connections are closed by then
        self.loop.close()

    def item(self) -> dict[str, Any]:
        """The file's, as it is in the table."""
        key = {"id": {"S": LEAD + self._digest}}
        reply = self.run(self._database.call("GetItem", TableName=TABLE, Key=key, ConsistentRead=True))
        found: dict[str, Any] = reply.get("Item", {})
        return found

    @property
    def is_there(self) -> bool:
        """Whether the file is in the bucket."""
        return output_key(self._digest) in self.objects

    def run(self, work: Awaitable[Any]) -> Any:
        """Run something to its end, while all others wait."""
        return self.loop.run_until_complete(work)

    def park(self, actor: Actor, name: str, work: Callable[[], Awaitable[Any]]) -> Awaitable[Any]:
        """Have a call wait for its fate."""
        call = Call(actor, name, work, self.loop.create_future())
        self.parked.append(call)
        return call.reply

    def carry_out(self, operation: str, members: dict[str, Any]) -> Awaitable[Any]:
        """Make a call to the database."""
        return self._database.call(operation, **members)

    def _settle(self) -> None:
        """Run until each process is over or waits."""

        async def turns() -> None:
            for _ in range(10):
                await asyncio.sleep(0)

        self.run(turns())
        self.parked = [call for call in self.parked if not call.actor.task.done()]

    def _over(self, actor: Actor, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        assert error is None or isinstance(error, OverloadedError | BeingDeletedError), repr(error)
        if error is None and actor.does == "store" and actor.job not in self.dropped:
            self.having.add(actor.job)


class _Part:
    """The table and the bucket, as one process sees them."""

    def __init__(self, stage: Stage, actor: Actor) -> None:
        self._stage = stage
        self._actor = actor

    def _park(self, name: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> Awaitable[Any]:
        return self._stage.park(self._actor, name, work)

    async def call(self, operation: str, **members: Any) -> Any:
        async def work() -> Any:
            return await self._stage.carry_out(operation, members)

        return await self._park(operation, work)

    async def put(self, key: str, blob: Blob) -> None:
        async def work() -> None:
            self._stage.objects[key] = blob

        await self._park("put", work)

    async def delete(self, key: str) -> None:
        async def work() -> None:
            self._stage.objects.pop(key, None)

        await self._park("delete", work)

    async def pause(self, seconds: float) -> None:
        async def work() -> None:
            if self._stage.may_pass:
                self._stage.now += seconds

        await self._park("pause", work)
