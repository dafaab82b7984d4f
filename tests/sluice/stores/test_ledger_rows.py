"""Ledger rows and their items."""

from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.stores.ledger_rows import (
    ROLLED_UP,
    LedgerRow,
    MalformedRowError,
    RowStatus,
    item_of,
    row_of,
)

WHOLE = st.integers(0, 10**21)
TEXT = st.text(max_size=20)
STATUSES: st.SearchStrategy[RowStatus] = st.sampled_from(get_args(RowStatus))
BY_TYPE: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: WHOLE,
    bool: st.booleans(),
    int | None: st.none() | WHOLE,
    str | None: st.none() | TEXT,
    RowStatus: STATUSES,
}
ROWS = st.builds(LedgerRow, **{field.name: BY_TYPE[field.type] for field in fields(LedgerRow)})
ROW = LedgerRow(
    key_id="key_1",
    request_id="req_1",
    period="2026-11",
    status="complete",
    settled_at=1_795_219_200_000,
    cost=1350,
    prompt_tokens=9,
    estimated=True,
    first_byte_ms=0,
)


@given(ROWS)
def test_a_row_survives_its_item(row: LedgerRow) -> None:
    assert row_of(item_of(row)) == row


@given(ROWS)
def test_an_item_has_no_attribute_that_says_nothing(row: LedgerRow) -> None:
    item = item_of(row)
    assert {"key_id", "request_id", "period", "status", "settled_at", "cost"} <= item.keys()
    assert all(attribute != {"NULL": True} for attribute in item.values())
    assert ("estimated" in item) is row.estimated
    assert ("first_byte_ms" in item) is (row.first_byte_ms is not None)


def test_an_item_is_of_dynamodbs_types() -> None:
    assert item_of(ROW) == {
        "key_id": {"S": "key_1"},
        "request_id": {"S": "req_1"},
        "period": {"S": "2026-11"},
        "status": {"S": "complete"},
        "settled_at": {"N": "1795219200000"},
        "cost": {"N": "1350"},
        "prompt_tokens": {"N": "9"},
        "estimated": {"BOOL": True},
        "first_byte_ms": {"N": "0"},
    }


def test_a_row_from_before_cache_writes_were_counted_has_none() -> None:
    assert "cache_write_tokens" not in item_of(ROW)
    assert row_of(item_of(ROW)).cache_write_tokens == 0


def test_the_mark_of_a_rolled_up_row_is_no_part_of_it() -> None:
    assert row_of(item_of(ROW) | {ROLLED_UP: {"BOOL": True}}) == ROW


@pytest.mark.parametrize(
    "change",
    [
        {"colour": {"S": "red"}},
        {"key_id": None},
        {"cost": None},
        {"status": None},
        {"status": {"S": "paid"}},
        {"status": {"N": "1"}},
        {"cost": {"S": "1350"}},
        {"cost": {"N": "1.5"}},
        {"cost": {"N": ""}},
        {"owner": {"N": "1"}},
        {"owner": {"NULL": True}},
        {"estimated": {"N": "1"}},
        {"estimated": {"S": "true"}},
        {"settled_at": {"BOOL": True}},
        {"request_hash": {"BOOL": True}},
        {"first_byte_ms": {"S": "1"}},
    ],
    ids=str,
)
def test_an_item_that_is_not_understood_is_refused_by_its_attribute(change: dict[str, Any]) -> None:
    item = item_of(ROW) | change
    with pytest.raises(MalformedRowError, match=next(iter(change))):
        row_of({name: value for name, value in item.items() if value is not None})
