"""Any interleaving of what is done with jobs, of losses, deaths and clocks keeps the promises about their money.

hypothesis decides on every step: which job is taken, made, finished, failed, cancelled or swept by whom, which call to
DynamoDB goes on and what becomes of it, which process dies, how much time passes. After each one the promises are
checked against the tables themselves, and in the end, when all schedules have come by, that nothing is left.
"""

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

from job_simulation import JobEnvironment, Site
from key_records import key_record
from plain_account import PlainAccount
from simulation import Call, Fate, World
from sluice.pipeline.jobs.media import Images
from sluice.stores.bucket import output_key
from sluice.stores.job_items import job_of
from sluice.stores.job_records import Job, JobState
from sluice.stores.key_records import KeyRecord
from sluice.stores.ledger_rows import LedgerRow, row_of

NOON = 1_795_262_400.0
KEYS = (
    key_record("sk-1", id="lifetime", budget_nano_usd=300),
    key_record("sk-2", id="daily", budget_nano_usd=200, budget_period="daily"),
    key_record("sk-3", id="none"),
)
LASTS = Images().hold_seconds
MOMENTS = (0.5, 0.5, 1.0, 5.0, 5.0, 61.0, 61.0, 610.0, 1_000.0, LASTS - 1.0, LASTS + 2.0, 90_000.0)
OFFSETS = (-1.0, 0.0, 1.0)

LATER: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"queued", "running", "finishing", "completed", "failing", "failed"}),
    "running": frozenset({"running", "finishing", "completed", "failing", "failed"}),
    "finishing": frozenset({"finishing", "completed", "failing", "failed"}),
    "completed": frozenset({"completed"}),
    "failing": frozenset({"failing", "failed"}),
    "failed": frozenset({"failed"}),
}
"""What a job may be when it is looked at again."""

indexes = st.integers(0, 1000)
fates = st.sampled_from(("answered",) * 14 + get_args(Fate))
faults = st.sampled_from(get_args(Fate))


