"""What stands in the idempotency table: the items of a turn and of a reply's parts, and what they say to a request.

Part 0 of an id is the record: whose turn it is, and until when; then, that its reply is there, with the reply's first
part. The others are parts 1 and up. Binary values are in base64, as DynamoDB's protocol has them.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sluice.stores.aws import Item
from sluice.stores.kept_replies import KeptReply

RECORD = 0
EARLIER = "earlier"
MOST_EARLIER = 20
"""Each of them was dead for a minute before the next one came."""
RUNNING = "running"
DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A request that asks for its turn. Times are in epoch seconds.

    Attributes:
        id: of the Idempotency-Key, among those of all API keys: a digest, for what clients send is not stored.
        request_id: of this request; sorts by time.
        body_hash: of what is asked for.
        begun_at: now.
        running_until: when this process is surely dead, if nothing was heard of the request.
        expires_at: until when the reply is kept.
    """

    id: str
    request_id: str
    body_hash: str
    begun_at: int
    running_until: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Begun:
    """It is the request's turn: it has to be finished or forgotten.

    ``earlier`` are the ids of requests for the same thing that died in this turn, or gave it up after one that did: any
    of them may have left something behind.
    """

    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """An earlier request is still being answered. Times are in epoch seconds, as in its ``Claim``."""

    begun_at: int
    running_until: int


@dataclass(frozen=True, slots=True)
class Done:
    """An earlier request was answered, with this."""

    reply: KeptReply


@dataclass(frozen=True, slots=True)
class OtherBody:
    """An earlier request, running or answered, asked for something else."""


type Beginning = Begun | Running | Done | OtherBody


class MalformedRecordError(Exception):
    """A record is in a state that this code does not know."""


def claimed(claim: Claim, earlier: tuple[str, ...] = ()) -> Item:
    """The record of a turn that is taken, after those of earlier requests."""
    found = {
        **key_of(claim.id, RECORD),
        "request_id": {"S": claim.request_id},
        "body_hash": {"S": claim.body_hash},
        "state": {"S": RUNNING},
        "begun_at": number(claim.begun_at),
        "running_until": number(claim.running_until),
        "expires_at": number(claim.expires_at),
    }
    return found | ({EARLIER: {"S": " ".join(earlier)}} if earlier else {})


def taken_over(record: Item, claim: Claim) -> tuple[str, ...]:
    """Whose turns a claim takes, by the record in whose place it is put; none if that was for something else."""
    if record["body_hash"]["S"] != claim.body_hash:
        return ()
    return (*earlier_in(record), record["request_id"]["S"])[-MOST_EARLIER:]


def earlier_in(record: Item) -> tuple[str, ...]:
    """Whose turns a record's request has taken over."""
    return tuple(record[EARLIER]["S"].split(" ")) if EARLIER in record else ()


def part_of(claim: Claim, position: int, part: bytes) -> Item:
    """A further part of a turn's reply."""
    return {
        **key_of(claim.id, position),
        "request_id": {"S": claim.request_id},
        "expires_at": number(claim.expires_at),
        "reply": binary(part),
    }


def is_free(record: Item, now: int) -> bool:
    """Whether a record is in nobody's way: its reply has expired, or its process is dead."""
    if number_in(record, "expires_at") <= now:
        return True
    return record["state"]["S"] == RUNNING and number_in(record, "running_until") <= now


def key_of(record_id: str, position: int) -> dict[str, Any]:
    """The key of an item."""
    return {"id": {"S": record_id}, "part": number(position)}


def number(value: int) -> dict[str, str]:
    """A number as DynamoDB takes it."""
    return {"N": str(value)}


def number_in(item: Item, name: str) -> int:
    """A number of an item."""
    return int(item[name]["N"])


def binary(data: bytes) -> dict[str, str]:
    """Bytes as DynamoDB takes them."""
    return {"B": base64.b64encode(data).decode()}


def reply_in(item: Item) -> bytes:
    """The part of a reply in an item."""
    return base64.b64decode(item["reply"]["B"])


def texts(members: Mapping[str, str]) -> dict[str, Any]:
    """Texts by name as DynamoDB takes them."""
    return {"M": {name: {"S": text} for name, text in members.items()}}


def texts_in(item: Item, name: str) -> dict[str, str]:
    """Texts by name of an item; none where it was written before they were."""
    return {key: value["S"] for key, value in item.get(name, {"M": {}})["M"].items()}
