"""Whatever jobs do with the same bytes at once, and whoever dies meanwhile: no job loses its file, and none is left."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engines import Engine
from fake_dynamodb import FakeClient, FakeDynamoDB
from sluice.errors import OverloadedError
from sluice.stores.aws import AWS
from sluice.stores.outputs import MARK_SECONDS
from stepped_outputs import Database, Fate, Stage

JOBS = st.sampled_from(["image_1", "image_2", "image_3"])
FATES = st.sampled_from(["answered"] * 6 + list(get_args(Fate)))
MOST_AT_WORK = 4
digests = (f"history-{number}" for number in itertools.count())


class Histories(RuleBasedStateMachine):
    """Stores and drops of three jobs, call by call."""

    def database(self) -> Database:
        return FakeClient(FakeDynamoDB())

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.database(), next(digests))

    def teardown(self) -> None:
        try:
            self.nothing_is_left_once_all_have_dropped_it()
        finally:
            self.disconnect()
            self.stage.close()

    def disconnect(self) -> None:
        """The database is needed no more."""

    def nothing_is_left_once_all_have_dropped_it(self) -> None:
        stage = self.stage
        stage.finish()
        for call in list(stage.late):
            stage.arrive(call)
        stage.now += 2 * MARK_SECONDS
        for job in ("image_1", "image_2", "image_3"):
            stage.begin(job, "drop")
            stage.finish()
        assert not stage.is_there
        assert stage.item() == {}

    @precondition(lambda self: len(self.stage.parked) < MOST_AT_WORK)
    @rule(job=JOBS)
    def store(self, job: str) -> None:
        self.stage.begin(job, "store")

    @precondition(lambda self: len(self.stage.parked) < MOST_AT_WORK)
    @rule(job=JOBS)
    def drop(self, job: str) -> None:
        self.stage.begin(job, "drop")

    @precondition(lambda self: self.stage.parked)
    @rule(data=st.data(), fate=FATES)
    def go_on(self, data: st.DataObject, fate: Fate) -> None:
        self.stage.go_on(data.draw(st.sampled_from(self.stage.parked)), fate)

    @precondition(lambda self: self.stage.late)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        self.stage.arrive(data.draw(st.sampled_from(self.stage.late)))

    @precondition(lambda self: self.stage.may_pass)
    @rule(seconds=st.sampled_from([1, MARK_SECONDS // 2, 2 * MARK_SECONDS]))
    def time_passes(self, seconds: int) -> None:
        self.stage.now += seconds

    @invariant()
    def no_job_has_lost_its_file(self) -> None:
        assert self.stage.is_there or not self.stage.having


def test_no_job_loses_its_file_and_none_is_left() -> None:
    case = Histories.TestCase
    case.settings = settings(max_examples=150, stateful_step_count=40)
    case().runTest()


type Work = tuple[str, Literal["store", "drop"]]
FAULTS: tuple[Fate, ...] = ("killed", "killed_after", "repeated", "lost", "late")


def play(works: Sequence[Work], choices: list[int], *, faults: int) -> list[int]:
    """Play one order of the works' calls, of which ``choices`` says the beginning, and see that it ends well.

    Returns:
        How many choices there were at each step.
    """
    stage = Stage(FakeClient(FakeDynamoDB()), next(digests))
    try:
        stage.begin("image_1", "store")
        stage.finish()
        for work in works:
            stage.begin(*work)
        counts: list[int] = []
        while stage.parked:
            # Who waits for others lets them go first.
            calls = [call for call in stage.parked if call.name != "pause"] or stage.parked
            fates: Sequence[Fate] = ("answered", *FAULTS) if faults else ("answered",)
            options = [(call, fate) for fate in fates for call in calls]
            call, fate = options[choices[len(counts)] if len(counts) < len(choices) else 0]
            faults -= fate != "answered"
            counts.append(len(options))
            stage.go_on(call, fate)
            assert stage.is_there or not stage.having
        for call in list(stage.late):
            stage.arrive(call)
        stage.now += 2 * MARK_SECONDS
        for job in ("image_1", "image_2"):
            stage.begin(job, "drop")
            stage.finish()
        assert not stage.is_there
        assert stage.item() == {}
    finally:
        stage.close()
    return counts


@pytest.mark.parametrize(
    ("works", "faults"),
    [
        ([("image_1", "drop"), ("image_2", "store")], 1),
        ([("image_1", "drop"), ("image_1", "drop")], 1),
        ([("image_1", "store"), ("image_1", "drop")], 1),
        ([("image_1", "drop"), ("image_1", "drop"), ("image_2", "store")], 0),
    ],
)
def test_every_order_of_two_or_three_ends_well(works: Sequence[Work], faults: int) -> None:
    choices: list[int] = []
    while True:
        counts = play(works, choices, faults=faults)
        choices += [0] * (len(counts) - len(choices))
        while choices and choices[-1] + 1 == counts[len(choices) - 1]:
            choices.pop()
        if not choices:
            break
        choices[-1] += 1


def test_so_it_is_on_every_engine(engine: Engine) -> None:
    class OnEngine(Histories):
        def database(self) -> Any:
            self.aws = AWS(engine.endpoint)
            return self.aws.dynamodb

        def disconnect(self) -> None:
            self.aws.close()

    case = OnEngine.TestCase
    case.settings = settings(max_examples=10, stateful_step_count=20)
    case().runTest()


@pytest.fixture
def stage() -> Iterator[Stage]:
    found = Stage(FakeClient(FakeDynamoDB()), next(digests))
    yield found
    found.close()


@pytest.mark.parametrize("fate", ["killed", "killed_after", "lost", "unsent", "late"])
@pytest.mark.parametrize("step", range(4))
def test_a_drop_that_dies_at_any_step_is_done_by_the_next(stage: Stage, step: int, fate: Fate) -> None:
    stage.begin("image_1", "store")
    stage.finish()
    stage.begin("image_1", "drop")
    for _ in range(step):
        stage.go_on(stage.parked[0])
    stage.go_on(stage.parked[0], fate)
    assert not stage.parked
    stage.begin("image_1", "drop")
    stage.finish()
    assert not stage.is_there


def test_what_was_put_late_is_gone_with_the_next_drop(stage: Stage) -> None:
    stage.begin("image_1", "store")
    stage.go_on(stage.parked[0])
    stage.go_on(stage.parked[0], "late")
    stage.begin("image_1", "drop")
    stage.finish()
    assert stage.item() == {}
    stage.arrive(stage.late[0])
    assert stage.is_there
    stage.begin("image_1", "drop")
    stage.finish()
    assert not stage.is_there


def test_whoever_was_frozen_until_his_mark_ceased_to_count_does_not_delete(stage: Stage) -> None:
    stage.begin("image_1", "store")
    stage.finish()
    drop = stage.begin("image_1", "drop")
    stage.go_on(stage.parked[0])
    stage.now += MARK_SECONDS + 1
    stage.go_on(stage.parked[0])
    with pytest.raises(OverloadedError):
        drop.task.result()
    assert stage.is_there
