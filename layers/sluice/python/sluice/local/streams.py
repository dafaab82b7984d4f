"""Feeds functions from the streams of tables, as Lambda's event source mappings do.

Records are delivered in order. What a function fails to take is delivered again, and what comes after it waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sluice.local.event_sources import Record, StreamSource
from sluice.local.invocations import Handler, invoke
from sluice.observability import logger
from sluice.stores.aws import Client, Service

DYNAMODB_STREAMS = Service("dynamodb", "DYNAMODB_STREAMS", "DynamoDBStreams_20120810", "1.0")
"""Its signatures name it as if it were DynamoDB itself."""

POLL_SECONDS = 0.2
MAX_WAIT_SECONDS = 30.0
"""Between deliveries of what fails again and again; each wait is twice the one before."""


class TableStream:
    """The stream of a table, read from its beginning. It has one shard: moto never makes another.

    Args:
        dynamodb: has the table.
        streams: has its stream.
        table: the table's name.
    """

    def __init__(self, dynamodb: Client, streams: Client, table: str) -> None:
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table
        self._arn: str | None = None
        self._iterator: str | None = None
        self._last: str | None = None

    async def read(self, limit: int) -> Sequence[Record]:
        """The next records, no more than ``limit``, in the form in which Lambda hands them on.

        Raises:
            OverloadedError: there was no answer; another attempt reads the same.
        """
        iterator, self._iterator = self._iterator or await self._position(), None
        reply = await self._streams.call("GetRecords", ShardIterator=iterator, Limit=limit)
        self._iterator = reply["NextShardIterator"]
        records = [{**record, "eventSourceARN": self._arn} for record in reply["Records"]]
        if records:
            self._last = records[-1]["dynamodb"]["SequenceNumber"]
        return records

    async def _position(self) -> str:
        if self._arn is None:
            description = await self._dynamodb.call("DescribeTable", TableName=self._table)
            self._arn = description["Table"]["LatestStreamArn"]
        stream = await self._streams.call("DescribeStream", StreamArn=self._arn)
        (shard,) = stream["StreamDescription"]["Shards"]
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._last is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last}
        reply = await self._streams.call(
            "GetShardIterator", StreamArn=self._arn, ShardId=shard["ShardId"], **where
        )
        return str(reply["ShardIterator"])


async def feed_from_stream(
    name: str,
    handler: Handler,
    source: StreamSource,
    read: Callable[[int], Awaitable[Sequence[Record]]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Hand on what a stream has, until cancelled.

    Args:
        name: the function's, for the log.
        handler: the function.
        source: what it takes of the stream.
        read: reads the next records.
        sleep: waits for so many seconds.
    """
    records: Sequence[Record] = ()
    wait = POLL_SECONDS
    while True:
        await sleep(wait)
        longer = min(2 * wait, MAX_WAIT_SECONDS)
        try:
            records = records or [record for record in await read(source.batch_size) if source.takes(record)]
            left = await _deliver(handler, source, records) if records else ()
        except Exception:  # whatever a function raises: Lambda delivers the records again
            logger.exception("%s, called by the stream of %s, failed", name, source.table)
            wait = longer
        else:
            wait = longer if len(left) == len(records) > 0 else POLL_SECONDS
            records = left


async def _deliver(handler: Handler, source: StreamSource, records: Sequence[Record]) -> Sequence[Record]:
    """Call the function; those of the records that have to be delivered again."""
    reply = await invoke(handler, {"Records": records})
    return records[_first_failure(reply, records) :] if source.reports_failures else ()


def _first_failure(reply: Any, records: Sequence[Record]) -> int:
    """Where a function's reply says that the trouble begins; what it says of no record counts for all of them.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    failures = (reply or {}).get("batchItemFailures") or []
    failed = [failure.get("itemIdentifier") for failure in failures]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    if not set(failed) <= set(numbers):
        return 0
    return min(map(numbers.index, failed), default=len(records))
