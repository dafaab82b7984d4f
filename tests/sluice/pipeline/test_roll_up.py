"""What becomes of an event of the ledger's stream."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest

from made_rows import ledger_row
from sluice.observability import logger
from sluice.pipeline.roll_up import roll_up
from sluice.stores.ledger_rows import LedgerRow, item_of
from sluice.stores.usage import PartlyAddedError, UsageStore
from stream_events import event, record, sequence_numbers

ROWS = [ledger_row(f"req_{number}") for number in range(4)]


class FakeUsage:
    """Takes down what is added; ``left`` is not."""

    def __init__(self, left: Iterable[LedgerRow] = ()) -> None:
        self.left = list(left)
        self.added: list[LedgerRow] = []

    async def add(self, rows: Iterable[LedgerRow]) -> None:
        """As the store's."""
        self.added += rows
        if self.left:
            raise PartlyAddedError(self.left)


async def rolled_up(usage: FakeUsage, event: dict[str, Any]) -> str | None:
    return await roll_up(cast("UsageStore", usage), event)


async def test_new_rows_are_added_in_the_streams_order() -> None:
    usage = FakeUsage()
    assert await rolled_up(usage, event(ROWS)) is None
    assert usage.added == ROWS


@pytest.mark.parametrize("left", [[2], [3, 1], [0, 1, 2, 3]])
async def test_the_stream_delivers_again_from_the_first_row_that_is_left(left: list[int]) -> None:
    delivered = event(ROWS)
    failed = await rolled_up(FakeUsage(ROWS[index] for index in left), delivered)
    assert failed == sequence_numbers(delivered)[min(left)]


async def test_marks_on_rows_and_their_end_are_passed_over() -> None:
    usage = FakeUsage()
    changed = item_of(ROWS[0]) | {"rolled_up": {"BOOL": True}}
    records = [record(0, changed, "MODIFY"), record(1, item_of(ROWS[1])), record(2, changed, "REMOVE")]
    assert await rolled_up(usage, {"Records": records}) is None
    assert usage.added == [ROWS[1]]


@pytest.mark.parametrize(
    "image",
    [
        item_of(ROWS[0]) | {"surprise": {"S": "secret"}},
        item_of(ROWS[0]) | {"cost": {"S": "secret"}},
        item_of(ROWS[0]) | {"settled_at": {"N": "9" * 30}},
        item_of(replace(ROWS[0], owner="")),
        {name: value for name, value in item_of(ROWS[0]).items() if name in {"key_id", "request_id"}},
    ],
    ids=["unknown attribute", "wrong type", "no time", "no owner", "nothing but the key"],
)
async def test_what_is_no_row_is_logged_by_its_key_and_holds_nothing_up(
    image: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    usage = FakeUsage()
    records = [record(0, image), record(1, item_of(ROWS[1]))]
    with caplog.at_level(logging.ERROR):
        assert await rolled_up(usage, {"Records": records}) is None
    assert usage.added == [ROWS[1]]
    (line,) = caplog.messages
    assert "key_a" in line
    assert "req_0" in line
    assert "secret" not in line


async def test_a_record_without_an_image_is_no_row_either() -> None:
    usage = FakeUsage()
    only_keys = record(0, item_of(ROWS[0]))
    del only_keys["dynamodb"]["NewImage"]
    assert await rolled_up(usage, {"Records": [only_keys]}) is None
    assert usage.added == []
