"""The way to AWS that every store shares: clients, threads, and what AWS's failures mean here.

boto3's clients block, so their calls run in threads of their own behind async functions; nothing outside
``stores`` knows. The clients are made by botocore, boto3's own engine: importing boto3 itself would add its
resources and S3 transfers, which nothing here uses, to every cold start.
"""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from sluice.errors import OverloadedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

THREADS = 32
"""Calls in flight at once, for one process. A call takes milliseconds, so this carries thousands a second;
each thread has a pooled connection."""

CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=THREADS,
    tcp_keepalive=True,
)
"""A key-value read takes milliseconds: one that takes seconds is lost, and another attempt is the better
bet."""

LOCAL_CONFIG = Config(proxies={}, read_timeout=60)
"""For a stand-in on this machine: no proxy leads there, and it may be slow without being lost."""

CONDITION_FAILED = "ConditionalCheckFailedException"
TRANSACTION_CANCELED = "TransactionCanceledException"

OVERLOADED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Error codes that say "later", whatever the service: its throttling and its own faults."""

OVERLOADED_CLASSES = (UnreachableError, HTTPClientError)
"""botocore's two roots for "the service could not be reached or did not answer in time"."""

RETRY_AFTER_SECONDS = 1

type Item = dict[str, Any]
"""A DynamoDB item as the client gives it: attribute name to ``{type: value}``."""


class ConditionFailedError(Exception):
    """A conditional write found another state than it asked for.

    Attributes:
        item: the item as it stands, if the write asked for it (``ReturnValuesOnConditionCheckFailure``);
            empty if there is none.
    """

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An AWS that is not the default one: the development server's.

    Its credentials are made up here, so that a call to it can never carry, or use, real ones.
    """

    url: str
    region: str


class AWS:
    """One client per service, made when first asked for, and the threads their calls run in.

    Args:
        endpoint: where to go instead of AWS itself; credentials and region are the environment's otherwise.
    """

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
        self._options: dict[str, Any] = {"config": CONFIG}
        if endpoint is not None:
            self._options = {
                "config": CONFIG.merge(LOCAL_CONFIG),
                "endpoint_url": endpoint.url,
                "region_name": endpoint.region,
                "aws_access_key_id": "local",
                "aws_secret_access_key": "local",
            }

    @functools.cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The tables."""
        return cast("DynamoDBClient", self._client("dynamodb"))

    @functools.cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        """The provider credentials of a deployment."""
        return cast("SecretsManagerClient", self._client("secretsmanager"))

    @functools.cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """The deployed stacks and what they are made of."""
        return cast("CloudFormationClient", self._client("cloudformation"))

    def _client(self, service: str) -> object:
        return botocore.session.get_session().create_client(service, **self._options)

    async def run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one call of a client in a thread.

        A cancelled caller does not wait for it, but the call is made to its end: a write may have happened.

        Raises:
            OverloadedError: AWS throttles, fails or cannot be reached.
            ConditionFailedError: the write was conditional and its condition does not hold.
            botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: anything else, which is a
                fault of the deployment or of ours.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, functools.partial(call, *args, **kwargs))
        except (ClientError, BotoCoreError) as error:
            raise translated(error) from error

    def close(self) -> None:
        """Let the threads end; a call under way is waited for."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def error_code(error: ClientError) -> str:
    """The name by which an AWS service reports an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: ClientError | BotoCoreError) -> Exception:
    """What a failure of AWS means to the gateway; the error itself if it means nothing in particular."""
    if isinstance(error, OVERLOADED_CLASSES):
        return _overloaded()
    if not isinstance(error, ClientError):
        return error
    code = error_code(error)
    if code == CONDITION_FAILED:
        return ConditionFailedError(cast("dict[str, Any]", error.response).get("Item", {}))
    if code == TRANSACTION_CANCELED:
        return _cancelled(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _overloaded() if code in OVERLOADED_CODES or status >= 500 else error


def _cancelled(error: ClientError) -> Exception:
    """A transaction tells one reason per action: a lost condition outweighs a conflict, which may pass."""
    reasons = cast("dict[str, Any]", error.response).get("CancellationReasons", [])
    for reason in reasons:
        if reason.get("Code") == "ConditionalCheckFailed":
            return ConditionFailedError(reason.get("Item", {}))
    passing = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
    return _overloaded() if any(reason.get("Code") in passing for reason in reasons) else error


def _overloaded() -> OverloadedError:
    return OverloadedError("The gateway's storage is busy; try again.", retry_after=RETRY_AFTER_SECONDS)
