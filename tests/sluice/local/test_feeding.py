"""``sluice dev`` feeds the functions that no request calls."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dev_server import DevServer, stops_listening
from local_stack import botocore_client
from made_rows import ledger_row, put_rows, sums_in, sums_of
from sluice.stores.aws import AWS
from sluice.stores.ledger_rows import LedgerRow

WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        yield running


def put(server: DevServer, rows: list[LedgerRow]) -> None:
    async def write() -> None:
        with closing(AWS(server.state.endpoint)) as aws:
            await put_rows(aws, rows, server.state.tables["LedgerTable"])

    asyncio.run(write())


def await_that(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def items(server: DevServer, table: str) -> list[dict[str, Any]]:
    client = botocore_client(server.state.endpoint, "dynamodb")
    found: list[dict[str, Any]] = client.scan(TableName=server.state.tables[table])["Items"]
    client.close()
    return found


def test_rows_of_the_ledger_come_to_be_in_the_usage_table(server: DevServer) -> None:
    owner = uuid4().hex
    rows = [ledger_row(f"req_{number:03}", key_id=f"key_{owner}", owner=owner) for number in range(250)]
    put(server, rows)

    def is_added_up() -> bool:
        sums = sums_in(item for item in items(server, "UsageTable") if item["owner"]["S"] == owner)
        return sums == sums_of(rows)

    assert await_that(is_added_up)
    marked = [item for item in items(server, "LedgerTable") if item["key_id"]["S"] == f"key_{owner}"]
    assert len(marked) == len(rows)
    assert all("rolled_up" in item for item in marked)


def test_its_start_is_a_deployment_after_which_it_is_known_how_all_models_are(server: DevServer) -> None:
    def states() -> dict[str, tuple[bool, str]]:
        found = httpx.get(f"{server.state.url}/v1/models/status", trust_env=False).json()
        return {row["model_id"]: (row["is_available"], row["health_status"]) for row in found["data"]}

    assert await_that(lambda: states()["demo"] == (True, "healthy"))
    assert await_that(lambda: states()["gpt-4o"] == (False, "unknown")), (
        "its provider's credential is not set"
    )
    assert states()["demo-embedding"] == (True, "healthy")


def test_told_to_end_while_it_feeds_it_ends_in_peace(tmp_path: Path) -> None:
    with DevServer(tmp_path) as server:
        put(server, [ledger_row(f"req_{number:04}") for number in range(1500)])
        assert await_that(lambda: bool(items(server, "UsageTable")))
        code, output = server.stop()
        assert (code, server.log.read_text()) == (0, "")
        assert output.strip() == ""
        assert stops_listening(server.state.aws_endpoint, 1)


def test_told_to_end_while_jobs_are_made_it_ends_in_peace(tmp_path: Path) -> None:
    with DevServer(tmp_path) as server:
        with httpx.Client(
            base_url=server.state.url, headers={"authorization": f"Bearer {server.key}"}, trust_env=False
        ) as client:
            for number in range(8):
                body = {"model": "demo-image", "prompt": f"number {number}", "n": 3, "async": True}
                assert client.post("/v1/images/generations", json=body).status_code == 202
        code, _ = server.stop()
        assert (code, server.log.read_text()) == (0, "")
        assert stops_listening(server.state.aws_endpoint, 1)
