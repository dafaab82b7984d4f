"""One environment that admits and settles, over tables in memory."""

from fake_dynamodb import FakeClient, FakeDynamoDB
from key_records import key_record
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.counter import Counter
from sluice.accounting.demand import Demand
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler
from sluice.stores.counters import CounterStore
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow
from stepped_loop import SteppedLoop

JUST_BEFORE_MIDNIGHT = 1_795_305_595.5
HOLD_SECONDS = 960
KEY = key_record("sk-settled", id="key_settled", owner="ann", budget_nano_usd=100, budget_period="daily")
OUTCOME = Outcome(
    "complete", "gpt-4o-mini", "openai", TokenCount(4, 9, cached=2, reasoning=2, audio=1, cache_written=1), 21
)


class SettleSite:
    """One environment, whose loop leaps over every pause."""

    def __init__(self) -> None:
        self.now = JUST_BEFORE_MIDNIGHT
        self.loop = SteppedLoop()
        self.client = FakeClient(FakeDynamoDB())
        self.counters = CounterStore(self.client.aws, "CountersTable")
        self.ledger = LedgerStore(self.client.aws, "LedgerTable")
        self.reclaimer = Reclaimer(self.counters, self.ledger, clock=self.clock)
        self.admitter = Admitter(
            self.counters, self.reclaimer, hold_seconds=HOLD_SECONDS, size=10, clock=self.clock
        )
        self.noted: list[tuple[str, Counter]] = []
        self.settler = Settler(
            self.counters,
            self.ledger,
            self.reclaimer,
            clock=self.clock,
            note=lambda key_id, counter: self.noted.append((key_id, counter)),
        )

    def clock(self) -> float:
        return self.now

    def admit(self, name: str, tokens: int = 30, key: KeyRecord = KEY) -> Admission:
        """Hold so many tokens and nano-USD."""
        demand = Demand(tokens, 1, 0, adjustable=False, rates=Rates(1, 1, 1, 1, 1, 1))
        return self.loop.finish(self.admitter.admit(key, demand, name))

    def settle(self, admission: Admission, outcome: Outcome = OUTCOME) -> LedgerRow | None:
        self.client.calls.clear()
        return self.loop.finish(self.settler.settle(admission, outcome))

    def release(self, admission: Admission) -> None:
        self.client.calls.clear()
        self.loop.finish(self.settler.release(admission))

    def fail(self, *faults: Exception | None) -> None:
        """What becomes of the next calls."""
        self.client.faults = list(faults)

    def counter(self, key: KeyRecord = KEY) -> Counter:
        found = self.loop.finish(
            CounterStore(FakeClient(self.client.database).aws, "CountersTable").read(key.id)
        )
        assert found is not None
        return found

    def row(self, name: str, key: KeyRecord = KEY) -> LedgerRow | None:
        ledger = LedgerStore(FakeClient(self.client.database).aws, "LedgerTable")
        return self.loop.finish(ledger.get(key.id, name))
