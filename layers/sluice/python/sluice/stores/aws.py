"""The way to AWS that every store shares: signed calls of the JSON protocol, and what AWS's failures mean here.

DynamoDB, Secrets Manager, Step Functions and KMS all speak it: one POST, ``X-Amz-Target`` names the operation, the
members are JSON. botocore, whose service clients would add 90 ms of CPU time to every cold start and need a thread for
every call, stays out. What else an operator's command needs of AWS is in ``stores.stacks``.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

import asyncio
import functools
import random
import ssl
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import certifi
from pydantic_core import from_json, to_json

from sluice.config import aws_variables
from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.stores.access import Access, Endpoint, access_to
from sluice.stores.connections import ConnectionBrokenError, Connections, Reply
from sluice.wire.sigv4 import signed_headers

if TYPE_CHECKING:
    from sluice.stores.s3 import BucketClient

CONNECT_SECONDS = 1.0
ATTEMPT_SECONDS = 3.0
"""A key-value read takes milliseconds: one that takes seconds is lost, and another attempt is the better bet."""
ATTEMPTS = 3
BACKOFF_SECONDS = 0.05
"""Doubled for each further attempt, times a random factor up to 1."""

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
PASSING_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})

RETRY_AFTER_SECONDS = 1

type Item = dict[str, Any]
"""A DynamoDB item as the protocol has it: attribute name to ``{type: value}``."""


class AWSError(Exception):
    """AWS refused a call for a reason that no repetition mends: a fault of the deployment or of ours.

    Attributes:
        code: AWS's name for it.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code


class UnansweredError(OverloadedError):
    """No reply came to a call, or one that AWS failed inside: nobody knows whether it was carried out, or will be."""


class ConditionFailedError(Exception):
    """A conditional write found another state than it asked for.

    Attributes:
        item: the item as it stands, if the write asked for it (``ReturnValuesOnConditionCheckFailure``);
            empty if there is none.
    """

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of a write does not hold")
        self.item = item


class Service(NamedTuple):
    """A service of the JSON protocol.

    Attributes:
        name: in host names and signatures.
        identifier: in names of variables, such as ``AWS_ENDPOINT_URL_SFN``.
        target: in ``X-Amz-Target``.
        version: of the protocol, in content types.
    """

    name: str
    identifier: str
    target: str
    version: str


DYNAMODB = Service("dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0")
SECRETS_MANAGER = Service("secretsmanager", "SECRETS_MANAGER", "secretsmanager", "1.1")
STEP_FUNCTIONS = Service("states", "SFN", "AWSStepFunctions", "1.0")


