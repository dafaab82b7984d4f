"""The function that reclaims holds, as Lambda runs it: its handler, fed with the sample event, on every engine."""

import asyncio
import importlib.util
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bookkeeping import ledger_row
from engines import Engine
from key_records import key_record
from local_stack import ROOT
from sluice.accounting.costs import Rates
from sluice.accounting.counter import Counter
from sluice.accounting.demand import Demand
from sluice.pipeline.admit import Admitter
from sluice.pipeline.reclaim import IncompleteError, Reclaimer
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow

EVENT = ROOT / "events" / "reclaim_holds" / "scheduled.json"
HELD = 30
LONG_AGO = 2000.0
HOLD_SECONDS = 960.0


class Function:
    """The function over an engine's tables."""

    def __init__(self, engine: Engine) -> None:
        spec = importlib.util.spec_from_file_location(
            "reclaim_holds", ROOT / "functions/reclaim_holds/app.py"
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._handler: Callable[[Any, Any], None] = module.handler
        self._engine = engine

    def run(self) -> None:
        """One invocation."""
        self._handler(json.loads(EVENT.read_text(encoding="utf-8")), None)

    def hold(self, key_id: str, request_id: str, ago: float) -> None:
        """Have a process hold money since so many seconds, and never end it."""
        asyncio.run(self._hold(key_id, request_id, time.time() - ago))

    async def _hold(self, key_id: str, request_id: str, began: float) -> None:
        with closing(AWS(self._engine.endpoint)) as aws:
            counters, ledger = stores(aws)
            reclaimer = Reclaimer(counters, ledger, clock=lambda: began)
            admitter = Admitter(counters, reclaimer, hold_seconds=HOLD_SECONDS, size=1, clock=lambda: began)
            demand = Demand(HELD, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
            await admitter.admit(key_record(f"sk-{key_id}", id=key_id), demand, request_id)

    def counter(self, key_id: str) -> Counter:
        """A key's counter as it is."""

        async def read() -> Counter | None:
            with closing(AWS(self._engine.endpoint)) as aws:
                return await stores(aws)[0].read(key_id)

        found = asyncio.run(read())
        assert found is not None
        return found

    def row(self, key_id: str, request_id: str) -> LedgerRow | None:
        """A request's row."""

        async def read() -> LedgerRow | None:
            with closing(AWS(self._engine.endpoint)) as aws:
                return await stores(aws)[1].get(key_id, request_id)

        return asyncio.run(read())

    def put_row(self, row: LedgerRow) -> None:
        """Write a row, as a process does just before it dies."""

        async def write() -> None:
            with closing(AWS(self._engine.endpoint)) as aws:
                await stores(aws)[1].put(row)

        asyncio.run(write())


def stores(aws: AWS) -> tuple[CounterStore, LedgerStore]:
    return CounterStore(aws, "CountersTable"), LedgerStore(aws, "LedgerTable")


@pytest.fixture
def function(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    for name, value in {
        "AWS_REGION": engine.endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint.url,
        "SLUICE_COUNTERS_TABLE": "CountersTable",
        "SLUICE_LEDGER_TABLE": "LedgerTable",
    }.items():
        monkeypatch.setenv(name, value)
    for table in ("CountersTable", "LedgerTable"):
        engine.empty(table)
    yield Function(engine)
    for table in ("CountersTable", "LedgerTable"):
        engine.empty(table)


def test_what_has_expired_is_given_back_and_nothing_else(function: Function) -> None:
    function.hold("key_idle", "req_dead", LONG_AGO)
    function.hold("key_busy", "req_dead", LONG_AGO)
    function.hold("key_busy", "req_alive", 0)
    function.run()
    idle, busy = function.counter("key_idle"), function.counter("key_busy")
    assert (idle.used, idle.holds) == (0, {})
    assert (busy.used, list(busy.holds)) == (HELD, ["req_alive"])
    row = function.row("key_idle", "req_dead")
    assert row is not None
    assert (row.status, row.cost) == ("lost", 0)
    assert function.row("key_busy", "req_alive") is None


def test_a_hold_that_has_its_row_settles_to_it(function: Function) -> None:
    function.hold("key_idle", "req_settled", LONG_AGO)
    row = ledger_row("key_idle", "req_settled", 20, "lifetime")
    function.put_row(row)
    for _ in range(2):
        function.run()
        counter = function.counter("key_idle")
        assert (counter.used, counter.holds) == (20, {})
    assert function.row("key_idle", "req_settled") == row


def test_one_key_that_fails_does_not_keep_the_others_holds(
    function: Function, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    key_ids = [f"key_{number}" for number in range(6)]
    for key_id in key_ids:
        function.hold(key_id, "req_dead", LONG_AGO)
    unreadable = {"key_id": {"S": "key_3"}, "request_id": {"S": "req_dead"}, "of_a_later_version": {"N": "1"}}
    engine.botocore.put_item(TableName="LedgerTable", Item=unreadable)
    with caplog.at_level("INFO", logger="sluice"), pytest.raises(IncompleteError, match="1 key"):
        function.run()
    assert {key_id: function.counter(key_id).used for key_id in key_ids} == {
        key_id: HELD if key_id == "key_3" else 0 for key_id in key_ids
    }
    assert reclaimed(caplog) == {"holds": 5, "failed_keys": 1}
    (failure,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "key_3" in failure.getMessage()
    assert failure.exc_info is not None


def test_a_run_says_in_one_line_how_many_there_were(
    function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="sluice"):
        function.run()
    assert [record.getMessage() for record in caplog.records] == ["reclaimed"]
    assert reclaimed(caplog) == {"holds": 0, "failed_keys": 0}


def reclaimed(caplog: pytest.LogCaptureFixture) -> Any:
    (line,) = [record for record in caplog.records if record.getMessage() == "reclaimed"]
    return line.__dict__["reclaimed"]
