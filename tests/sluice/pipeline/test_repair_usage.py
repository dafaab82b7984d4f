"""What usage lacks is added up from the ledger, once, whatever was added up before and by whom."""

import asyncio

import pytest

from engines import Engine
from made_rows import ledger_row, put_rows
from sluice.pipeline.repair_usage import repair_usage
from sluice.stores.aws import AWS
from sluice.stores.ledger import LedgerStore
from sluice.stores.usage import UsageStore

ROWS = [ledger_row(f"req_{number}", key_id=f"key_repair_{number % 3}", owner="repair") for number in range(6)]
"""Few, for DynamoDB Local's transactions have ten members at most."""

WITH_TRANSACTIONS = pytest.mark.parametrize("engine", ["moto", "dynamodb-local"], indirect=True)
"""dynalite has none."""


@WITH_TRANSACTIONS
async def test_rows_are_added_up_once_however_often_and_by_however_many(
    engine: Engine, engine_aws: AWS
) -> None:
    for table in ("LedgerTable", "UsageTable"):
        engine.empty(table)
    ledger, usage = (
        LedgerStore(engine_aws, "LedgerTable"),
        UsageStore(engine_aws, "UsageTable", "LedgerTable"),
    )
    await put_rows(engine_aws, ROWS)
    await usage.add(ROWS[:4])
    await asyncio.gather(*(repair_usage(ledger, usage) for _ in range(3)))
    assert (await repair_usage(ledger, usage)).added == 0
    found = await usage.read("repair")
    assert sum(each.totals.requests for each in found) == len(ROWS)
    assert sum(each.totals.cost for each in found) == sum(row.cost for row in ROWS)


@WITH_TRANSACTIONS
async def test_what_is_no_row_is_named_and_holds_nobody_up(engine: Engine, engine_aws: AWS) -> None:
    for table in ("LedgerTable", "UsageTable"):
        engine.empty(table)
    await put_rows(engine_aws, ROWS)
    item = {"key_id": {"S": "key_repair_0"}, "request_id": {"S": "req_0a"}, "unknown": {"N": "1"}}
    engine.botocore.put_item(TableName="LedgerTable", Item=item)
    done = await repair_usage(
        LedgerStore(engine_aws, "LedgerTable"), UsageStore(engine_aws, "UsageTable", "LedgerTable")
    )
    assert (done.added, done.malformed) == (len(ROWS), [("key_repair_0", "req_0a")])
