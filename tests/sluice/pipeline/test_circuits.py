"""Who is asked last, from when until when; and how environments tell each other."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    SluiceError,
    UnsupportedParameterError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.pipeline.call import expired
from sluice.pipeline.circuits import LASTING_SECONDS, LONGEST_SECONDS, PROBE_SECONDS, Circuits

FAILURES, SECONDS = 3, 30.0


class World:
    """Circuits and their clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.circuits = Circuits(failures=FAILURES, seconds=SECONDS, clock=lambda: self.now)

    def fail(self, times: int = 1, error: SluiceError | None = None) -> None:
        for _ in range(times):
            self.circuits.asks("p/m")
            self.circuits.failed("p/m", error or broken())

    def answer(self) -> None:
        self.circuits.asks("p/m")
        self.circuits.answered("p/m", "p")

    @property
    def lets(self) -> bool:
        return self.circuits.lets("p/m", "p")


def broken(status: int | None = 500) -> SluiceError:
    return with_status(UpstreamError("broken"), status)


def with_status(error: SluiceError, status: int | None) -> SluiceError:
    error.upstream_status = status
    return error


@pytest.fixture
def world() -> World:
    return World()


def test_several_failures_in_succession_open_it_until_it_has_cooled_down(world: World) -> None:
    world.fail(FAILURES - 1)
    assert world.lets
    world.fail()
    assert not world.lets
    world.now += SECONDS - 1
    assert not world.lets
    world.now += 1
    assert world.lets


def test_failures_between_answers_do_not_add_up(world: World) -> None:
    for _ in range(10):
        world.fail(FAILURES - 1)
        world.answer()
    assert world.lets


def test_one_request_alone_finds_out_how_it_is(world: World) -> None:
    world.fail(FAILURES)
    world.now += SECONDS
    assert world.lets
    world.circuits.asks("p/m")
    assert not world.lets
    world.circuits.answered("p/m", "p")
    assert world.lets
    world.fail(FAILURES - 1)
    assert world.lets, "it begins anew"


def test_a_probe_that_fails_opens_it_again_at_once(world: World) -> None:
    world.fail(FAILURES)
    world.now += SECONDS
    world.fail()
    assert not world.lets
    world.now += SECONDS
    assert world.lets


def test_a_probe_that_finds_nothing_out_makes_room_for_another(world: World) -> None:
    world.fail(FAILURES)
    world.now += SECONDS
    world.circuits.asks("p/m")
    world.circuits.leaves("p/m")
    assert world.lets
    world.circuits.asks("p/m")
    world.now += PROBE_SECONDS  # and whose process is stuck is not waited for
    assert world.lets


def test_an_answer_while_it_is_open_closes_it(world: World) -> None:
    world.fail(FAILURES)
    world.answer()
    assert world.lets


def test_failures_while_it_is_open_keep_it_open_no_longer(world: World) -> None:
    world.fail(FAILURES)
    world.now += SECONDS / 2
    world.fail(10)
    world.now += SECONDS / 2
    assert world.lets


LASTING: Mapping[str, tuple[SluiceError, float]] = {
    "wants to be left alone": (with_status(OverloadedError("busy", retry_after=45), 429), 45),
    "for very long": (with_status(OverloadedError("busy", retry_after=86_400), 429), LONGEST_SECONDS),
    "refused credential": (with_status(UpstreamError("no", retriable=False), 401), LASTING_SECONDS),
    "nothing paid": (with_status(UpstreamError("no", retriable=False), 402), LASTING_SECONDS),
    "exhausted account": (with_status(UpstreamError("no", retriable=False), 429), LASTING_SECONDS),
    "no such model": (with_status(ModelNotFoundError("no"), 404), LASTING_SECONDS),
}


@pytest.mark.parametrize(("error", "seconds"), LASTING.values(), ids=LASTING)
def test_what_lasts_opens_it_at_once_for_as_long(world: World, error: SluiceError, seconds: float) -> None:
    world.fail(error=error)
    assert not world.lets
    world.now += seconds - 1
    assert not world.lets
    world.now += 1
    assert world.lets


COUNTING = {
    "no connection": UpstreamError("no"),
    "no connection in time": UpstreamTimeoutError("late"),
    "500": broken(500),
    "503": with_status(OverloadedError("busy", retry_after=1), 503),
    "408": with_status(UpstreamTimeoutError("late"), 408),
    "403": with_status(UpstreamError("no", retriable=False), 403),
    "424": broken(424),
    "a redirection": broken(307),
    "a long answer": expired(),
}
CLIENTS = {
    "400": with_status(InvalidRequestError("no"), 400),
    "too long": with_status(InvalidRequestError("no", code="context_length_exceeded"), 400),
    "413": with_status(RequestTooLargeError("no"), 413),
    "no such file": broken(404),
    "a conflict": broken(409),
    "not to be expressed": UnsupportedParameterError("no"),
    "an answer too large": UpstreamError("The provider's answer is too large.", retriable=False),
}


