"""Legs asked in turn: who answers when somebody fails, what the client and the log are told, and what is charged."""

import asyncio
import json
from dataclasses import replace
from typing import Any, cast

import pytest

from fake_upstream import FakeProviders, Response
from key_records import key_record
from path_world import SECRET, World
from route_world import CATALOG, asked, body, is_clean, reply, run, status, stream, world_of
from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.errors import OverloadedError, SluiceError, UpstreamError, UpstreamTimeoutError
from sluice.pipeline import hashes
from sluice.stores.aws import AWSError
from sluice.stores.credentials import CredentialStore

BROKEN = UpstreamError("The connection to the provider broke.")
PASSING = {
    "no connection": BROKEN,
    "no connection in time": UpstreamTimeoutError("The provider did not answer in time."),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "529": status(529),
    "429": status(429),
    "408": status(408),
    "424": status(424),
    "malformed": Response(200, "application/json", (b"{",)),
    "another kind": Response(200, "text/html", (b"<p>",)),
    "cut": Response(200, "application/json", (b'{"id": ', BROKEN)),
    "an error in it": Response(200, "application/json", (b'{"error": {"type": "overloaded_error"}}',)),
}
LASTING = {
    "401": status(401),
    "403": status(403),
    "no quota": status(429, {"code": "insufficient_quota"}),
    "no model": status(404, {"code": "model_not_found"}),
    "404": status(404),
    "redirected": status(307),
}
HANGS: dict[str, Response | None] = {
    "hangs": None,
    "hangs in its body": Response(200, "application/json", (None,)),
    "hangs in its stream": Response(200, "text/event-stream", (b": hello\n\n", None)),
}


@pytest.mark.parametrize(
    "failure", [*PASSING.values(), *LASTING.values(), *HANGS.values()], ids=[*PASSING, *LASTING, *HANGS]
)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_another_provider_answers_where_the_first_one_fails(failure: Any, streams: bool) -> None:
    world = world_of(a=failure, b=stream() if streams else reply())
    got, seconds = run(world.ask(body(stream=streams)))
    assert got.endswith(b"[DONE]\n\n") if isinstance(got, bytes) else got["model"] == "one", got
    assert asked(world) == ["a", "b"]
    assert seconds <= (30 if streams else 20)
    (row,) = world.ledger
    assert (row.model, row.provider) == ("one", "b")
    assert is_clean(world)
    assert (world.headers["x-sluice-provider"], world.headers["x-sluice-attempts"]) == ("b", "2")
    assert "x-sluice-model" not in world.headers
    assert (world.record.provider, world.record.attempts, world.record.fallbacks) == ("b", 2, 1)


def test_the_cost_is_by_the_price_of_who_answered_and_told() -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({"a": reply(), "b": BROKEN}, 3 * 1000 + 4 * 2000),
        ({"a": BROKEN, "b": reply()}, 3 * 3000 + 4 * 9000),
    ]
    for answers, cost in cases:
        world = world_of(**answers)
        run(world.ask(body()))
        assert world.ledger[0].cost == world.record.cost == cost
        assert world.headers["x-sluice-cost"] == f"0.0000{cost // 1000:02}"


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_each_attempt_is_in_the_log(streams: bool) -> None:
    world = world_of(a=status(503), b=stream() if streams else reply())
    run(world.ask(body(stream=streams)))
    first, second = world.record.members()["tries"]
    assert (
        first.items()
        >= {"provider": "a", "model": "one-a", "outcome": "overloaded", "upstream_status": 503}.items()
    )
    assert second.items() >= {"provider": "b", "model": "one-b", "outcome": "ok"}.items()
    assert all(each["milliseconds"] >= 0 for each in (first, second))


def test_nothing_is_asked_again_while_another_has_not_been_asked() -> None:
    world = world_of(
        {"retries": 2}, a=[status(500), reply("late")], b=[status(502), status(502)], c=status(500)
    )
    world.chance = 0.5
    got, seconds = run(world.ask(body()))
    assert got["choices"][0]["message"]["content"] == "late"
    assert asked(world) == ["a", "b", "c", "a"]
    assert seconds == 0.25


def test_what_passes_is_asked_again_after_pauses_that_grow() -> None:
    world = world_of({"retries": 3}, a=[status(500)] * 3 + [reply()])
    world.chance = 1.0
    _, seconds = run(world.ask(body(model="alone")))
    assert asked(world) == ["a"] * 4
    assert seconds == 0.5 + 1 + 2


