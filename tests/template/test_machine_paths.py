"""Every way through each state machine, run by moto's interpreter with tasks that answer as a script says."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from machine_runs import Answer, LambdaError, Run, ScriptedError
from machines import MACHINES, Transition, definition, transitions

JOB = {"job": "video_1"}
OVER, REFUSED, PASSING, UNKNOWN = (
    ScriptedError(name) for name in ("JobOverError", "RefusedError", "PassingError", "UnexpectedError")
)
NO_ROOM: Sequence[Answer] = [LambdaError("TooManyRequestsException")] * 7
"""More often than a function is asked again that fails itself."""

INDEXES: Answer = JOB | {"indexes": [0]}
GOOD_PICTURE: dict[str, Sequence[Answer]] = {
    "begin": [INDEXES],
    "generate": [JOB],
    "store": [JOB],
    "finish": [JOB],
    "fail": [JOB],
}


def asked(*, made: bool, callback: bool = False, seconds: int = 2) -> dict[str, Any]:
    """What submit and poll say."""
    return JOB | {"made": made, "seconds": seconds, "callback": callback}


def called_back(run: Run, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """A provider that calls back at once."""
    run.task_succeeded(payload["token"])
    return JOB


GOOD_VIDEO: dict[str, Sequence[Answer]] = {
    "begin": [JOB],
    "submit": [asked(made=False)],
    "await": [called_back],
    "poll": [asked(made=True)],
    "store": [JOB],
    "finish": [JOB],
    "fail": [JOB],
}
CALLS_BACK: Sequence[Answer] = [asked(made=False, callback=True)]
CALLED_BACK_LATE: Sequence[Answer] = [*NO_ROOM, called_back]
DELIVERED: Answer = JOB | {"over": True, "seconds": 0}


@dataclass(frozen=True, slots=True)
class Case:
    """A run: what is not as it is when all goes well, and what comes of it."""

    machine: str
    what: str
    script: Mapping[str, Sequence[Answer]]
    path: str
    status: str = "SUCCEEDED"


def images(what: str, path: str, **script: Sequence[Answer]) -> Case:
    return Case("ImagesMachine", what, GOOD_PICTURE | script, path)


def videos(what: str, path: str, **script: Sequence[Answer]) -> Case:
    return Case("VideosMachine", what, GOOD_VIDEO | script, path)


def webhooks(what: str, path: str, *answers: Answer, status: str = "SUCCEEDED") -> Case:
    return Case("WebhooksMachine", what, {"deliver": list(answers)}, path, status)


CASES = (
    images("all goes well", "Begin Pictures Generate Store Made Finish Over"),
    images("it is over before it begins", "Begin Over", begin=[OVER]),
    images("it cannot begin", "Begin Fail Over", begin=[UNKNOWN]),
    images("it is refused", "Begin Fail Over", begin=[REFUSED]),
    images("it begins late", "Begin Pictures Generate Store Made Finish Over", begin=[UNKNOWN, INDEXES]),
    images("what begin says is nothing", "Begin Pictures Fail Over", begin=[JOB | {"indexes": "none"}]),
    images("it is over meanwhile", "Begin Pictures Generate Missed Finish Over", generate=[OVER]),
    images("a provider refuses", "Begin Pictures Generate Missed Finish Over", generate=[REFUSED]),
    images("a provider is late", "Begin Pictures Generate Store Made Finish Over", generate=[PASSING, JOB]),
    images("a provider never is there", "Begin Pictures Generate Missed Finish Over", generate=[PASSING]),
    images(
        "it is over before it is stored", "Begin Pictures Generate Store Missed Finish Over", store=[OVER]
    ),
    images("it is no picture", "Begin Pictures Generate Store Missed Finish Over", store=[REFUSED]),
    images("the bucket is late", "Begin Pictures Generate Store Made Finish Over", store=[PASSING, JOB]),
    images("the bucket is not there", "Begin Pictures Generate Store Missed Finish Over", store=[PASSING]),
    images("others ended it", "Begin Pictures Generate Store Made Finish Over", finish=[OVER]),
    images("the end is late", "Begin Pictures Generate Store Made Finish Over", finish=[UNKNOWN, JOB]),
    images(
        "there is no picture",
        "Begin Pictures Generate Missed Finish Fail Over",
        generate=[REFUSED],
        finish=[REFUSED],
    ),
    images("it cannot be ended", "Begin Pictures Generate Store Made Finish Fail Over", finish=[UNKNOWN]),
    images("its failure is late", "Begin Fail Over", begin=[REFUSED], fail=[UNKNOWN, JOB]),
    images(
        "Lambda has no room for a while",
        "Begin Pictures Generate Store Made Finish Over",
        begin=[*NO_ROOM, INDEXES],
        generate=[*NO_ROOM, JOB],
        store=[*NO_ROOM, JOB],
        finish=[*NO_ROOM, JOB],
    ),
    images("its failure waits for room", "Begin Fail Over", begin=[REFUSED], fail=[*NO_ROOM, JOB]),
    images("there never is room", "Begin Fail Over", begin=NO_ROOM),
    replace(images("it cannot even fail", "Begin Fail", begin=[REFUSED], fail=[UNKNOWN]), status="FAILED"),
    videos("all goes well", "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over"),
    videos(
        "it takes long",
        "Begin Submit HowToWait Wait Poll HowToWait Wait Poll HowToWait Store Finish Over",
        poll=[asked(made=False), asked(made=True)],
    ),
    videos(
        "the provider calls back",
        "Begin Submit HowToWait AwaitCallback Poll HowToWait Store Finish Over",
        submit=CALLS_BACK,
    ),
    videos(
        "the provider does not call back",
        "Begin Submit HowToWait AwaitCallback Poll HowToWait Store Finish Over",
        submit=[asked(made=False, callback=True, seconds=1)],
        **{"await": [JOB]},
    ),
    videos(
        "it is over before it waits",
        "Begin Submit HowToWait AwaitCallback Over",
        submit=CALLS_BACK,
        **{"await": [OVER]},
    ),
    videos(
        "the token cannot be kept",
        "Begin Submit HowToWait AwaitCallback Wait Poll HowToWait Store Finish Over",
        submit=[asked(made=False, callback=True, seconds=1)],
        **{"await": [UNKNOWN]},
    ),
    videos("it is over before it begins", "Begin Over", begin=[OVER]),
    videos("it cannot begin", "Begin Fail Over", begin=[UNKNOWN]),
    videos(
        "it begins late", "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over", begin=[UNKNOWN, JOB]
    ),
    videos("it is over before it is submitted", "Begin Submit Over", submit=[OVER]),
    videos("a provider refuses", "Begin Submit Fail Over", submit=[REFUSED]),
    videos("a provider never is there", "Begin Submit Fail Over", submit=[PASSING]),
    videos(
        "a provider is late",
        "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over",
        submit=[PASSING, asked(made=False)],
    ),
    videos("it is over meanwhile", "Begin Submit HowToWait Wait Poll Over", poll=[OVER]),
    videos("it is not made", "Begin Submit HowToWait Wait Poll Fail Over", poll=[REFUSED]),
    videos("it cannot be asked for", "Begin Submit HowToWait Wait Poll Fail Over", poll=[PASSING]),
    videos(
        "garbage, then an answer",
        "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over",
        poll=[UNKNOWN, asked(made=True)],
    ),
    videos(
        "it is over before it is stored",
        "Begin Submit HowToWait Wait Poll HowToWait Store Over",
        store=[OVER],
    ),
    videos("it is no video", "Begin Submit HowToWait Wait Poll HowToWait Store Fail Over", store=[REFUSED]),
    videos(
        "the bucket is not there",
        "Begin Submit HowToWait Wait Poll HowToWait Store Fail Over",
        store=[PASSING],
    ),
    videos(
        "the bucket is late",
        "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over",
        store=[PASSING, JOB],
    ),
    videos("others ended it", "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over", finish=[OVER]),
    videos(
        "the end is late",
        "Begin Submit HowToWait Wait Poll HowToWait Store Finish Over",
        finish=[UNKNOWN, JOB],
    ),
    videos(
        "it cannot be ended",
        "Begin Submit HowToWait Wait Poll HowToWait Store Finish Fail Over",
        finish=[UNKNOWN],
    ),
    videos("its failure is late", "Begin Fail Over", begin=[REFUSED], fail=[UNKNOWN, JOB]),
    videos(
        "Lambda has no room for a while",
        "Begin Submit HowToWait AwaitCallback Poll HowToWait Store Finish Over",
        begin=[*NO_ROOM, JOB],
        submit=[*NO_ROOM, *CALLS_BACK],
        poll=[*NO_ROOM, asked(made=True)],
        store=[*NO_ROOM, JOB],
        finish=[*NO_ROOM, JOB],
        **{"await": CALLED_BACK_LATE},
    ),
    videos("its failure waits for room", "Begin Fail Over", begin=[REFUSED], fail=[*NO_ROOM, JOB]),
    videos("there never is room", "Begin Fail Over", begin=NO_ROOM),
    replace(videos("it cannot even fail", "Begin Fail", begin=[REFUSED], fail=[UNKNOWN]), status="FAILED"),
    webhooks("it is taken at once", "Deliver IsItOver Over", DELIVERED),
    webhooks(
        "it is taken at the second time",
        "Deliver IsItOver Wait Deliver IsItOver Over",
        JOB | {"over": False, "seconds": 5},
        DELIVERED,
    ),
    webhooks("the function is late", "Deliver IsItOver Over", UNKNOWN, DELIVERED),
    webhooks("the function is not there", "Deliver", UNKNOWN, status="FAILED"),
)


@pytest.fixture(scope="module")
def runs() -> list[tuple[Case, Run, str]]:
    """All cases, run, with how they ended."""
    found = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        for case in CASES:
            run = Run(definition(case.machine), case.script)
            found.append((case, run, run.run(monkeypatch)))
    return found


@pytest.mark.parametrize(
    "index", range(len(CASES)), ids=lambda index: f"{CASES[index].machine}: {CASES[index].what}"
)
def test_a_run_takes_the_way_that_it_should(index: int, runs: list[tuple[Case, Run, str]]) -> None:
    case, run, status = runs[index]
    assert (" ".join(run.path), status) == (case.path, case.status)


@pytest.mark.parametrize("machine", MACHINES)
def test_these_runs_take_every_way_that_there_is(machine: str, runs: list[tuple[Case, Run, str]]) -> None:
    program = definition(machine)
    taken: set[Transition] = set()
    for case, run, _ in runs:
        if case.machine == machine:
            taken |= run.transitions
    assert sorted(transitions(program) - taken) == []
    assert sorted(taken - transitions(program)) == []


def test_pictures_are_made_some_at_a_time_each_with_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[int] = []
    most = definition("ImagesMachine")["States"]["Pictures"]["MaxConcurrency"]
    barrier = threading.Barrier(most)

    def generate(_: Run, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        if payload["index"] < most:
            together.append(barrier.wait(timeout=30))
        return JOB

    wanted: Answer = JOB | {"indexes": list(range(10))}
    run = Run(definition("ImagesMachine"), GOOD_PICTURE | {"begin": [wanted], "generate": [generate]})
    assert run.run(monkeypatch) == "SUCCEEDED"
    assert len(together) == most
    for task in ("generate", "store"):
        indexes = [payload["index"] for payload in run.payloads if payload["task"] == task]
        assert sorted(indexes) == list(range(10))


def test_a_machine_waits_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    script = GOOD_VIDEO | {
        "submit": [asked(made=False, seconds=7)],
        "poll": [asked(made=False, seconds=9), asked(made=True)],
    }
    run = Run(definition("VideosMachine"), script)
    run.run(monkeypatch)
    assert run.waits == [7, 9]


def test_what_failed_is_told_to_the_task_that_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(definition("VideosMachine"), GOOD_VIDEO | {"poll": [REFUSED]})
    run.run(monkeypatch)
    assert run.payloads[-1] == JOB | {"task": "fail", "error": "RefusedError"}
    run = Run(definition("VideosMachine"), GOOD_VIDEO | {"poll": [REFUSED], "fail": [UNKNOWN]})
    assert run.run(monkeypatch) == "FAILED"
    assert run.history[-1]["executionFailedEventDetails"]["error"] == "UnexpectedError"


def test_what_is_tried_again_is_tried_after_longer_and_longer_and_not_at_once_with_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delays = []
    for _ in range(3):
        run = Run(definition("VideosMachine"), GOOD_VIDEO | {"poll": [PASSING]})
        run.run(monkeypatch)
        assert len(run.delays) == 4
        assert all(0 <= delay <= 2**index for index, delay in enumerate(run.delays))
        delays.append(tuple(run.delays))
    assert len(set(delays)) == 3


def test_room_in_lambda_is_waited_for_longer_than_for_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(definition("ImagesMachine"), GOOD_PICTURE | {"begin": NO_ROOM})
    run.run(monkeypatch)
    assert run.payloads[-1] == JOB | {"task": "fail", "error": "Lambda.TooManyRequestsException"}
    assert len(run.delays) == 15
    assert all(0 <= delay <= min(30, 2 ** (index + 1)) for index, delay in enumerate(run.delays))
