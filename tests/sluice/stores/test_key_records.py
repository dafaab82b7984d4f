"""Key records and their items."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.accounting.periods import BudgetPeriod
from sluice.keys import digest_of, new_secret
from sluice.stores.key_records import (
    KeyRecord,
    KeyTerms,
    MalformedItemError,
    item_of,
    new_record,
    record_of,
)

WHOLE = st.integers(0, 10**15)
TEXT = st.text(max_size=20)
PERIODS: st.SearchStrategy[BudgetPeriod] = st.sampled_from(["lifetime", "daily", "monthly"])
RECORDS = st.builds(
    KeyRecord,
    digest=TEXT,
    id=TEXT,
    name=TEXT,
    owner=TEXT,
    prefix=TEXT,
    plan=TEXT,
    active=st.booleans(),
    created_at=WHOLE,
    expires_at=st.none() | WHOLE,
    models=st.none() | st.lists(TEXT, max_size=3).map(tuple),
    budget_nano_usd=st.none() | st.integers(0, 10**21),
    budget_period=st.none() | PERIODS,
    rpm=st.none() | WHOLE,
    tpm=st.none() | WHOLE,
    tpd=st.none() | WHOLE,
)
TERMS = KeyTerms(
    name="n", owner="o", plan="custom", models=("m",), budget_nano_usd=1, budget_period="daily", rpm=2
)


@given(RECORDS)
def test_a_record_survives_its_item(record: KeyRecord) -> None:
    assert record_of(item_of(record)) == record


@given(RECORDS)
def test_the_last_use_that_an_earlier_version_wrote_is_ignored(record: KeyRecord) -> None:
    assert record_of(item_of(record) | {"last_used_at": {"N": "1795219200"}}) == record


def test_a_new_record_holds_everything_but_the_secret() -> None:
    secret = new_secret("key")
    record = new_record(secret, TERMS, 7)
    assert (record.digest, record.created_at, record.active) == (digest_of(secret), 7, True)
    assert (record.models, record.budget_nano_usd, record.rpm) == (("m",), 1, 2)
    assert secret not in repr(record)


@pytest.mark.parametrize(
    "change",
    [
        {"shards": {"N": "4"}},
        {"digest": None},
        {"owner": {"N": "1"}},
        {"active": None},
        {"active": {"S": "true"}},
        {"created_at": {"N": "1.5"}},
        {"created_at": {"S": "1"}},
        {"rpm": {"NULL": True}},
        {"models": {"SS": ["m"]}},
        {"models": {"L": [{"N": "1"}]}},
        {"budget_period": {"S": "weekly"}},
    ],
    ids=str,
)
def test_an_item_that_is_not_understood_is_refused_by_its_attribute(change: dict[str, Any]) -> None:
    item = item_of(new_record(new_secret("key"), TERMS, 7)) | change
    with pytest.raises(MalformedItemError, match=next(iter(change))):
        record_of({name: value for name, value in item.items() if value is not None})


@pytest.mark.parametrize(
    ("active", "expires_at", "usable"),
    [(True, None, True), (True, 101, True), (True, 100, False), (True, 99, False), (False, None, False)],
)
def test_a_secret_is_accepted_until_the_second_it_expires(
    active: bool, expires_at: int | None, usable: bool
) -> None:
    record = KeyRecord(
        digest="d",
        id="i",
        name="n",
        owner="o",
        prefix="p",
        plan="custom",
        active=active,
        created_at=0,
        expires_at=expires_at,
    )
    assert record.usable(100) is usable
