"""The stand-in for AWS as a process."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev_server import stops_listening
from local_stack import botocore_client
from sluice.local.aws_process import LocalAWS, LocalAWSError

OPERATIONS = 300
WORKERS = 16
START_AND_DIE = """
import os, signal
from sluice.local.aws_process import LocalAWS
local_aws = LocalAWS()
print(local_aws.endpoint.url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_with_its_context() -> None:
    with LocalAWS() as local_aws:
        assert local_aws.endpoint.url.startswith("http://127.0.0.1:")
        assert local_aws.endpoint == local_aws.endpoint
        pid = local_aws.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_when_its_parent_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START_AND_DIE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -9
    assert stops_listening(done.stdout.strip())


def test_a_start_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.local.aws_process.MODULE", "sluice.no.such.module")
    with LocalAWS() as local_aws, pytest.raises(LocalAWSError):
        _ = local_aws.endpoint


def test_of_conditional_writes_no_more_succeed_than_can() -> None:
    """moto by itself checks a condition and then acts, so that two threads may both pass."""
    with LocalAWS() as local_aws, ThreadPoolExecutor(WORKERS) as workers:
        client = botocore_client(local_aws.endpoint, "dynamodb")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        )
        client.put_item(TableName="t", Item={"k": {"S": "a"}, "left": {"N": str(OPERATIONS // 2)}})

        def take(_: int) -> bool:
            values: Any = {":one": {"N": "1"}}
            try:
                client.update_item(
                    TableName="t",
                    Key={"k": {"S": "a"}},
                    UpdateExpression="SET #left = #left - :one",
                    ConditionExpression="#left >= :one",
                    ExpressionAttributeNames={"#left": "left"},
                    ExpressionAttributeValues=values,
                )
            except ClientError:
                return False
            return True

        taken = sum(workers.map(take, range(OPERATIONS)))
        item = client.get_item(TableName="t", Key={"k": {"S": "a"}})["Item"]
    assert (taken, item["left"]) == (OPERATIONS // 2, {"N": "0"})