def test_attempts_are_bounded_and_nothing_is_charged() -> None:
    world = world_of({"retries": 2}, a=status(500), b=status(500), c=status(500))
    got, _ = run(world.ask(body()))
    assert isinstance(got, UpstreamError)
    assert len(asked(world)) == 3 + 2
    assert world.ledger == []
    assert is_clean(world)
    assert (world.headers["x-sluice-provider"], world.headers["x-sluice-attempts"]) == ("a, b, c", "5")


def test_a_request_too_large_for_one_provider_may_not_be_for_the_next() -> None:
    world = world_of(a=status(413), b=reply())
    got, _ = run(world.ask(body()))
    assert (got["model"], asked(world)) == ("one", ["a", "b"])
    got, _ = run(world_of(a=status(413), b=status(413), c=status(413)).ask(body()))
    assert (got.status, got.code) == (413, "request_too_large")


@pytest.mark.parametrize("failure", LASTING.values(), ids=LASTING)
def test_what_lasts_is_not_asked_again(failure: Response) -> None:
    world = world_of({"retries": 2}, a=failure)
    got, seconds = run(world.ask(body(model="alone")))
    assert isinstance(got, SluiceError)
    assert (asked(world), seconds) == (["a"], 0)


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_what_passes_is_asked_again(failure: Any) -> None:
    world = world_of({"retries": 1}, a=[failure, reply()])
    got, _ = run(world.ask(body(model="alone")))
    assert (got["model"], asked(world)) == ("alone", ["a", "a"])


def test_a_provider_is_left_alone_for_as_long_as_it_wants_if_that_is_not_long() -> None:
    world = world_of({"retries": 2}, a=[status(429, retry_after="3"), reply()])
    _, seconds = run(world.ask(body(model="alone")))
    assert (asked(world), seconds) == (["a", "a"], 3)
    world = world_of({"retries": 2}, a=[status(429, retry_after="7"), reply()])
    got, seconds = run(world.ask(body(model="alone")))
    assert (asked(world), seconds) == (["a"], 0)
    assert isinstance(got, OverloadedError)
    assert got.retry_after == 7


def test_a_pause_leaves_at_least_half_of_the_time() -> None:
    world = world_of({"retries": 2, "timeout_seconds": 5}, a=[status(429, retry_after="3"), reply()])
    got, _ = run(world.ask(body(model="alone")))
    assert isinstance(got, OverloadedError)
    assert asked(world) == ["a"]


FINAL = {
    "400": (status(400, {"message": "no"}), 400),
    "422": (status(422), 400),
    "content": (status(400, {"code": "content_filter"}), 400),
}


@pytest.mark.parametrize(("failure", "expected"), FINAL.values(), ids=FINAL)
def test_what_the_client_is_at_fault_for_is_told_at_once(failure: Response, expected: int) -> None:
    world = world_of({"retries": 2}, a=failure, b=reply())
    got, seconds = run(world.ask(body()))
    assert isinstance(got, SluiceError)
    assert (got.status, asked(world), seconds) == (expected, ["a"], 0)
    assert is_clean(world)


def test_what_the_client_is_at_fault_for_tells_more_than_who_failed_before() -> None:
    world = world_of({"retries": 2}, a=status(503), b=status(400, {"message": "no"}), c=reply())
    got, _ = run(world.ask(body()))
    assert isinstance(got, SluiceError)
    assert (got.status, got.message, asked(world)) == (400, "no", ["a", "b"])


