"""Events of the ledger's stream, as Lambda hands them to a function."""

from collections.abc import Iterable
from typing import Any

from sluice.stores.aws import Item
from sluice.stores.ledger_rows import LedgerRow, item_of


def record(number: int, image: Item, name: str = "INSERT") -> dict[str, Any]:
    """A record of the stream, the ``number``-th."""
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795262400.0,
            "Keys": {name: image[name] for name in ("key_id", "request_id")},
            "NewImage": image,
            "SequenceNumber": str(10**21 + number),
            "SizeBytes": 400,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/Ledger/stream/2026-11-21T00:00:00.000",
    }


def event(rows: Iterable[LedgerRow]) -> dict[str, Any]:
    """New rows, in this order."""
    return {"Records": [record(number, item_of(row)) for number, row in enumerate(rows)]}


def sequence_numbers(event: dict[str, Any]) -> list[str]:
    """Of an event's records."""
    return [each["dynamodb"]["SequenceNumber"] for each in event["Records"]]
