"""Any interleaving of admissions, settlements, losses, deaths and clocks keeps the promises about money and limits.

hypothesis decides on every step: which request comes, which call to DynamoDB goes on and what becomes of it, which
process dies, how much time passes. After each one the promises are checked against a plain account of what was written.
"""

import calendar
import logging
from collections.abc import Iterator, Sequence
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from key_records import key_record
from plain_account import PlainAccount
from simulation import HOLD_SECONDS, Call, Environment, Fate, Request, World
from sluice.accounting.costs import Rates, TokenCount
from sluice.accounting.demand import Demand
from sluice.errors import (
    BudgetExceededError,
    BudgetInFlightError,
    OverloadedError,
    RateLimitError,
)
from sluice.pipeline.settle import Outcome
from sluice.stores.keys import KeyRecord

JUST_BEFORE_FEBRUARY = calendar.timegm((2026, 1, 31, 23, 59, 30))

RATES = Rates(unit=3, input=4, cached=2, output=9, reasoning=10, cache_write=5)

KEYS = (
    key_record("sk-1", id="lifetime", budget_nano_usd=300),
    key_record("sk-2", id="daily", budget_nano_usd=300, budget_period="daily", rpm=4),
    key_record("sk-3", id="monthly", budget_nano_usd=400, budget_period="monthly", tpm=90, tpd=150),
    key_record("sk-4", id="limits", rpm=3, tpm=90),
    key_record("sk-5", id="none"),
)

MOMENTS = (0.3, 1.0, 4.0, 5.0, 13.0, 31.0, 61.0, 71.0)
AGES = (HOLD_SECONDS - 1, HOLD_SECONDS + 2, 3000.0, 90_001.0, 32 * 86_400.0)
OFFSETS = (-1.0, 0.0, 0.4, 1.0)

demands = st.builds(
    Demand,
    prompt_tokens=st.integers(1, 12),
    choices=st.integers(1, 2),
    output_tokens=st.integers(1, 40),
    adjustable=st.booleans(),
    rates=st.just(RATES),
)
indexes = st.integers(0, 1000)
fates = st.sampled_from(("answered",) * 12 + get_args(Fate))
faults = st.sampled_from((*get_args(Fate), "late_repeated", "late_repeated"))
parts = st.sampled_from((0.0, 0.1, 0.5, 1.0))
costs = st.sampled_from((0.0, 0.1, 0.5, 1.0, 1.5))


