"""Functions that the stream of a table calls."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from engines import Engine
from made_rows import ledger_row, put_rows
from sluice.errors import OverloadedError
from sluice.local.event_sources import Pattern, Record, StreamSource
from sluice.local.streams import DYNAMODB_STREAMS, POLL_SECONDS, TableStream, feed_from_stream
from sluice.observability import logger
from sluice.stores.access import MADE_UP, Access
from sluice.stores.aws import AWS, Client, default_tls
from sluice.stores.connections import Connections
from sluice.stores.ledger_rows import item_of
from stream_events import record

SOURCE = StreamSource("Rows", 3, (), reports_failures=True)
RECORDS = [record(number, item_of(ledger_row(f"req_{number}"))) for number in range(6)]
NUMBERS = [each["dynamodb"]["SequenceNumber"] for each in RECORDS]


class Stream:
    """Records in memory; ``waits`` is how often a feeder may wait before it is ended."""

    def __init__(self, records: Sequence[Record], waits: int) -> None:
        self._records = list(records)
        self._waits = waits
        self.slept: list[float] = []
        self.faults: list[Exception] = []

    async def read(self, limit: int) -> Sequence[Record]:
        if self.faults:
            raise self.faults.pop()
        found, self._records = self._records[:limit], self._records[limit:]
        return found

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) == self._waits:
            raise asyncio.CancelledError
        self.slept.append(seconds)


class Function:
    """A handler that takes down what it gets, and answers in turn with what it is told to answer."""

    def __init__(self, *answers: Any) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self.got: list[list[int]] = []

    def __call__(self, event: Any, _: Any) -> Any:
        self.got.append([NUMBERS.index(each["dynamodb"]["SequenceNumber"]) for each in event["Records"]])
        answer = next(self._answers, None)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def fed(function: Callable[..., Any], stream: Stream, source: StreamSource = SOURCE) -> None:
    with pytest.raises(asyncio.CancelledError):
        await feed_from_stream("One", function, source, stream.read, stream.sleep)


def failures(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


async def test_records_come_in_batches_and_in_order() -> None:
    function, stream = Function(), Stream(RECORDS[:5], 4)
    await fed(function, stream)
    assert function.got == [[0, 1, 2], [3, 4]]
    assert stream.slept == [POLL_SECONDS] * 4


async def test_records_that_the_function_does_not_take_are_passed_over() -> None:
    records = [RECORDS[0], {**RECORDS[1], "eventName": "MODIFY"}, RECORDS[2], *RECORDS[3:]]
    function = Function()
    await fed(function, Stream(records, 3), replace(SOURCE, patterns=(Pattern({"eventName": ["INSERT"]}),)))
    assert function.got == [[0, 2], [3, 4, 5]]


async def test_a_batch_without_a_record_to_take_calls_nobody() -> None:
    function = Function()
    await fed(function, Stream(RECORDS, 3), replace(SOURCE, patterns=(Pattern({"eventName": ["X"]}),)))
    assert function.got == []


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (failures(), None),
        (None, None),
        ({}, None),
        ({"batchItemFailures": None}, None),
        (failures(NUMBERS[1]), [1, 2]),
        (failures(NUMBERS[2], NUMBERS[1]), [1, 2]),
        (failures(NUMBERS[0]), [0, 1, 2]),
        (failures("no record's"), [0, 1, 2]),
        (failures(NUMBERS[2], ""), [0, 1, 2]),
        ({"batchItemFailures": [{}]}, [0, 1, 2]),
        ("nonsense", [0, 1, 2]),
        (KeyError("broken"), [0, 1, 2]),
    ],
)
async def test_what_failed_is_delivered_again_before_what_follows(
    answer: Any, again: list[int] | None
) -> None:
    function = Function(answer)
    await fed(function, Stream(RECORDS, 3))
    assert function.got == [[0, 1, 2], *([again] if again else []), [3, 4, 5]]


async def test_a_function_that_does_not_report_failures_has_taken_what_it_did_not_raise_for() -> None:
    function = Function(failures(NUMBERS[0]), KeyError("broken"))
    await fed(function, Stream(RECORDS, 3), replace(SOURCE, reports_failures=False))
    assert function.got == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]


async def test_what_fails_again_and_again_is_waited_for_longer_and_longer_and_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    answers = [KeyError("broken")] * 9 + [failures(NUMBERS[0]), failures(NUMBERS[1]), failures()]
    stream = Stream(RECORDS[:3], 13)
    with caplog.at_level(logging.ERROR):
        await fed(Function(*answers), stream)
    assert [round(seconds, 1) for seconds in stream.slept] == [
        *(0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0),
        *(0.2, 0.2),
    ]
    assert caplog.messages == ["One, called by the stream of Rows, failed"] * 9


async def test_a_stream_that_does_not_answer_is_asked_again() -> None:
    function, stream = Function(), Stream(RECORDS[:3], 3)
    stream.faults = [OverloadedError("later"), OverloadedError("later")]
    await fed(function, stream)
    assert function.got == [[0, 1, 2]]


@pytest.fixture
def table(engine: Engine) -> Iterator[str]:
    """A table with a stream."""
    name = f"Rows-{uuid4().hex}"
    engine.botocore.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": part, "AttributeType": "S"} for part in ("key_id", "request_id")
        ],
        KeySchema=[
            {"AttributeName": "key_id", "KeyType": "HASH"},
            {"AttributeName": "request_id", "KeyType": "RANGE"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    yield name
    engine.botocore.delete_table(TableName=name)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
async def test_a_tables_stream_is_read_from_its_beginning_and_on_whatever_fails(
    engine: Engine, engine_aws: AWS, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [ledger_row(f"req_{number}") for number in range(5)]
    connections = Connections(engine.endpoint.url, tls=default_tls, connect_seconds=1)
    access = Access(engine.endpoint.url, engine.endpoint.region, MADE_UP)
    with closing(Client(DYNAMODB_STREAMS, access, connections)) as streams:
        stream = TableStream(engine_aws.dynamodb, streams, table)
        assert await stream.read(10) == []
        await put_rows(engine_aws, rows, table)
        first = await stream.read(2)
        with monkeypatch.context() as patch:
            call = streams.call

            async def lost(operation: str, **members: Any) -> Any:
                await call(operation, **members)
                raise OverloadedError("the reply is lost")

            patch.setattr(streams, "call", lost)
            with pytest.raises(OverloadedError):
                await stream.read(2)
        rest = await stream.read(10)
    assert [each["dynamodb"]["NewImage"] for each in (*first, *rest)] == [item_of(row) for row in rows]
    for each in (*first, *rest):
        expected = record(0, {"key_id": {"S": ""}, "request_id": {"S": ""}})
        assert each.keys() == expected.keys()
        assert each["dynamodb"].keys() == expected["dynamodb"].keys()
        assert each["eventSourceARN"].startswith(
            f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}/stream/"
        )
        assert isinstance(each["dynamodb"]["ApproximateCreationDateTime"], int | float)
