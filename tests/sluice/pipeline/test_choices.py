"""Which models and providers a client may choose among, and what it is told where it may not."""

import json
from typing import Any

import pytest

from fake_upstream import FakeProviders, Response
from key_records import key_record
from path_world import SECRET, World
from route_world import CATALOG, asked, body, reply, run, status, stream, world_of
from sluice.errors import SluiceError, UpstreamError
from sluice.pipeline.chat import Chat, ChatDefaults
from sluice.pipeline.completions import Completions
from sluice.pipeline.embeddings import Embeddings

BROKEN = UpstreamError("broken")


def refused(world: World, asking: dict[str, Any], **given: Any) -> tuple[int, str | None, str | None]:
    """How a request is refused, which nothing is held for."""
    got, _ = run(world.ask(asking, **given))
    assert isinstance(got, SluiceError), got
    assert asked(world) == []
    assert world.tables.tables["CountersTable"] == {}
    return got.status, got.code, got.param


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_models_are_tried_in_the_clients_order_and_answer_by_the_name_it_used(streams: bool) -> None:
    answer = stream() if streams else reply()
    world = world_of(a=BROKEN, b=answer, c=BROKEN)
    got, _ = run(world.ask(body(model="two", models=["uno", "alone"], stream=streams)))
    assert asked(world) == ["c", "a", "b"]
    told = json.loads(got.split(b"\n")[0].removeprefix(b"data: ")) if streams else got
    assert told["model"] == "uno"
    assert world.headers["x-sluice-model"] == "one"
    assert world.ledger[0].model == "one"


def test_no_provider_hears_of_other_models() -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=reply())
    run(world.ask(body(models=["two"])))
    for request in world.upstream.requests:
        assert "models" not in json.loads(request.body)


def test_no_provider_hears_of_a_list_that_is_null() -> None:
    world = world_of(a=reply())
    for asking, endpoint in (
        (body(models=None), Chat()),
        ({"model": "one", "prompt": "a", "models": None}, Completions()),
    ):
        run(world.ask(asking, endpoint=endpoint))
    assert ["models" in json.loads(request.body) for request in world.upstream.requests] == [False, False]


@pytest.mark.parametrize("endpoint", [Chat(), Chat(ChatDefaults("alone", 9))])
def test_the_first_of_models_is_the_model_where_none_is_named(endpoint: Chat) -> None:
    world = world_of(c=reply())
    asking = body(models=["two", "one"])
    del asking["model"]
    got, _ = run(world.ask(asking, endpoint=endpoint))
    assert (got["model"], asked(world)) == ("two", ["c"])
    assert "x-sluice-model" not in world.headers


def test_text_completions_have_it_too() -> None:
    text = Response(
        200, "application/json", (b'{"choices": [{"message": {"content": "b"}, "finish_reason": "stop"}]}',)
    )
    world = world_of(a=BROKEN, b=BROKEN, c=text)
    got, _ = run(world.ask({"models": ["one", "two"], "prompt": "a"}, endpoint=Completions()))
    assert (got["model"], got["choices"][0]["text"]) == ("two", "b")


def test_what_the_client_lists_takes_the_place_of_the_catalogues_fallbacks() -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=reply())
    got, _ = run(world.ask(body(models=["alone"])))
    assert isinstance(got, UpstreamError)
    assert asked(world) == ["a", "b", "a"]


def test_a_model_that_is_listed_twice_is_tried_once() -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=BROKEN)
    run(world.ask(body(models=["uno", "two", "one", "two"])))
    assert asked(world) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["two", "none"], (404, "model_not_found", "models[1]")),
        (["vectors"], (404, "model_not_found", "models[0]")),
        ([], (400, None, "models")),
        (["one"] * 17, (400, None, "models")),
        ("two", (400, None, "models")),
        ([5], (400, None, "models[0]")),
        ([""], (400, None, "models[0]")),
    ],
)
def test_each_model_has_to_exist(models: Any, expected: tuple[int, str, str]) -> None:
    assert refused(world_of(), body(models=models)) == expected


@pytest.mark.parametrize("named", [{}, {"model": None}, {"models": None}, {"models": []}])
def test_without_any_model_it_is_the_one_that_is_missing(named: dict[str, Any]) -> None:
    asking = body() | named
    if named.get("model", "") is not None:
        del asking["model"]
    assert refused(world_of(), asking)[2] in {"model", "models"}


def test_each_model_has_to_be_allowed() -> None:
    world = World(FakeProviders(), key_record(SECRET, models=("uno",)), CATALOG)
    assert refused(world, body(models=["two"])) == (403, "model_not_allowed", "models[0]")


