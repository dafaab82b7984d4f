"""What can go wrong with one call that a gateway makes, to DynamoDB or to a provider."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from mock_http import Received

TARGET = "x-amz-target"
PROVIDER = "provider"
"""The name of a call to the provider. A call to DynamoDB is called ``<operation> <table>``."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request of the gateway's; its ``number`` counts from 1 in the order of arrival."""

    number: int
    name: str
    received: Received

    def mentions(self, text: str) -> bool:
        """Whether the body has this text."""
        return text.encode() in self.received.body


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call that was carried out."""

    call: Call
    status: int
    body: bytes


def name_of(received: Received) -> str:
    """What a call is called."""
    if TARGET not in received.headers:
        return PROVIDER
    operation = received.headers[TARGET].rpartition(".")[2]
    return f"{operation} {json.loads(received.body).get('TableName', '')}".rstrip()


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    """It is answered with an error in its target's place; it may have been carried out all the same."""

    status: int
    body: bytes
    carried_out: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """Its connection breaks, and something happens just before, as the death of the gateway.

    That is before the call is carried out; or, if it is ``carried_out``, when ``pieces`` of the reply have come through:
    none of it, or so many events of a stream.
    """

    carried_out: bool
    pieces: int = 0
    then: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No reply comes as long as the gateway waits for one, whether the call is carried out or not."""

    carried_out: bool


@dataclass(frozen=True, slots=True)
class Late:
    """No reply comes, and the call is carried out at last when nobody waits for it any more and ``due`` is set.

    ``done`` is set then.
    """

    due: asyncio.Event
    done: asyncio.Event


@dataclass(frozen=True, slots=True)
class Preceded:
    """Something else happens just before."""

    by: Callable[[], Awaitable[object]]


Fault = Refused | Broken | Unanswered | Late | Preceded
Judge = Callable[[Call], Fault | None]
"""Decides on a call, when it comes in, what is to go wrong with it; None is nothing."""


def nothing_goes_wrong(_: Call) -> Fault | None:
    """The judge of a world without faults."""
    return None


def aws_error(code: str, status: int = 400, *, carried_out: bool = False) -> Refused:
    """An error of DynamoDB's."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "made by the test"}
    return Refused(status, json.dumps(body).encode(), carried_out)


class Trouble:
    """Lets go wrong one call of an account's, and those after it that have its name.

    Args:
        names: of the account; a call that mentions none of them is another's.
        way: what the account's calls are called from now on, the one to go wrong last; others may come between, as
            when one is repeated.
        faults: for one call after the other; when there are no more, nothing goes wrong.
    """

    def __init__(self, names: Iterable[str], way: Iterable[str], faults: Iterable[Fault]) -> None:
        self._names = tuple(names)
        self._way = deque(way)
        self._faults = deque(faults)

    def judge(self, call: Call) -> Fault | None:
        """The judge of calls, see ``Judge``."""
        if call.name != self._way[0] or not any(call.mentions(name) for name in self._names):
            return None
        if len(self._way) > 1:
            self._way.popleft()
            return None
        return self._faults.popleft() if self._faults else None