def test_a_prompt_that_is_too_long_goes_on_to_a_larger_context_only() -> None:
    too_long = status(400, {"code": "context_length_exceeded", "message": "too long"})
    world = world_of(a=too_long, b=reply(), c=reply())
    got, _ = run(world.ask(body()))
    assert (got["model"], asked(world)) == ("two", ["a", "c"])
    assert world.headers["x-sluice-model"] == "two"
    world = world_of(a=too_long, b=reply(), c=too_long)
    got, _ = run(world.ask(body()))
    assert isinstance(got, SluiceError)
    assert (got.status, got.code, asked(world)) == (400, "context_length_exceeded", ["a", "c"])


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([status(500), status(429, retry_after="9"), status(401)], (503, 9)),
        ([status(503, retry_after="20"), status(429, retry_after="9"), status(401)], (503, 9)),
        ([status(500), status(504), status(401)], (504, None)),
        ([status(401), status(502), status(401)], (502, None)),
        ([status(401), status(404, {"code": "model_not_found"}), status(401)], (502, None)),
        ([status(404, {"code": "model_not_found"})] * 3, (404, None)),
        ([BROKEN, BROKEN, None], (504, None)),
        ([None, None, None], (504, None)),
        ([status(503), None, None], (504, None)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_when_all_fail_the_most_telling_failure_is_told(
    answers: list[Any], expected: tuple[int, float | None], streams: bool
) -> None:
    world = world_of(**dict(zip("abc", answers, strict=True)))
    got, seconds = run(world.ask(body(stream=streams)))
    assert isinstance(got, SluiceError)
    assert (got.status, got.retry_after) == expected
    assert seconds <= (300 if streams else 30)
    assert asked(world) == ["a", "b", "c"]
    assert world.ledger == []
    assert is_clean(world)


def test_who_is_the_only_one_has_all_the_time_there_is() -> None:
    world = world_of(a=None)
    got, seconds = run(world.ask(body(model="alone")))
    assert isinstance(got, UpstreamTimeoutError)
    assert seconds == 30
    world = world_of(a=stream(None))
    _, seconds = run(world.ask(body(model="alone", stream=True)))
    assert seconds == 300


def test_a_stream_that_has_begun_is_the_clients_to_see() -> None:
    world = world_of(a=Response(200, "text/event-stream", (stream(ends=False)._parts[0], BROKEN)), b=stream())
    got, _ = run(world.ask(body(stream=True)))
    assert isinstance(got, bytes)
    assert got.startswith(b'data: {"')
    assert b'data: {"error"' in got
    assert b"[DONE]" not in got
    assert asked(world) == ["a"]
    assert [row.status for row in world.ledger] == ["broken"]
    assert is_clean(world)


def test_fallbacks_come_last_and_answer_under_their_own_name() -> None:
    world = world_of(a=BROKEN, b=BROKEN, c=reply())
    got, _ = run(world.ask(body(model="uno")))
    assert (got["model"], asked(world)) == ("two", ["a", "b", "c"])
    (row,) = world.ledger
    assert (row.model, row.provider, row.cost) == ("two", "c", 3 * 2000 + 4 * 4000)
    assert (world.headers["x-sluice-model"], world.headers["x-sluice-provider"]) == ("two", "c")
    assert world.record.model == "two"
    assert json.loads(world.upstream.requests[-1].body)["model"] == "two-c"


def test_a_fallback_that_the_key_may_not_use_does_not_answer() -> None:
    world = World(
        FakeProviders(a=[BROKEN], b=[BROKEN], c=[reply()]), key_record(SECRET, models=("one",)), CATALOG
    )
    got, _ = run(world.ask(body()))
    assert isinstance(got, UpstreamError)
    assert asked(world) == ["a", "b"]


def test_what_a_budget_holds_covers_the_dearest_and_each_is_told_no_more_than_its_own_limit() -> None:
    record = key_record(SECRET, budget_nano_usd=10**9, budget_period="lifetime")
    world = World(FakeProviders(a=[BROKEN], b=[BROKEN], c=[reply()]), record, CATALOG)
    run(world.ask(body()))
    limits = [json.loads(request.body).get("max_tokens") for request in world.upstream.requests]
    assert limits == [None, None, None]  # each stops there by itself
    sent = [world.counter]
    assert sent[0].used == world.ledger[0].cost
    left = 10**9 - float(world.headers["x-sluice-budget-remaining"]) * 10**9
    bytes_of_body = len(json.dumps(body()).encode()) + 32
    dearest = max(bytes_of_body * 3000 + 100 * 9000, bytes_of_body * 2000 + 500 * 4000)
    assert round(left) == dearest


def test_a_budget_that_the_dearest_does_not_fit_limits_all_and_tells_whose_limit_it_was() -> None:
    record = key_record(SECRET, budget_nano_usd=900_000, budget_period="lifetime")
    world = World(FakeProviders(a=[BROKEN], b=[BROKEN], c=[reply()]), record, CATALOG)
    run(world.ask(body()))
    limits = [json.loads(request.body).get("max_tokens") for request in world.upstream.requests]
    assert 16 <= limits[0] == limits[1] == limits[2] < 100
    assert world.headers["x-sluice-max-tokens"] == str(limits[2])


def test_a_budget_that_the_dearest_does_not_fit_lowers_the_limit_of_nobody_who_keeps_below_it_anyway() -> (
    None
):
    record = key_record(SECRET, budget_nano_usd=1_500_000, budget_period="lifetime")
    world = World(FakeProviders(a=[BROKEN], b=[BROKEN], c=[reply()]), record, CATALOG)
    run(world.ask(body()))
    limits = [json.loads(request.body).get("max_tokens") for request in world.upstream.requests]
    assert limits[:2] == [None, None]  # both stop at 100 by themselves
    assert 100 < limits[2] < 500
    assert world.headers["x-sluice-max-tokens"] == str(limits[2])


def test_who_refuses_a_member_can_answer_where_it_asks_for_nothing() -> None:
    world = world_of(c=reply())
    run(world.ask(body(model="picky", logprobs=False, seed=None, temperature=1)))
    assert asked(world) == ["c"]
    assert {"logprobs", "seed", "temperature"} & json.loads(world.upstream.requests[0].body).keys() == {
        "temperature"
    }


def test_who_cannot_answer_is_left_out_and_a_refusal_costs_nothing() -> None:
    world = world_of(b=reply())
    run(world.ask(body(model="picky", logprobs=True)))
    assert asked(world) == ["b"]
    world = world_of()
    got, _ = run(world.ask(body(model="picky", logprobs=True), providers="c, unset"))
    assert isinstance(got, SluiceError)
    assert (got.status, got.code, got.param) == (400, "unsupported_parameter", "logprobs")
    got, _ = run(world.ask(body(model="picky"), providers="unset"))
    assert isinstance(got, SluiceError)
    assert (got.status, got.code) == (404, "model_not_found")
    assert world.tables.tables["CountersTable"] == {}
    assert "x-sluice-attempts" not in world.headers


def test_what_shows_in_translation_that_it_cannot_be_expressed_goes_on_to_the_next() -> None:
    asking = body(model="shy", prediction={"type": "content", "content": "a"})
    world = world_of(b=reply())
    run(world.ask(asking))  # the demo provider refuses that where it translates
    assert asked(world) == ["b"]
    assert (world.headers["x-sluice-attempts"], world.headers["x-sluice-provider"]) == ("1", "b")
    world = world_of()
    got, _ = run(world.ask(asking, providers="demo"))
    assert isinstance(got, SluiceError)
    assert (got.status, got.param, asked(world)) == (400, "prediction", [])
    assert is_clean(world)


def test_what_one_translation_finds_wrong_another_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hashes, "LARGE_BODY", 10**9
    )  # from there on a thread hashes, which this loop does not see
    world = world_of(b=reply())
    run(world.ask(body(model="shy", messages=[{"role": "user", "content": "x" * 500_001}])))
    assert asked(world) == ["b"]
    assert world.headers["x-sluice-attempts"] == "1"