@pytest.mark.parametrize("error", COUNTING.values(), ids=COUNTING)
def test_what_the_provider_is_at_fault_for_counts(world: World, error: SluiceError) -> None:
    world.fail(FAILURES - 1, error)
    assert world.lets
    world.fail(1, error)
    assert not world.lets


@pytest.mark.parametrize("error", CLIENTS.values(), ids=CLIENTS)
def test_what_a_client_can_cause_never_opens_it(world: World, error: SluiceError) -> None:
    world.fail(100, error)
    assert world.lets
    assert world.circuits.opened == {}


@pytest.mark.parametrize("error", [expired(), COUNTING["403"]])
def test_what_a_client_may_have_brought_about_is_told_to_nobody_else(
    world: World, error: SluiceError
) -> None:
    world.fail(FAILURES, error)
    assert not world.lets
    assert world.circuits.opened == {}


def test_each_leg_is_counted_for_itself(world: World) -> None:
    world.fail(FAILURES)
    assert world.circuits.lets("p/other", "p")
    assert world.circuits.lets("q/m", "q")


def test_it_is_told_once_that_it_has_opened(world: World) -> None:
    world.fail(FAILURES + 5)
    assert world.circuits.opened == {"p/m": 1000 + SECONDS}
    world.circuits.opened = {}
    world.now += SECONDS
    world.fail()
    assert world.circuits.opened == {"p/m": 1000 + 2 * SECONDS}


def test_what_keeps_it_open_for_longer_is_not_told_again(world: World) -> None:
    world.fail(FAILURES)
    world.circuits.opened = {}
    world.fail(error=with_status(OverloadedError("busy", retry_after=90), 429))
    assert world.circuits.opened == {}
    world.now += 89
    assert not world.lets


def test_what_others_have_found_out_counts_and_is_not_told_on(world: World) -> None:
    world.circuits.learn({"p/m": world.now + 20}, {})
    assert not world.lets
    assert world.circuits.opened == {}
    world.now += 20
    assert world.lets


def test_what_was_heard_and_has_proved_wrong_is_not_believed_again(world: World) -> None:
    heard = {"p/m": world.now + 20}
    world.circuits.learn(heard, {})
    world.answer()
    world.circuits.learn(heard, {})
    assert world.lets
    world.circuits.learn({"p/m": world.now + 25}, {})
    assert not world.lets


def test_what_is_over_or_lasts_absurdly_long_is_not_believed(world: World) -> None:
    world.circuits.learn({"p/m": world.now - 1}, {})
    assert world.lets
    world.circuits.learn({"p/m": world.now + 10**9}, {})
    world.now += LONGEST_SECONDS
    assert world.lets


def test_a_provider_that_the_check_has_found_down_is_asked_last_until_it_answers(world: World) -> None:
    world.circuits.learn({}, {"p": world.now - 5})
    assert not world.lets
    assert world.circuits.lets("q/m", "q")
    world.answer()
    assert world.lets
    world.circuits.learn({}, {"p": world.now - 5})
    assert world.lets, "the same check is heard of again"
    world.circuits.learn({}, {"p": world.now + 5})
    assert not world.lets
    world.circuits.learn({}, {})
    assert world.lets


@given(
    st.lists(
        st.sampled_from(["asks", "failed", "lasting", "answered", "leaves", "client", "learn", "wait"]),
        max_size=60,
    )
)
def test_whatever_happens_it_is_let_again_in_the_end_and_an_answer_closes_it(steps: list[str]) -> None:
    world = World()
    circuits = world.circuits
    for step in steps:
        match step:
            case "asks":
                circuits.asks("p/m")
            case "failed":
                circuits.failed("p/m", broken())
            case "lasting":
                circuits.failed("p/m", with_status(ModelNotFoundError("no"), 404))
            case "answered":
                circuits.answered("p/m", "p")
                assert world.lets
            case "leaves":
                circuits.leaves("p/m")
            case "client":
                circuits.failed("p/m", InvalidRequestError("no"))
            case "learn":
                circuits.learn({"p/m": world.now + 60}, {})
            case _:
                world.now += 11
    world.now += LONGEST_SECONDS
    assert world.lets
