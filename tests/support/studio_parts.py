"""What stands in for a studio's tables, its machines and its webhooks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_dynamodb import FakeDynamoDB
from memory_jobs import Interference
from sluice.api.webhooks import DeliveryList
from sluice.pipeline.jobs.webhooks.deliveries import delivery_list
from sluice.stores.job_records import Job
from sluice.stores.machines import Machines


@dataclass(slots=True)
class MemoryMachines(Machines):
    """Takes down which executions were started, and stopped."""

    around: Interference
    started: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    """By machine and name."""
    stopped: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)

    async def start(self, machine_arn: str, name: str, content: Mapping[str, str]) -> None:
        """See ``Machines``."""
        await self.around.begins(f"machines.start {machine_arn}")
        self.started.setdefault(f"{machine_arn} {name}", (name, content))
        await self.around.ends(f"machines.start {machine_arn}")

    async def stop(self, machine_arn: str, name: str) -> None:
        """See ``Machines``."""
        await self.around.begins("machines.stop")
        self.stopped.append(name)
        await self.around.ends("machines.stop")

    async def task_succeeded(self, token: str) -> None:
        """See ``Machines``."""
        self.woken.append(token)

    def has_started(self, machine_arn: str, name: str) -> bool:
        """Whether an execution was started."""
        return f"{machine_arn} {name}" in self.started


@dataclass(slots=True)
class Tables:
    """A client of the tables in memory."""

    database: FakeDynamoDB
    around: Interference

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``Client.call``."""
        table = members.get("TableName", "")
        await self.around.begins(f"{operation} {table}")
        reply = self.database.execute(operation, members)
        await self.around.ends(f"{operation} {table}")
        return reply

    async def call_anew(self, operation: str, members_of: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """As ``Client.call_anew``, of which the first attempt is answered, or none."""
        return await self.call(operation, **members_of(0))


@dataclass(slots=True)
class NoWebhooks:
    """Any address is well."""

    checked: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def check(self, address: str) -> None:
        """See ``WebhookDesk``."""
        self.checked.append(address)

    async def deliveries(self, job: Job) -> DeliveryList:
        """See ``WebhookDesk``."""
        return delivery_list(job, None)

    async def forget(self, job_id: str) -> None:
        """See ``WebhookDesk``."""
        self.forgotten.append(job_id)
