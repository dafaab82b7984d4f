"""The path from top to bottom: in which order things are refused, what is filled in, and what comes after."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
import rfc8785

from fake_upstream import FakeUpstream
from key_records import key_record
from path_world import SECRET, World
from sluice.errors import SluiceError
from sluice.pipeline import hashes
from sluice.pipeline.chat import Chat, ChatDefaults
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply

REPLY = json.dumps(
    {
        "id": "1",
        "created": 1,
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
).encode()


def body(**members: Any) -> dict[str, Any]:
    return {"model": "one", "messages": [{"role": "user", "content": "Hi"}], **members}


@pytest.fixture
def upstream() -> FakeUpstream:
    return FakeUpstream(REPLY, content_type="application/json")


@pytest.fixture
def world(upstream: FakeUpstream) -> World:
    return World(upstream)


async def test_a_whole_reply_has_its_hashes_and_is_taken_down(world: World) -> None:
    asked = body(seed=7)
    reply = await world.ask(asked)
    assert reply.pop("requestHash") == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()
    assert reply.pop("responseHash") == hashlib.sha256(rfc8785.dumps(reply)).hexdigest()
    record = world.record
    assert (record.key_id, record.model, record.provider, record.stream) == ("key_test", "one", "far", False)
    assert (record.prompt_tokens, record.completion_tokens) == (3, 4)
    assert [row.status for row in world.ledger] == ["complete"]


async def test_the_log_has_the_models_own_name_and_the_reply_the_one_asked_for(world: World) -> None:
    assert (await world.ask(body(model="uno")))["model"] == "uno"
    assert world.record.model == "one"
    assert world.sent["model"] == "up"


async def test_a_retired_model_is_answered_by_its_successor_and_the_client_is_told(world: World) -> None:
    """At the successor's price; the reply keeps the name that was asked for."""
    assert (await world.ask(body(model="old-one")))["model"] == "old-one"
    assert world.headers["x-sluice-model"] == "one"
    (row,) = world.ledger
    assert (row.model, world.sent["model"], row.cost > 0) == ("one", "up", True)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"not json", 400, "invalid_json"),
        (body(model=5), 400, None),
        (body(seed=1e400), 400, None),
        (body(extra=[1e400]), 400, "invalid_json"),
        (body(search_enabled=True), 400, "unsupported_parameter"),
        (body(model="none"), 404, "model_not_found"),
        (body(model="vectors"), 404, "model_not_found"),
    ],
)
async def test_what_is_refused_reaches_no_provider(
    world: World, raw: Any, status: int, code: str | None
) -> None:
    with pytest.raises(SluiceError) as caught:
        await world.ask(
            raw if isinstance(raw, bytes) else json.dumps(raw).replace("Infinity", "1e400").encode()
        )
    assert (caught.value.status, caught.value.code) == (status, code)
    assert world.upstream.requests == []
    assert world.tables.tables["CountersTable"] == {}


async def test_who_has_no_key_learns_nothing_of_the_body(world: World) -> None:
    with pytest.raises(SluiceError) as caught:
        await world.ask(b"not json", authorization="Bearer sk-unknown")
    assert caught.value.status == 401
    assert world.record.key_id is None


async def test_a_model_that_the_key_may_not_use_is_forbidden() -> None:
    world = World(FakeUpstream(REPLY), key_record(SECRET, models=("other",)))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body())
    assert (caught.value.status, caught.value.code) == (403, "model_not_allowed")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"max_tokens": 9}),
        ({"max_tokens": None}, {"max_tokens": 9}),
        ({"max_tokens": 3}, {"max_tokens": 3}),
        ({"max_completion_tokens": 3}, {"max_completion_tokens": 3}),
    ],
)
async def test_an_alias_fills_in_what_the_client_left_out(
    world: World, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked = {"messages": [{"role": "user", "content": "Hi"}], **given}
    reply = await world.ask(asked, endpoint=Chat(ChatDefaults("one", 9)))
    limits = {
        name: value for name, value in world.sent.items() if name.startswith("max_") and value is not None
    }
    assert limits == expected
    assert reply["requestHash"] == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()  # of the body as received


async def test_a_large_body_has_the_same_hash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "LARGE_BODY", 10)
    asked = body()
    assert (await world.ask(asked))["requestHash"] == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()


async def test_a_stream_that_fails_before_its_first_chunk_is_an_error_and_no_stream() -> None:
    world = World(FakeUpstream(b'data: {"error": {"message": "busy", "type": "overloaded_error"}}\n\n'))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(stream=True))
    assert caught.value.status == 503
    assert world.upstream.released