class Client:
    """Calls one service.

    Args:
        service: which one.
        access: where it is, and with which credentials.
        connections: to it.
    """

    def __init__(self, service: Service, access: Access, connections: Connections) -> None:
        self.access = access
        self._service = service
        self._connections = connections
        self._host = urlsplit(access.url).netloc

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Make one call, again if that may help, and return its result.

        A call whose reply is lost is made again although it may have been carried out: every write here is
        conditional, or harmless to repeat.

        Raises:
            OverloadedError: AWS throttles, fails or cannot be reached.
            UnansweredError: the same, and the call may have been carried out.
            ConditionFailedError: the write was conditional and its condition does not hold.
            AWSError: anything else.
        """
        return await self.call_anew(operation, lambda _: members)

    async def call_anew(self, operation: str, members_of: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        """The same, with members of its own for each attempt, which are counted from 0.

        An attempt that was given up may be carried out at any later time, also when what another one did is undone
        again: then its members tell that it is not that one.
        """
        unanswered = False
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.random())  # noqa: S311 - spreads load only
            try:
                return result_of(operation, await self._attempt(operation, to_json(members_of(attempt))))
            except (ConnectionBrokenError, OverloadedError) as error:
                failure = error
                unanswered |= isinstance(error, ConnectionBrokenError | UnansweredError)
        logger.warning("%s of %s failed %d times: %s", operation, self._service.name, ATTEMPTS, failure)
        raise overloaded(UnansweredError if unanswered else OverloadedError) from failure

    async def _attempt(self, operation: str, body: bytes) -> Reply:
        headers = signed_headers(
            "POST",
            self.access.url,
            {
                "host": self._host,
                "content-type": f"application/x-amz-json-{self._service.version}",
                "x-amz-target": f"{self._service.target}.{operation}",
            },
            body,
            service=self._service.name,
            region=self.access.region,
            credentials=await self.access.credentials(),
            now=time.time(),
        )
        return await self._connections.post(list(headers.items()), body, seconds=ATTEMPT_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()


class AWS:
    """The services, each with its own connections, made when first asked for.

    Args:
        endpoint: where to go instead of AWS itself.
        tls: makes the TLS context; it is slow to make, so that others may share theirs.
    """

    def __init__(
        self, endpoint: Endpoint | None = None, *, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._endpoint = endpoint
        self._tls = functools.cache(tls or default_tls)
        self._closing: list[Callable[[], None]] = []

    @functools.cached_property
    def dynamodb(self) -> Client:
        """The tables."""
        return self._client(DYNAMODB)

    @functools.cached_property
    def secretsmanager(self) -> Client:
        """The provider credentials of a deployment."""
        return self._client(SECRETS_MANAGER)

    @functools.cached_property
    def states(self) -> Client:
        """The state machines."""
        return self._client(STEP_FUNCTIONS)

    def bucket(self, name: str) -> "BucketClient":
        """A bucket of S3: in the path of an emulator's address, in the host's name of AWS's."""
        # Imported here: most functions have nothing to do with it.
        from sluice.stores.s3 import BucketClient

        variables = aws_variables("S3")
        access = access_to("s3", variables, self._endpoint)
        path_style = self._endpoint is not None or variables.endpoint_url is not None
        client = BucketClient(access, name, path_style=path_style, tls=self._tls)
        self._closing.append(client.close)
        return client

    def _client(self, service: Service) -> Client:
        variables = aws_variables(service.identifier)
        access = access_to(service.name, variables, self._endpoint)
        client = Client(
            service, access, Connections(access.url, tls=self._tls, connect_seconds=CONNECT_SECONDS)
        )
        self._closing.append(client.close)
        return client

    def close(self) -> None:
        """Close all connections."""
        for close in self._closing:
            close()


def default_tls() -> ssl.SSLContext:
    """Trusts certifi's authorities, as botocore and httpx do."""
    return ssl.create_default_context(cafile=certifi.where())


def result_of(operation: str, reply: Reply) -> dict[str, Any]:
    """A reply's JSON, or the error it stands for.

    Raises:
        OverloadedError, UnansweredError, ConditionFailedError, AWSError: see ``Client.call``.
        ConnectionBrokenError: the body is not what was sent.
    """
    checksum = reply.headers.get("x-amz-crc32")
    if checksum is not None and int(checksum) != zlib.crc32(reply.body):
        raise ConnectionBrokenError("the checksum of a reply is wrong")
    try:
        members = from_json(reply.body) if reply.body else {}
    except ValueError:
        members = None
    if not isinstance(members, dict):
        members = {}
        if reply.status == 200:
            raise ConnectionBrokenError("a reply is not a JSON object")
    if reply.status == 200:
        return members
    raise error_of(operation, reply.status, members)


def error_of(operation: str, status: int, members: dict[str, Any]) -> Exception:
    """What a failed call means."""
    code = str(members.get("__type", "")).rpartition("#")[2].partition(":")[0]
    if code == CONDITION_FAILED:
        return ConditionFailedError(members.get("Item", {}))
    reasons = members.get("CancellationReasons", []) if code == TRANSACTION_CANCELED else []
    for reason in reasons:  # a lost condition outweighs a conflict, which may pass
        if reason.get("Code") == "ConditionalCheckFailed":
            return ConditionFailedError(reason.get("Item", {}))
    if status >= 500:  # AWS says that a write may have been carried out then
        return overloaded(UnansweredError)
    if code in OVERLOADED_CODES or any(reason.get("Code") in PASSING_REASONS for reason in reasons):
        return overloaded()
    return AWSError(
        operation, code or str(status), str(members.get("message") or members.get("Message") or "")
    )


def overloaded(kind: type[OverloadedError] = OverloadedError) -> OverloadedError:
    """What a client is told while AWS throttles or fails."""
    return kind("The gateway's storage is busy; try again.", retry_after=RETRY_AFTER_SECONDS)