class Promises(RuleBasedStateMachine):
    """The world, and what was seen of it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.states: dict[str, JobState] = {}

    @initialize(
        returns_failed_items=st.booleans(),
        offsets=st.lists(st.sampled_from(OFFSETS), min_size=2, max_size=3),
        taken=st.integers(0, 4),
    )
    def begin(self, returns_failed_items: bool, offsets: list[float], taken: int) -> None:
        self.world = World(NOON, returns_failed_items=returns_failed_items)
        self.account = PlainAccount(self.world)
        self.world.on_write = self.account.note
        self.site = Site()
        self.environments = [JobEnvironment(self.world, offset, self.site) for offset in offsets]
        for number in range(taken):
            self.take(0, KEYS[number % len(KEYS)], count=2, price=30, calls=99, fault="lost", answers=True)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.come_to_rest()
        finally:
            self.world.close()

    # what happens

    @rule(
        environment=indexes,
        key=st.sampled_from(KEYS),
        count=st.integers(1, 3),
        price=st.integers(1, 60),
        calls=st.integers(0, 8),
        fault=faults,
        answers=st.booleans(),
    )
    def take(
        self,
        environment: int,
        key: KeyRecord,
        count: int,
        price: int,
        calls: int,
        fault: Fate,
        answers: bool,
    ) -> None:
        """A job is taken while all others stand still, but for one fault in the way."""
        chosen = self.pick(self.environments, environment)
        self.count += 1
        self.site.answers = answers
        self.world.start(chosen.take(key, f"req_{self.count:04}", count, price))
        self.go_through(chosen, calls, fault)
        self.site.answers = True

    @precondition(lambda self: self.site.executions)
    @rule(environment=indexes, job=indexes, index=st.integers(0, 2), is_stored=st.booleans())
    def make(self, environment: int, job: int, index: int, is_stored: bool) -> None:
        chosen = self.pick(self.environments, environment)
        self.world.start(chosen.make(self.execution(job), index, is_stored=is_stored))

    @precondition(lambda self: self.site.executions)
    @rule(environment=indexes, job=indexes, finishes=st.booleans(), calls=st.integers(0, 14), fault=faults)
    def make_and_end(self, environment: int, job: int, finishes: bool, calls: int, fault: Fate) -> None:
        """A job is made and ended while all others stand still, but for one fault in the way."""
        chosen = self.pick(self.environments, environment)
        job_id = self.execution(job)
        self.world.start(chosen.make(job_id, 0, is_stored=True))
        calls = self.go_through(chosen, calls, fault)
        if not chosen.dead:
            self.world.start(
                chosen.closer.finish(job_id) if finishes else chosen.closer.fail(job_id, "timeout")
            )
            self.go_through(chosen, calls, fault)

    @precondition(lambda self: self.site.executions)
    @rule(
        job=indexes,
        calls=st.integers(1, 8),
        seconds=st.sampled_from((0.0, LASTS + 5.0)),
        meanwhile=st.sampled_from(("made", "reclaimed", "reclaimed", "swept", "failed", "finished")),
    )
    def end_and_be_overtaken(self, job: int, calls: int, seconds: float, meanwhile: str) -> None:
        """A job is made and ended, but stands still half way; somebody else does something, and then it goes on."""
        job_id = self.execution(job)
        slow, fast = (JobEnvironment(self.world, 0.0, self.site) for _ in range(2))
        self.world.start(slow.make(job_id, 0, is_stored=True))
        self.go_through(slow, 99, "answered")
        self.world.start(slow.closer.finish(job_id))
        for _ in range(calls):
            if mine := [call for call in self.world.parked if call.environment is slow]:
                self.resume(mine[0], "answered")
        self.world.now += seconds
        match meanwhile:
            case "made":
                self.world.start(fast.make(job_id, 1, is_stored=True))
            case "reclaimed":
                self.world.start(fast.reclaimer.reclaim_all())
            case "swept":
                self.world.start(fast.sweeper.sweep())
            case "failed":
                self.world.start(fast.closer.fail(job_id, "cancelled"))
            case _:
                self.world.start(fast.closer.finish(job_id))
        for environment in (fast, slow):
            self.go_through(environment, 99, "answered")
            environment.kill()

    @precondition(lambda self: self.site.executions)
    @rule(environment=indexes, job=indexes)
    def finish(self, environment: int, job: int) -> None:
        self.world.start(self.pick(self.environments, environment).closer.finish(self.execution(job)))

    @precondition(lambda self: self.jobs())
    @rule(environment=indexes, job=indexes)
    def fail(self, environment: int, job: int) -> None:
        chosen = self.pick(list(self.jobs()), job)
        self.world.start(self.pick(self.environments, environment).closer.fail(chosen, "cancelled"))

    @precondition(lambda self: self.jobs())
    @rule(environment=indexes, job=indexes)
    def close(self, environment: int, job: int) -> None:
        chosen = self.pick(list(self.jobs().values()), job)
        self.world.start(self.pick(self.environments, environment).closer.close(chosen))

    @precondition(lambda self: self.jobs())
    @rule(environment=indexes, job=indexes)
    def execution_ends(self, environment: int, job: int) -> None:
        chosen = self.pick(list(self.jobs()), job)
        self.world.start(self.pick(self.environments, environment).sweeper.ended(chosen, "FAILED"))

    @rule(environment=indexes)
    def sweep(self, environment: int) -> None:
        self.world.start(self.pick(self.environments, environment).sweeper.sweep())

    @rule(environment=indexes)
    def reclaim_all(self, environment: int) -> None:
        self.world.start(self.pick(self.environments, environment).reclaimer.reclaim_all())

    @precondition(lambda self: self.world.parked)
    @rule(call=indexes, fate=fates)
    def go_on(self, call: int, fate: Fate) -> None:
        self.resume(self.pick(self.world.parked, call), fate)

    @precondition(lambda self: self.world.parked)
    @rule(call=indexes)
    def go_far(self, call: int) -> None:
        """One process goes on to the end of what it does."""
        environment = self.pick(self.world.parked, call).environment
        self.go_through(environment, 99, "answered")

    @rule(seconds=st.sampled_from(MOMENTS))
    def time_passes(self, seconds: float) -> None:
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

    def go_through(self, environment: object, calls: int, fault: Fate) -> int:
        """Have all calls of a process answered, but for the one after so many; how many are left then."""
        while mine := [call for call in self.world.parked if call.environment is environment]:
            self.look()
            self.resume(mine[0], fault if calls == 0 else "answered")
            calls -= 1
        return calls

    def resume(self, call: Call, fate: Fate) -> None:
        self.world.resume(call, fate)
        self.replace_dead()

    def replace_dead(self) -> None:
        self.environments = [
            JobEnvironment(self.world, each.offset, self.site) if each.dead else each
            for each in self.environments
        ]

    def jobs(self) -> dict[str, Job]:
        return {
            job.id: job for item in self.world.database.tables["JobsTable"].values() for job in [job_of(item)]
        }

    def execution(self, index: int) -> str:
        return self.pick(sorted(self.site.executions), index)

    def rows(self) -> dict[str, LedgerRow]:
        """Those that charge something, by request."""
        found = map(row_of, self.world.database.tables["LedgerTable"].values())
        return {row.request_id: row for row in found if row.status != "lost"}

    # what must be true, whatever happened

    @invariant()
    def look(self) -> None:
        if not hasattr(self, "world"):
            return
        self.account.check_rows()
        for key in KEYS:
            self.account.check(key)
        jobs, rows = self.jobs(), self.rows()
        for job in jobs.values():
            self.check_state(job)
            row = rows.get(job.request_id)
            assert row is None or (job.state in ("finishing", "completed") and row.cost == job.cost), job
            if job.state == "completed":
                assert row is not None
                self.check_result(job)
            if job.is_over:
                assert self.holds(job).get(job.request_id) != job.hold, job
        assert rows.keys() <= {job.request_id for job in jobs.values()}

    def check_state(self, job: Job) -> None:
        """What was decided stays, unless the ledger says that the hold is lost."""
        seen = self.states.get(job.id, "queued")
        assert job.state in LATER[seen]
        if seen == "finishing" and job.state in ("failing", "failed"):
            assert self.account.rows[job.request_id].status == "lost"
        self.states[job.id] = job.state

    def check_result(self, job: Job) -> None:
        """What can be seen of a completed job is there, is charged, and is all."""
        stored = [output for output in job.outputs.values() if output.stored]
        assert stored
        assert job.cost == job.hold.amount // job.count * len(stored)
        for output in stored:
            assert output_key(output.digest) in self.site.objects
        assert job.id in self.site.told

    def holds(self, job: Job) -> dict[str, object]:
        (key,) = [key for key in KEYS if key.id == job.key_id]
        return dict(self.account.holds(key))

    def come_to_rest(self) -> None:
        """Everyone dies, what was late arrives, time passes, and the schedules put all in order."""
        for environment in self.environments:
            environment.kill()
        for call in self.world.late:
            self.world.carry_out(call)
        self.world.late.clear()
        self.look()
        for seconds in (2_000.0, LASTS + 60.0):
            self.world.now += seconds
            last = JobEnvironment(self.world, 0.0, self.site)
            for work in (last.sweeper.sweep(), last.reclaimer.reclaim_all()):
                task = self.world.start(work)
                while self.world.parked:
                    self.world.resume(self.world.parked[0], "answered")
                    self.look()
                task.result()
        for job in self.jobs().values():
            assert job.is_over, job
            assert self.holds(job) == {}
            assert job.id in self.site.told, job
        for key in KEYS:
            counter = self.account.counter(key)
            if counter is not None:
                rows = [row for row in self.account.rows_of(key) if row.period == counter.period]
                assert counter.used == sum(row.cost for row in rows)
        kept = {
            output_key(output.digest)
            for job in self.jobs().values()
            if job.state == "completed"
            for output in job.outputs.values()
            if output.stored
        }
        outputs = {key for key in self.site.objects if key.startswith("outputs/")}
        assert kept <= outputs

    @staticmethod
    def pick[Thing](things: Sequence[Thing], index: int) -> Thing:
        return things[index % len(things)]


@pytest.fixture
def silent() -> Iterator[None]:
    """Without the log, which tells of each loss."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_interleaving_breaks_a_promise_about_jobs(silent: None) -> None:
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=300,
            stateful_step_count=50,
            suppress_health_check=list(HealthCheck),
        ),
    )