class Promises(RuleBasedStateMachine):
    """The world, and what was seen of it."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.waiting: dict[Request, bool] = {}
        """Requests that are not yet admitted or refused, and whether there was a moment at which they did not fit."""
        self.count = 0

    @initialize(
        returns_failed_items=st.booleans(),
        offsets=st.lists(st.sampled_from(OFFSETS), min_size=2, max_size=3),
        keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
    )
    def begin(self, returns_failed_items: bool, offsets: list[float], keys: list[KeyRecord]) -> None:
        self.keys = keys
        self.world = World(JUST_BEFORE_FEBRUARY, returns_failed_items=returns_failed_items)
        self.account = PlainAccount(self.world)
        self.world.on_write = self.account.note
        self.environments = [Environment(self.world, offset) for offset in offsets]

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.come_to_rest()
        finally:
            self.world.close()

    # what happens

    @rule(environment=indexes, key=indexes, demand=demands)
    def admit(self, environment: int, key: int, demand: Demand) -> None:
        self.begin_request(environment, key, demand)

    @rule(environment=indexes, key=indexes, demand=demands, calls=st.integers(0, 4), fault=faults)
    def admit_alone(self, environment: int, key: int, demand: Demand, calls: int, fault: Fate) -> None:
        """A request is admitted while all others stand still, but for one fault in the way."""
        self.go_through(self.begin_request(environment, key, demand), calls, fault)

    @rule(
        environment=indexes,
        key=indexes,
        demand=demands,
        tokens=parts,
        cost=costs,
        calls=st.integers(0, 6),
        fault=faults,
        again=st.booleans(),
    )
    def serve(
        self,
        environment: int,
        key: int,
        demand: Demand,
        tokens: float,
        cost: float,
        calls: int,
        fault: Fate,
        again: bool,
    ) -> None:
        """A request comes and goes while all others stand still; what was late arrives, and it is settled again."""
        request = self.begin_request(environment, key, demand)
        calls = self.go_through(request, calls, fault)
        if request not in self.in_flight():
            return
        request.end(outcome_of(request, tokens, cost))
        self.go_through(request, calls, fault)
        while self.world.late:
            self.world.carry_out(self.world.late.pop())
            self.look()
        if again and request in self.settled_requests():
            self.settle(request)
            self.go_through(request, 99, fault)

    @precondition(lambda self: self.in_flight())
    @rule(request=indexes, tokens=parts, cost=costs, failed=st.booleans())
    def end(self, request: int, tokens: float, cost: float, failed: bool) -> None:
        chosen = self.pick(self.in_flight(), request)
        chosen.end(None if failed else outcome_of(chosen, tokens, cost))

    @precondition(lambda self: self.in_flight())
    @rule(request=indexes, tokens=parts, cost=costs, calls=st.integers(0, 4), fault=faults)
    def end_alone(self, request: int, tokens: float, cost: float, calls: int, fault: Fate) -> None:
        chosen = self.pick(self.in_flight(), request)
        chosen.end(outcome_of(chosen, tokens, cost))
        self.go_through(chosen, calls, fault)

    @precondition(lambda self: self.in_flight())
    @rule(request=indexes, tokens=parts, cost=costs, paid=st.booleans())
    def cancel(self, request: int, tokens: float, cost: float, paid: bool) -> None:
        chosen = self.pick(self.in_flight(), request)
        chosen.cancel(outcome_of(chosen, tokens, cost) if paid else None)

    @precondition(lambda self: self.waiting)
    @rule(request=indexes)
    def cancel_admission(self, request: int) -> None:
        self.pick(list(self.waiting), request).cancel()

    @precondition(lambda self: self.settled_requests())
    @rule(request=indexes)
    def settle_again(self, request: int) -> None:
        self.settle(self.pick(self.settled_requests(), request))

    @precondition(lambda self: self.world.parked)
    @rule(call=indexes, fate=fates)
    def go_on(self, call: int, fate: Fate) -> None:
        self.resume(self.pick(self.world.parked, call), fate)

    @rule(environment=indexes)
    def reclaim_all(self, environment: int) -> None:
        self.world.start(self.pick(self.environments, environment).reclaimer.reclaim_all())

    @rule(seconds=st.sampled_from(MOMENTS))
    def a_moment_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(seconds=st.sampled_from(AGES))
    def an_age_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(environment=indexes)
    def process_dies(self, environment: int) -> None:
        self.pick(self.environments, environment).kill()
        self.replace_dead()

    @precondition(lambda self: self.world.late)
    @rule(call=indexes)
    def late_call_arrives(self, call: int) -> None:
        self.world.carry_out(self.world.late.pop(call % len(self.world.late)))

    # what is done in them

    def begin_request(self, environment: int, key: int, demand: Demand) -> Request:
        self.count += 1
        chosen = self.pick(self.environments, environment)
        request = Request(chosen, self.pick(self.keys, key), demand, f"req_{self.count:04}")
        self.requests.append(request)
        self.waiting[request] = False
        return request

    def settle(self, request: Request) -> None:
        assert request.admission is not None
        assert request.outcome is not None
        self.world.start(request.environment.settler.settle(request.admission, request.outcome))

    def go_through(self, request: Request, calls: int, fault: Fate) -> int:
        """Have all calls of a request's process answered, but for the one after so many; how many are left then."""
        while mine := [call for call in self.world.parked if call.environment is request.environment]:
            self.look()
            self.resume(mine[0], fault if calls == 0 else "answered")
            calls -= 1
        return calls

    def resume(self, call: Call, fate: Fate) -> None:
        self.world.resume(call, fate)
        self.replace_dead()

    def replace_dead(self) -> None:
        self.environments = [
            Environment(self.world, each.offset) if each.dead else each for each in self.environments
        ]

    # what must be true, whatever happened

    @invariant()
    def look(self) -> None:
        if not hasattr(self, "world"):
            return
        for key in self.keys:
            self.account.check(key)
        self.account.check_rows()
        self.check_answers()

    def check_answers(self) -> None:
        """Nobody is refused who fitted all the time, and a refused request has left nothing behind."""
        for request in list(self.waiting):
            if not request.task.done() and request.admission is None:
                self.waiting[request] |= not self.account.fits(request)
                continue
            did_not_fit = self.waiting.pop(request)
            match None if request.task.done() and request.task.cancelled() else request.refusal:
                case BudgetExceededError() | BudgetInFlightError() | RateLimitError():
                    assert did_not_fit or not self.account.fits(request)
                    assert request.id not in self.account.holds(request.key)
                    assert request.id not in self.account.rows
                case OverloadedError():
                    pass
                case Exception() as error:
                    raise error
                case _:
                    pass

    def come_to_rest(self) -> None:
        """Everyone dies, what was late arrives, time passes, and whoever comes next puts all in order."""
        for environment in self.environments:
            environment.kill()
        for call in self.world.late:
            self.world.carry_out(call)
        self.look()
        self.world.now += HOLD_SECONDS + 60
        reclaiming = self.world.start(Environment(self.world, 0.0).reclaimer.reclaim_all())
        while self.world.parked:
            self.world.resume(self.world.parked[0], "answered")
            self.look()
        reclaiming.result()
        for key in self.keys:
            counter = self.account.counter(key)
            if counter is not None:
                assert not counter.holds
                rows = [row for row in self.account.rows_of(key) if row.period == counter.period]
                assert counter.used == sum(row.cost for row in rows)

    def in_flight(self) -> Sequence[Request]:
        return [
            each
            for each in self.requests
            if each.admission is not None and not each.over and not each.environment.dead
        ]

    def settled_requests(self) -> Sequence[Request]:
        return [
            each
            for each in self.requests
            if each.task.done()
            and each.outcome is not None
            and each.admission is not None
            and not each.environment.dead
        ]

    @staticmethod
    def pick[Thing](things: Sequence[Thing], index: int) -> Thing:
        return things[index % len(things)]


def outcome_of(request: Request, tokens: float, cost: float) -> Outcome:
    """A request's end, with parts of what is held for it."""
    assert request.admission is not None
    hold = request.admission.hold
    return Outcome(
        status="complete",
        model="m",
        provider="p",
        tokens=TokenCount(prompt=0, completion=int(tokens * hold.tokens)),
        cost=int(cost * hold.amount),
    )


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the log, which tells of each loss."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_interleaving_breaks_a_promise(silent: None) -> None:
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=300,
            stateful_step_count=50,
            suppress_health_check=list(HealthCheck),
        ),
    )
