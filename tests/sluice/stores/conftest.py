"""A stand-in for AWS with the template's tables, one for all tests of the stores."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_stack import botocore_client, local_stack
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore


@pytest.fixture(scope="session")
def made() -> Iterator[tuple[Endpoint, Stack]]:
    with local_stack() as found:
        yield found


@pytest.fixture(scope="session")
def aws(made: tuple[Endpoint, Stack]) -> Iterator[AWS]:
    clients = AWS(made[0])
    yield clients
    clients.close()


@pytest.fixture
def table(made: tuple[Endpoint, Stack]) -> str:
    return made[1].tables["KeysTable"]


@pytest.fixture(scope="session")
def dynamodb(made: tuple[Endpoint, Stack]) -> Any:
    return botocore_client(made[0], "dynamodb")


@pytest.fixture(scope="session")
def secretsmanager(made: tuple[Endpoint, Stack]) -> Any:
    return botocore_client(made[0], "secretsmanager")


@pytest.fixture
def store(aws: AWS, dynamodb: Any, table: str) -> Iterator[KeyStore]:
    """A store over an empty table."""
    yield KeyStore(aws, table)
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={"digest": item["digest"]})
