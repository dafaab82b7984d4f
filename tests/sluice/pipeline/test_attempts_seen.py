"""What attempts tell of providers and models: who is down, who is slow, who is asked last."""

import pytest

from fake_upstream import FakeProviders, Response
from path_world import World
from route_world import CATALOG, asked, body, reply, run, status, stream, world_of
from sluice.catalog import Catalog
from sluice.errors import UpstreamError
from sluice.pipeline.health_monitor import FAILURES

BROKEN = UpstreamError("The connection to the provider broke.")


def test_streams_that_break_make_a_provider_look_bad_too() -> None:
    cut = Response(200, "text/event-stream", (stream(ends=False)._parts[0], BROKEN))
    world = world_of(a=cut, b=stream())
    for _ in range(3):
        got, _ = run(world.ask(body(stream=True)))
        assert b"[DONE]" not in got
        world.begin()
    run(world.ask(body(stream=True)))
    assert asked(world) == ["a", "a", "a", "b"]


def test_a_stream_that_lasts_until_its_deadline_makes_nobody_look_bad() -> None:
    world = world_of(a=Response(200, "text/event-stream", (stream(ends=False)._parts[0], None)), b=stream())
    for _ in range(4):
        run(world.ask(body(stream=True)))
        world.begin()
    assert asked(world) == ["a"] * 4


def test_a_model_is_down_only_when_all_who_serve_it_fail() -> None:
    world = world_of(a=BROKEN, b=reply(), c=reply())
    for _ in range(FAILURES + 1):
        run(world.ask(body()))
        run(world.do_afterwards())
        world.begin()
    assert world.health == {}


def test_a_model_that_another_one_stands_in_for_is_down_and_the_other_is_not() -> None:
    world = world_of(a=status(500), b=status(500), c=reply())
    for _ in range(FAILURES):
        run(world.ask(body()))
        run(world.do_afterwards())
        world.begin()
    assert world.health == {"health#one": ("down", FAILURES)}


def test_a_model_is_not_down_by_the_failure_of_another_that_the_client_is_told_of() -> None:
    world = world_of(a=status(500), c=status(404, {"code": "model_not_found"}))
    for _ in range(FAILURES):
        run(world.ask(body(model="alone", models=["two"])))
        run(world.do_afterwards())
        world.begin()
    assert list(world.health) == ["health#alone"]


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_who_hangs_is_not_the_fastest(streams: bool) -> None:
    row = CATALOG.models[0].model_copy(update={"policy": "fastest"})
    catalog = Catalog(providers=CATALOG.providers, models=(row,))
    world = World(FakeProviders(a=[None], b=[stream() if streams else reply()]), catalog=catalog)
    world.chance = 0.5
    for _ in range(2):
        run(world.ask(body(stream=streams)))
        world.begin()
    assert asked(world) == ["a", "b", "b"]


def test_a_model_that_thinks_may_take_longer_to_begin_a_stream() -> None:
    rows = (row.model_copy(update={"capabilities": frozenset({"reasoning"})}) for row in CATALOG.models)
    thinks = Catalog(providers=CATALOG.providers, models=tuple(rows))
    for catalog, waits in ((CATALOG, 30), (thinks, 200)):
        world = World(FakeProviders(a=[None], b=[stream()]), catalog=catalog)
        _, seconds = run(world.ask(body(stream=True)))
        assert (asked(world), seconds) == (["a", "b"], waits)


def test_a_provider_that_hangs_is_asked_last_after_several_requests_have_waited_for_it() -> None:
    world = world_of(a=None, b=reply())
    waited = [run(world.ask(body()))[1] for _ in range(4)]
    assert waited == [20, 20, 20, 0]