def test_a_budget_holds_for_the_dearest_of_the_models() -> None:
    record = key_record(SECRET, budget_nano_usd=10**9, budget_period="lifetime")
    held = []
    for models in (None, ["two"]):
        world = World(FakeProviders(a=[reply()], b=[reply()], c=[reply()]), record, CATALOG)
        run(world.ask(body(model="alone", models=models)))
        held.append(10**9 - round(float(world.headers["x-sluice-budget-remaining"]) * 10**9))
    assert held[1] >= 500 * 4000 > held[0]


def test_vectors_of_another_model_are_none() -> None:
    world = world_of(a=BROKEN)
    asking = {"model": "vectors", "input": "a", "models": ["vectors"]}
    assert refused(world, asking, endpoint=Embeddings()) == (400, "unsupported_parameter", "models")
    got, _ = run(world.ask({"model": "vectors", "input": "a"}, endpoint=Embeddings()))
    assert isinstance(got, UpstreamError)
    assert asked(world) == ["a"]


def test_only_the_providers_that_a_client_names_are_asked_in_its_order() -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=BROKEN)
    run(world.ask(body(), providers="b, a,,b "))
    assert asked(world) == ["b", "a"]
    world = world_of(a=BROKEN, b=reply(), c=reply())
    run(world.ask(body(), providers="a"))
    assert asked(world) == ["a"]
    world = world_of(a=reply())
    run(world.ask(body(), providers=" , "))
    assert asked(world) == ["a"]


def test_fallbacks_are_asked_of_the_named_providers_too() -> None:
    world = world_of(a=BROKEN, c=reply())
    got, _ = run(world.ask(body(), providers="c,a"))
    assert (asked(world), got["model"]) == (["a", "c"], "two")


def test_a_provider_that_does_not_exist_or_serve_the_model_is_told() -> None:
    for providers, words in (("a, nobody", "the unknown provider 'nobody'."), ("c", "asked for: c.")):
        got, _ = run(world_of().ask(body(), providers=providers))
        assert isinstance(got, SluiceError)
        assert (got.status, got.code, got.param) == (400, None, None)
        assert got.message.startswith("The header x-sluice-provider names ")
        assert got.message.endswith(f"{words} The model 'one' is served by a, b.")
    got, _ = run(world_of().ask(body(models=["two"]), providers="demo"))
    assert isinstance(got, SluiceError)
    assert got.message.endswith("The models are served by a, b, c.")
    got, _ = run(world_of(c=reply()).ask(body(models=["two"]), providers="c"))
    assert got["model"] == "two", "the client has named that model itself"


def test_open_circuits_are_asked_last_and_their_failure_is_no_refusal() -> None:
    world = world_of(
        a=[status(404, {"code": "model_not_found"}), reply()], b=[reply(), reply(), BROKEN], c=BROKEN
    )
    for expected in (["a", "b"], ["b"], ["b", "c", "a"], ["a"]):
        world.upstream.requests.clear()
        asked(world).clear()
        run(world.ask(body()))
        assert asked(world) == expected
        world.begin()


def test_environments_learn_from_each_other_and_nobody_waits_for_it() -> None:
    world = world_of({"circuit_seconds": 40}, a=BROKEN, b=reply())
    other = world.environment()
    for _ in range(3):
        run(world.ask(body()))
        world.begin()
    assert asked(world)[-2:] == ["a", "b"]
    assert "BatchGetItem" not in world.dynamodb.calls
    run(world.do_afterwards())
    assert world.circuits == {"a/one-a": int(world.now) + 40}

    asked(world).clear()
    run(world.ask(body(), gateway=other))
    assert asked(world) == ["a", "b"]
    run(world.do_afterwards())
    world.begin()
    asked(world).clear()
    run(world.ask(body(), gateway=other))
    assert asked(world) == ["b"]
    world.begin()
    world.now += 40
    asked(world).clear()
    run(world.ask(body(), gateway=other))
    assert asked(world) == ["a", "b"]


def test_where_there_is_no_choice_nothing_is_read_or_written() -> None:
    world = world_of(a=BROKEN)
    for _ in range(10):
        run(world.ask(body(model="alone")))
        run(world.do_afterwards())
        world.begin()
    assert "BatchGetItem" not in world.dynamodb.calls
    assert world.circuits == {}


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_a_longer_answer_than_a_model_gives_is_another_models_or_nobodys(member: str) -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=reply())
    got, _ = run(world.ask(body(**{member: 101})))
    assert (got["model"], asked(world)) == ("two", ["c"])
    assert refused(world_of(), body(**{member: 501})) == (400, None, member)
    world = world_of(a=reply())
    got, _ = run(world.ask(body(**{member: 100})))
    assert asked(world) == ["a"]