async def test_a_stream_is_taken_down_with_its_usage() -> None:
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    events = [{"id": "1", "created": 1, "choices": [choice]}, {"choices": [], "usage": usage}]
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    world = World(FakeUpstream(data, b"data: [DONE]\n\n"))
    assert (await world.ask(body(stream=True))).endswith(b"data: [DONE]\n\n")
    assert (world.record.prompt_tokens, world.record.completion_tokens, world.record.stream) == (3, 4, True)
    assert [row.status for row in world.ledger] == ["complete"]


STREAM_HEAD = {"id": "1", "created": 1}


def events(*texts: str, usage: dict[str, Any] | None = None, ends: bool = True) -> bytes:
    """A provider's stream of so many pieces; one that does not end breaks off."""
    deltas: list[dict[str, Any]] = [{"delta": {"content": text}} for text in texts]
    if ends:
        deltas.append({"delta": {}, "finish_reason": "stop"})
    chunks: list[dict[str, Any]] = [{**STREAM_HEAD, "choices": [{"index": 0, **delta}]} for delta in deltas]
    if usage is not None:
        chunks.append({**STREAM_HEAD, "choices": [], "usage": usage})
    frames = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return b"".join(frames) + (b"data: [DONE]\n\n" if ends else b"")


async def test_a_whole_reply_is_settled_to_its_true_cost(world: World) -> None:
    await world.ask(body())
    (row,) = world.ledger
    assert (row.key_id, row.owner, row.model, row.provider) == ("key_test", "tests", "one", "far")
    assert (row.prompt_tokens, row.completion_tokens, row.estimated, row.streamed) == (3, 4, False, False)
    assert row.cost == 3 * 1000 + 4 * 2000
    assert row.request_hash is not None
    assert row.response_hash is not None
    assert (world.counter.used, world.counter.holds) == (row.cost, {})
    assert world.counter.day_tokens.total == 7
    assert world.record.cost == row.cost


async def test_cached_tokens_have_their_own_price() -> None:
    reply = json.loads(REPLY)
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 2}
    world = World(FakeUpstream(json.dumps(reply).encode(), content_type="application/json"))
    await world.ask(body())
    assert world.ledger[0].cost == 1 * 1000 + 2 * 500 + 4 * 2000


async def test_tokens_written_to_the_cache_have_their_own_price() -> None:
    reply = json.loads(REPLY)
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 1, "cache_write_tokens": 2}
    world = World(FakeUpstream(json.dumps(reply).encode(), content_type="application/json"))
    await world.ask(body())
    (row,) = world.ledger
    assert (row.cached_tokens, row.cache_write_tokens) == (1, 2)
    assert row.cost == 1 * 500 + 2 * 1250 + 4 * 2000


async def test_a_stream_and_a_whole_reply_of_the_same_usage_cost_the_same(world: World) -> None:
    await world.ask(body())
    streamed = World(FakeUpstream(events("a", usage={"prompt_tokens": 3, "completion_tokens": 4})))
    await streamed.ask(body(stream=True))
    assert streamed.ledger[0].cost == world.ledger[0].cost
    assert streamed.ledger[0].streamed


async def test_a_stream_that_breaks_is_charged_by_what_was_received() -> None:
    world = World(FakeUpstream(events("four", "more", ends=False)))
    assert b"upstream_error" in await world.ask(body(stream=True))
    (row,) = world.ledger
    assert (row.status, row.estimated, row.completion_tokens) == ("broken", True, 2)
    assert row.cost == row.prompt_tokens * 1000 + 2 * 2000
    assert row.response_hash is None
    assert (world.counter.used, world.counter.holds) == (row.cost, {})


async def test_a_stream_whose_client_goes_away_is_charged_by_what_was_received() -> None:
    world = World(FakeUpstream(events("four", "more")))
    raw = json.dumps(body(stream=True)).encode()
    async with answered(world.gateway, Call(f"Bearer {SECRET}", raw, world.record), Chat()) as reply:
        assert isinstance(reply, StreamedReply)
        await anext(aiter(reply.frames))
    (row,) = world.ledger
    assert (row.status, row.estimated, row.completion_tokens) == ("cancelled", True, 1)
    assert world.counter.holds == {}


async def test_what_fails_costs_nothing_and_gives_its_tokens_back() -> None:
    world = World(FakeUpstream(b"busy", status=503))
    with pytest.raises(SluiceError):
        await world.ask(body())
    assert world.ledger == []
    counter = world.counter
    assert (counter.used, counter.holds, counter.day_tokens.total) == (0, {}, 0)
    assert counter.requests.total == 1


async def test_a_reply_without_usage_is_estimated() -> None:
    reply = json.loads(REPLY)
    del reply["usage"]
    world = World(FakeUpstream(json.dumps(reply).encode(), content_type="application/json"))
    await world.ask(body())
    (row,) = world.ledger
    assert (row.status, row.estimated, row.completion_tokens) == ("complete", True, 1)