def test_a_secret_that_cannot_be_read_leaves_its_provider_out() -> None:
    world = world_of(b=reply())

    class Secrets:
        async def get(self, name: str) -> str | None:
            raise self.failure

        failure: Exception = OverloadedError("busy", retry_after=1)

    world.gateway = replace(world.gateway, credentials=cast("CredentialStore", Secrets()))
    for failure in (
        OverloadedError("busy", retry_after=1),
        ConfigurationError("odd"),
        AWSError("GetSecretValue", "Denied", "no"),
    ):
        Secrets.failure = failure
        world.begin()
        run(world.ask(body(model="picky", seed=1)))
        world.begin()
        got, _ = run(world.ask(body(model="picky"), providers="unset"))
        assert isinstance(got, type(failure))
    assert asked(world) == ["b"] * 3


def test_secrets_that_come_late_are_waited_for_together() -> None:
    class Late:
        async def get(self, name: str) -> str | None:
            await asyncio.sleep(9)
            raise OverloadedError("busy", retry_after=1)

    secret = {"kind": "openai", "base_url": "http://secret/v1"}
    names = ("x", "y", "z")
    catalog = Catalog.model_validate(
        {
            "providers": {
                **{name: secret | {"credential": name.upper()} for name in names},
                "b": {"kind": "openai", "base_url": "http://b/v1"},
            },
            "models": [
                {"id": "one", "candidates": [{"provider": name, "model": "m"} for name in (*names, "b")]}
            ],
        }
    )
    world = World(FakeProviders(b=[reply()]), catalog=catalog)
    world.gateway = replace(world.gateway, credentials=cast("CredentialStore", Late()))
    _, seconds = run(world.ask(body()))
    assert (asked(world), seconds) == (["b"], 9)
