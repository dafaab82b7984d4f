"""What AWS's failures mean here."""

import threading
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, THREADS, ConditionFailedError, Endpoint, translated


def client_error(code: str, status: int = 400, **members: Any) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **members}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("RequestLimitExceeded"),
        client_error("InternalServerError", 500),
        client_error("Unheard-of", 503),
        client_error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}]),
        EndpointConnectionError(endpoint_url="x"),
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_an_overload_that_says_when_to_try_again(error: ClientError | BotoCoreError) -> None:
    found = translated(error)
    assert isinstance(found, OverloadedError)
    assert found.retry_after == 1


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDeniedException"),
        client_error("ResourceNotFoundException"),
        client_error("ValidationException"),
        client_error("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}]),
        NoCredentialsError(),
    ],
    ids=str,
)
def test_a_fault_of_the_deployment_stays_what_it_is(error: ClientError | BotoCoreError) -> None:
    assert translated(error) is error


def test_a_lost_condition_gives_the_item_as_it_stands() -> None:
    item = {"digest": {"S": "d"}}
    found = translated(client_error("ConditionalCheckFailedException", Item=item))
    assert isinstance(found, ConditionFailedError)
    assert found.item == item
    found = translated(
        client_error(
            "TransactionCanceledException",
            CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": item}],
        )
    )
    assert isinstance(found, ConditionFailedError)
    assert found.item == item


async def test_an_endpoint_that_refuses_connections_is_an_overload() -> None:
    aws = AWS(Endpoint("http://127.0.0.1:9", "us-east-1"))
    with pytest.raises(OverloadedError):
        await aws.run(aws.dynamodb.list_tables)
    aws.close()


async def test_calls_run_in_threads_of_their_own_and_their_errors_come_through() -> None:
    aws = AWS()

    def call(value: int) -> tuple[int, str]:
        return value, threading.current_thread().name

    value, thread = await aws.run(call, 7)
    assert value == 7
    assert thread.startswith("aws")

    def fail() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await aws.run(fail)
    aws.close()


def test_every_thread_has_a_connection() -> None:
    aws = AWS(Endpoint("http://127.0.0.1:9", "us-east-1"))
    assert aws.dynamodb.meta.config.max_pool_connections == THREADS  # type: ignore[attr-defined]
    assert aws.dynamodb is aws.dynamodb
    aws.close()


def test_an_endpoint_never_gets_the_users_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    aws = AWS(Endpoint("http://127.0.0.1:9", "us-east-1"))
    credentials = aws.dynamodb._request_signer._credentials  # type: ignore[attr-defined]
    assert credentials.access_key == "local"
    aws.close()