async def test_a_budget_that_cannot_pay_refuses_before_the_provider_is_asked(upstream: FakeUpstream) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=1000, budget_period="lifetime"))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(max_tokens=10))
    assert (caught.value.status, caught.value.code, caught.value.retriable) == (402, "budget_exceeded", False)
    assert upstream.requests == []


async def test_a_client_that_sets_no_limit_gets_what_the_budget_pays_for_and_is_told(
    upstream: FakeUpstream,
) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=2_000_000, budget_period="daily"))
    await world.ask(body())
    told = int(world.headers["x-sluice-max-tokens"])
    assert world.sent["max_tokens"] == told
    assert 16 <= told < 1000


async def test_a_client_that_sets_a_limit_keeps_it(upstream: FakeUpstream) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=10**9, budget_period="daily"))
    await world.ask(body(max_tokens=20))
    assert world.sent["max_tokens"] == 20
    assert "x-sluice-max-tokens" not in world.headers


async def test_a_model_without_a_price_is_not_for_a_key_with_a_budget(upstream: FakeUpstream) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=10**9, budget_period="daily"))
    with pytest.raises(SluiceError) as caught:
        await world.ask(body(model="unpriced"))
    assert (caught.value.status, caught.value.param) == (403, "model")
    free = World(upstream)
    await free.ask(body(model="unpriced"))
    assert free.ledger[0].cost == 0


@pytest.mark.parametrize(
    ("asked", "remaining"), [(body(), "4"), (body(model="none"), "5"), (body(temperature=9), "5")]
)
async def test_every_reply_to_a_known_key_tells_what_is_left(
    upstream: FakeUpstream, asked: dict[str, Any], remaining: str
) -> None:
    world = World(upstream, key_record(SECRET, rpm=5, tpd=10_000))
    if remaining == "4":
        await world.ask(asked)
    else:
        with pytest.raises(SluiceError):
            await world.ask(asked)
    assert world.headers["x-ratelimit-limit-rpm"] == "5"
    assert world.headers["x-ratelimit-remaining-rpm"] == remaining
    assert world.headers["x-ratelimit-limit-tpd"] == "10000"


async def test_a_reply_tells_what_is_left_of_the_budget(upstream: FakeUpstream) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=10**9, budget_period="monthly"))
    await world.ask(body(max_tokens=100))
    left = Decimal(world.headers["x-sluice-budget-remaining"])
    assert world.headers["x-sluice-budget-limit"] == "1.00"
    assert (
        Decimal("0.999") < left < 1 - Decimal(world.ledger[0].cost) / 10**9
    )  # what was held is more than the cost
    assert world.headers["x-sluice-budget-reset"].endswith("s")


async def test_an_exhausted_budget_tells_what_is_left_of_it_and_when_it_starts_anew(
    upstream: FakeUpstream,
) -> None:
    world = World(upstream, key_record(SECRET, budget_nano_usd=1000, budget_period="monthly"))
    told = r"has 0\.000001 USD left.* It starts anew on \d{4}-\d\d-01 at 00:00 UTC"
    with pytest.raises(SluiceError, match=told):
        await world.ask(body(max_tokens=10))


async def test_limits_of_tokens_count_an_estimate_of_the_prompt_until_its_tokens_are_known(
    upstream: FakeUpstream,
) -> None:
    world = World(upstream, key_record(SECRET, tpm=1500))
    text = "All is well that ends well. " * 100
    await world.ask(body(messages=[{"role": "user", "content": text}], max_tokens=100))
    assert world.counter.minute_tokens.total == 7
    assert 300 < int(world.headers["x-ratelimit-remaining-tpm"]) < 600


async def test_a_full_window_is_a_429_that_says_when(upstream: FakeUpstream) -> None:
    world = World(upstream, key_record(SECRET, rpm=1))
    await world.ask(body())
    with pytest.raises(SluiceError) as caught:
        await world.ask(body())
    error = caught.value
    assert (error.status, error.code) == (429, "rate_limit_exceeded")
    assert error.retry_after is not None
    assert 60 < error.retry_after <= 68
    assert world.headers["x-ratelimit-remaining-rpm"] == "0"
    assert len(upstream.requests) == 1


async def test_a_warm_request_makes_one_call_before_the_provider_and_two_after_it(world: World) -> None:
    await world.ask(body())
    world.dynamodb.calls.clear()
    world.tables.tables["LedgerTable"].clear()
    world.record.request_id = "req_2"
    call = Call(
        f"Bearer {SECRET}",
        json.dumps(body()).encode(),
        world.record,
        afterwards=world.afterwards.append,
    )
    async with answered(world.gateway, call, Chat()):
        assert world.dynamodb.calls == ["UpdateItem"]
    await world.do_afterwards()
    assert world.dynamodb.calls == ["UpdateItem", "PutItem", "UpdateItem"]
