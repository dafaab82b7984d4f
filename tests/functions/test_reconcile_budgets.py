"""The function that compares counters with the ledger, as Lambda runs it: fed with its sample events, on every engine."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bookkeeping import ONE_NANO_USD_A_TOKEN
from embedded_metrics import all_measured
from engines import Engine
from function_handlers import load_handler, sample_events
from key_records import key_record
from made_rows import ledger_row
from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.pipeline.admit import Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores.aws import AWS
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.reconcile_place import ReconcilePlace

TABLES = ("KeysTable", "CountersTable", "LedgerTable")
BUDGET = 1000
SPENT = 70

type Work = Callable[[AWS], Any]


class Site:
    """The function over an engine's tables."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._handler = load_handler("reconcile_budgets")

    def run(self, event: str = "scheduled") -> dict[str, int]:
        """One invocation."""
        found: dict[str, int] = self._handler(sample_events("reconcile_budgets")[event], None)
        return found

    def do(self, work: Work) -> Any:
        """Something else with the tables."""

        async def done() -> Any:
            with closing(AWS(self.engine.endpoint)) as aws:
                return await work(aws)

        return asyncio.run(done())

    def has_key_that_spent(self, key_id: str) -> None:
        """Have a key with a budget and one settled request."""
        key = key_record(f"sk-{key_id}", id=key_id, budget_nano_usd=BUDGET, budget_period="lifetime")

        async def spend(aws: AWS) -> None:
            counters, ledger = CounterStore(aws, "CountersTable"), LedgerStore(aws, "LedgerTable")
            reclaimer = Reclaimer(counters, ledger, clock=lambda: 1_795_262_400.0)
            admitter = Admitter(counters, reclaimer, hold_seconds=960, size=1, clock=lambda: 1_795_262_400.0)
            demand = Demand(SPENT, 1, 0, adjustable=False, rates=ONE_NANO_USD_A_TOKEN)
            await KeyStore(aws, "KeysTable").put_new(key)
            admission = await admitter.admit(key, demand, "req_one")
            settler = Settler(counters, ledger, reclaimer, clock=lambda: 1_795_262_400.0)
            await settler.settle(admission, Outcome("complete", "m", "p", TokenCount(SPENT, 0), SPENT))

        self.do(spend)


@pytest.fixture
def site(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name, value in {
        "AWS_REGION": engine.endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint.url,
        "POWERTOOLS_METRICS_NAMESPACE": "stack",
        "SLUICE_KEYS_TABLE": "KeysTable",
        "SLUICE_COUNTERS_TABLE": "CountersTable",
        "SLUICE_LEDGER_TABLE": "LedgerTable",
    }.items():
        monkeypatch.setenv(name, value)
    for table in TABLES:
        engine.empty(table)
    yield Site(engine)
    for table in TABLES:
        engine.empty(table)


@pytest.mark.parametrize("event", ["deployed", "scheduled"])
def test_a_gateway_without_keys_is_compared_too(
    event: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(site.run(event).values()) == {0}
    (line,) = all_measured(capsys.readouterr().out)
    assert (line.dimensions, set(line.values.values())) == ({"service": "reconcile_budgets"}, {0})


def test_what_is_wrong_is_found_as_often_as_one_looks(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for key_id in ("key_a", "key_b", "key_c"):
        site.has_key_that_spent(key_id)
    assert site.run() == {"differences": 0, "exceeded": 0, "reconciled": 3, "busy": 0, "left": 0}
    row = ledger_row("req_two", key_id="key_b", cost=BUDGET)
    site.do(lambda aws: LedgerStore(aws, "LedgerTable").put(row))
    capsys.readouterr()
    for _ in range(2):
        assert site.run() == {"differences": 1, "exceeded": 1, "reconciled": 3, "busy": 0, "left": 0}
        (line,) = all_measured(capsys.readouterr().out)
        assert (line.values["BudgetDifferences"], line.values["BudgetsExceeded"]) == (1, 1)


def test_the_place_lies_beside_the_counters_and_is_none(site: Site) -> None:
    site.has_key_that_spent("key_a")
    for place in ("key_a", None):

        async def write(aws: AWS, place: str | None = place) -> str | None:
            found = ReconcilePlace(aws, "CountersTable")
            await found.write(place)
            return await found.read()

        assert site.do(write) == place
        assert site.run()["reconciled"] == 1
