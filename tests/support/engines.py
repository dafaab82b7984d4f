"""The DynamoDB engines that tests run on, with the template's tables in them.

What one of them gets wrong another gets right, so that what holds on all three is no accident of one:

- ``moto``, behind the lock of ``sluice.local.aws``, without which it sells more than there is.
- ``dynalite``, from npm: no transactions and no streams; a failed condition does not return the item; and to ``=`` no
  list or map is equal to another, so that conditions have to compare their elements (``holds.#id[0] = :amount``).
- ``dynamodb-local``, AWS's own, in Java, out of an npm package: a version of 2020, in which a failed condition does
  not return the item either, and no attribute may be an empty string.

None of them deletes what has expired, restores a table or throttles.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine_processes import EngineName, running
from local_stack import blueprint, botocore_client
from sluice.local.stack import TABLE
from sluice.stores.access import Endpoint
from sluice.stores.aws import Item

LEFT_OUT = frozenset(
    {
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
        "SSESpecification",
        "TimeToLiveSpecification",
    }
)
"""Properties of the template's tables that make no difference to any engine."""
STREAM = "StreamSpecification"
ACTIVE_POLL = {"Delay": 0.02, "MaxAttempts": 500}


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine; its tables are called as in the template.

    Many tests share it: each uses keys that no other has, or begins with ``empty``. The fixture ``engine_aws`` is our
    client of it; who needs several that know nothing of each other makes more, with ``AWS(engine.endpoint)``.
    """

    name: EngineName
    endpoint: Endpoint
    botocore: Any = field(repr=False)
    """AWS's own client of DynamoDB: a second opinion on what ours has written."""

    @property
    def returns_failed_items(self) -> bool:
        """Whether a write whose condition fails returns the item when it asks for it, as AWS does."""
        return self.name == "moto"

    def items(self, table: str) -> list[Item]:
        """All that is in a table, in no order."""
        pages = self.botocore.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def empty(self, table: str) -> None:
        """Delete all that is in a table."""
        schema = self.botocore.describe_table(TableName=table)["Table"]["KeySchema"]
        names = [part["AttributeName"] for part in schema]
        for item in self.items(table):
            self.botocore.delete_item(TableName=table, Key={name: item[name] for name in names})


@contextmanager
def running_engine(name: EngineName) -> Iterator[Engine]:
    """Run an engine with the template's tables while the context lasts."""
    with running(name) as endpoint, closing(botocore_client(endpoint, "dynamodb")) as botocore:
        _create_tables(name, botocore)
        yield Engine(name, endpoint, botocore)


def _create_tables(name: EngineName, botocore: Any) -> None:
    """Create the template's tables, with what the engine knows of their properties, and wait for them."""
    unknown = LEFT_OUT | {STREAM} if name == "dynalite" else LEFT_OUT
    tables = {
        table: resource["Properties"]
        for table, resource in blueprint().stack["Resources"].items()
        if resource["Type"] == TABLE
    }
    for table, properties in tables.items():
        members = {member: value for member, value in properties.items() if member not in unknown}
        if STREAM in members:  # CloudFormation takes it that who describes a stream wants one
            members[STREAM] = {"StreamEnabled": True, **members[STREAM]}
        botocore.create_table(TableName=table, **members)
    for table in tables:
        botocore.get_waiter("table_exists").wait(TableName=table, WaiterConfig=ACTIVE_POLL)
