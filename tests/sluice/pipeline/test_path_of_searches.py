"""The path of a request with ``search_enabled``: what is held, sent, told, charged and given back."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from fake_upstream import Part
from key_records import key_record
from path_world import CATALOG, SECRET, World
from searched_upstream import SearchedUpstream, engine, found
from sluice.accounting.costs import rates_of_model
from sluice.catalog import ModelRow
from sluice.catalog_search import SearchRow
from sluice.errors import SluiceError
from sluice.money import format_usd
from sluice.pipeline.chat import Chat
from sluice.pipeline.chat_bound import ADDED_TOKENS
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.path import Call, answered
from sluice.search.fence import MOST_BYTES
from sluice.stores.keys import KeyRecord

NANO = 1_000_000_000
PRICE = 1_000_000
"""Of one engine's answer: 0.001 USD."""

TWICE = ModelRow.model_validate(
    {
        "id": "twice",
        "candidates": [{"provider": "far", "model": "up"}, {"provider": "far", "model": "down"}],
        "output_tokens": 1000,
        "price": {"input": "1", "output": "2"},
    }
)
"""A model that two can answer."""

QUESTION = "What is known of that?"
USAGE = {"prompt_tokens": 300, "completion_tokens": 40}
REPLY = {
    "id": "1",
    "created": 1,
    "choices": [{"index": 0, "message": {"content": "It is [1]."}, "finish_reason": "stop"}],
    "usage": USAGE,
}
COST = 300 * 1_000 + 40 * 2_000
"""Of the model's answer, in nano-USD: the model costs 1 and 2 USD per million tokens."""


def events() -> tuple[bytes, ...]:
    """The same, streamed."""
    choices = [
        {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        for text, reason in (("It is ", None), ("[1].", None), ("", "stop"))
    ]
    chunks = [{"id": "1", "created": 1, "choices": [choice]} for choice in choices]
    chunks.append({"id": "1", "created": 1, "choices": [], "usage": USAGE})
    return (*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n")


def body(**members: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": "one", "messages": messages, "search_enabled": True, **members}


def world(
    *parts: Part,
    key: KeyRecord | None = None,
    rows: Mapping[str, SearchRow] | None = None,
    status: int = 200,
) -> tuple[World, SearchedUpstream]:
    """A gateway with two engines, each of which has found a page of its own and one of both."""
    streams = parts[1:] or (parts and isinstance(parts[0], bytes) and parts[0].startswith(b"data:"))
    upstream = SearchedUpstream(
        *(parts or (json.dumps(REPLY).encode(),)),
        status=status,
        content_type="text/event-stream" if streams else "application/json",
    )
    upstream.engines = {"searxng": found("own", "both"), "tavily": found("other", "both")}
    made = World(upstream, key)
    search = {"searxng": engine("searxng"), "tavily": engine("tavily")} if rows is None else rows
    catalog = CATALOG.model_copy(update={"search": search, "models": (*CATALOG.models, TWICE)})
    settings = made.gateway.settings.model_copy(update={"search_seconds": 0.2})
    gateway = Gateway.assemble(settings, catalog, made.dynamodb.aws, upstream)
    made.gateway = replace(gateway, keys=made.gateway.keys)
    return made, upstream


def poor(budget: int) -> KeyRecord:
    return key_record(SECRET, budget_nano_usd=budget, budget_period="lifetime")


def held(raw: bytes, output_tokens: int) -> int:
    """What is held for a body and two engines, if the answer is limited to so many tokens."""
    rates = rates_of_model(CATALOG.models[0])
    assert rates
    return 2 * PRICE + rates.bound(len(raw) + MOST_BYTES + ADDED_TOKENS, output_tokens)


def last_event(stream: bytes) -> dict[str, Any]:
    *_, last, done, empty = stream.split(b"\n\n")
    assert (done, empty) == (b"data: [DONE]", b"")
    return dict(json.loads(last.removeprefix(b"data: ")))


class TestReplies:
    async def test_the_model_is_told_and_the_client_too(self) -> None:
        made, upstream = world()
        reply = await made.ask(body())
        assert [row["url"] for row in reply["search_result"]] == [
            "https://both.example/",
            "https://own.example/",
            "https://other.example/",
        ]
        assert reply["search_result"][0] == {
            "url": "https://both.example/",
            "context": "What is known of it.",
            "source_from": "SearXNG",
        }
        (message,) = made.sent["messages"]
        assert message["content"].endswith(QUESTION)
        assert "[1] page: https://both.example/\n    title: Page both\n" in message["content"]
        assert "search_enabled" not in made.sent
        assert len(upstream.searches) == 2

    async def test_the_hash_covers_the_search(self) -> None:
        made, _ = world()
        asked = body()
        reply = await made.ask(asked)
        digest = reply.pop("responseHash")
        assert reply.pop("requestHash") == hashlib.sha256(rfc8785.dumps(asked)).hexdigest()
        assert digest == hashlib.sha256(rfc8785.dumps(reply)).hexdigest()
        assert made.ledger[0].response_hash == digest

    @pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
    async def test_a_stream_ends_with_it(self, options: dict[str, Any]) -> None:
        made, _ = world(*events())
        stream = await made.ask(body(stream=True, **options))
        last = last_event(stream)
        assert last["search_result"][0]["url"] == "https://both.example/"
        assert stream.count(b"search_result") == 1
        assert last["responseHash"] == made.ledger[0].response_hash

    async def test_whole_and_stream_have_the_same_hash(self) -> None:
        one, _ = world()
        other, _ = world(*events())
        whole = await one.ask(body())
        last = last_event(await other.ask(body(stream=True, stream_options={"include_usage": True})))
        assert last["search_result"] == whole["search_result"]
        assert last["responseHash"] == whole["responseHash"]

    async def test_nothing_found_is_told(self) -> None:
        made, upstream = world()
        upstream.engines = {"searxng": found(), "tavily": found()}
        reply = await made.ask(body())
        assert reply["search_result"] == []
        assert "found nothing" in made.sent["messages"][0]["content"]
        assert made.ledger[0].cost == COST + 2 * PRICE

    @pytest.mark.parametrize("member", [{"search_enabled": False}, {"search_enabled": None}])
    async def test_without_it_there_is_none(self, member: dict[str, Any]) -> None:
        made, upstream = world()
        reply = await made.ask(body(**member))
        assert "search_result" not in reply
        assert upstream.searches == []
        assert made.sent["messages"][0]["content"] == QUESTION
        assert (made.ledger[0].searches, made.ledger[0].cost) == (0, COST)
        assert made.record.searches is None

    async def test_a_provider_s_own_member_of_that_name_gives_way(self) -> None:
        theirs = json.dumps(REPLY | {"search_result": "theirs"}).encode()
        made, _ = world(theirs)
        assert isinstance((await made.ask(body()))["search_result"], list)


class TestMoney:
    async def test_who_answered_is_paid(self) -> None:
        made, _ = world()
        told = await made.ask(body())
        (row,) = made.ledger
        assert (row.cost, row.search_cost, row.searches) == (COST + 2 * PRICE, 2 * PRICE, 2)
        assert made.headers["x-sluice-cost"] == format_usd(row.cost)
        assert made.counter.used == row.cost
        assert (made.record.cost, made.record.searches) == (row.cost, 2)
        assert made.record.search_results == len(told["search_result"]) > 0

    @pytest.mark.parametrize("fault", [500, 429, b"garbage", None])
    async def test_who_failed_is_not(self, fault: bytes | int | None) -> None:
        made, upstream = world()
        upstream.engines["tavily"] = fault
        reply = await made.ask(body())
        assert {row["source_from"] for row in reply["search_result"]} == {"SearXNG"}
        (row,) = made.ledger
        assert (row.cost, row.search_cost, row.searches) == (COST + PRICE, PRICE, 1)
        assert made.counter.used == row.cost

    async def test_all_that_may_be_asked_is_held(self) -> None:
        budget = NANO
        made, upstream = world(key=poor(budget))
        raw = json.dumps(body(max_tokens=10)).encode()
        call = Call(f"Bearer {SECRET}", raw, made.record, made.headers)
        upstream.engines["tavily"] = None
        task = asyncio.create_task(_answered(made, call))
        await upstream.both_asked.wait()
        assert made.counter.used == held(raw, 10)
        await task
        assert made.counter.used == made.ledger[0].cost == COST + PRICE

    @pytest.mark.parametrize("missing", [0, 1])
    async def test_a_budget_has_to_pay_for_all_of_it(self, missing: int) -> None:
        raw = json.dumps(body(max_tokens=10)).encode()
        most = held(raw, 10)
        made, upstream = world(key=poor(most - missing))
        if not missing:
            await made.ask(raw)
            assert made.ledger
            return
        with pytest.raises(SluiceError) as caught:
            await made.ask(raw)
        assert caught.value.status == 402
        assert upstream.searches == upstream.requests == []
        assert made.ledger == []

    async def test_an_answer_is_cut_to_what_the_search_leaves(self) -> None:
        raw = json.dumps(body()).encode()
        most = held(raw, 20)
        made, _ = world(key=poor(most))
        await made.ask(raw)
        assert made.sent["max_tokens"] == 20
        assert made.headers["x-sluice-max-tokens"] == "20"

    async def test_tokens_of_results_count_against_limits(self) -> None:
        """A third of the bytes, as for all prompts, until the true count is known."""
        made, upstream = world(key=key_record(SECRET, tpm=MOST_BYTES // 3))
        with pytest.raises(SluiceError) as caught:
            await made.ask(body(max_tokens=1))
        assert caught.value.status == 429
        assert upstream.searches == []
        roomy, _ = world(key=key_record(SECRET, tpm=MOST_BYTES // 3 + 100))
        await roomy.ask(body(max_tokens=1))
        assert roomy.counter.minute_tokens.now == 340

    async def test_a_budget_and_an_engine_without_a_price_do_not_go_together(self) -> None:
        rows = {"searxng": engine("searxng"), "tavily": engine("tavily", price=None)}
        made, upstream = world(key=poor(NANO), rows=rows)
        with pytest.raises(SluiceError) as caught:
            await made.ask(body())
        assert (caught.value.status, caught.value.code, caught.value.param) == (
            400,
            "unsupported_parameter",
            "search_enabled",
        )
        assert upstream.searches == []
        free, _ = world(rows=rows)
        await free.ask(body())
        assert free.ledger[0].search_cost == PRICE

    async def test_a_model_without_a_price_costs_its_search(self) -> None:
        made, _ = world()
        await made.ask(body(model="unpriced"))
        assert (made.ledger[0].cost, made.ledger[0].search_cost) == (2 * PRICE, 2 * PRICE)

    async def test_a_stream_is_charged_for_it(self) -> None:
        made, _ = world(*events())
        await made.ask(body(stream=True))
        assert made.ledger[0].cost == made.counter.used == COST + 2 * PRICE

    async def test_a_stream_that_breaks_is_charged_for_it(self) -> None:
        made, _ = world(*events()[:2])
        await made.ask(body(stream=True))
        (row,) = made.ledger
        assert (row.status, row.estimated, row.search_cost) == ("broken", True, 2 * PRICE)
        assert 2 * PRICE < row.cost == made.counter.used

    async def test_what_the_provider_does_not_count_is_estimated_with_the_results(self) -> None:
        uncounted = json.dumps({name: value for name, value in REPLY.items() if name != "usage"}).encode()
        made, _ = world(uncounted)
        await made.ask(body())
        plain, _ = world(uncounted)
        await plain.ask(body(search_enabled=False))
        assert made.ledger[0].prompt_tokens > plain.ledger[0].prompt_tokens + 100


class TestFailures:
    @pytest.mark.parametrize(
        ("faults", "status", "code"),
        [
            ((500, b"garbage"), 502, "upstream_error"),
            ((429, 500), 503, "overloaded"),
            ((None, None), 502, "upstream_error"),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    async def test_if_all_engines_fail_nothing_is_asked_or_charged(
        self, faults: tuple[bytes | int | None, ...], status: int, code: str, stream: bool
    ) -> None:
        made, upstream = world(key=poor(NANO))
        upstream.engines = dict(zip(("searxng", "tavily"), faults, strict=True))
        with pytest.raises(SluiceError) as caught:
            await made.ask(body(stream=stream))
        assert (caught.value.status, caught.value.code) == (status, code)
        assert caught.value.message.startswith("The web search failed")
        assert upstream.requests == []
        assert made.ledger == []
        assert made.counter.used == 0
        assert made.counter.holds == {}
        await made.do_afterwards()
        assert made.health == {}

    @pytest.mark.parametrize("stream", [False, True])
    async def test_if_the_model_fails_the_search_costs_nothing(self, stream: bool) -> None:
        made, upstream = world(b"{}", key=poor(NANO), status=500)
        with pytest.raises(SluiceError) as caught:
            await made.ask(body(stream=stream))
        assert caught.value.status == 502
        assert len(upstream.searches) == 2
        assert (made.ledger, made.counter.used, made.counter.holds) == ([], 0, {})

    async def test_without_an_engine_it_is_refused_before_anything_is_held(self) -> None:
        made, _ = world(rows={})
        with pytest.raises(SluiceError) as caught:
            await made.ask(body())
        assert (caught.value.status, caught.value.code, caught.value.param) == (
            400,
            "unsupported_parameter",
            "search_enabled",
        )
        assert made.tables.tables["CountersTable"] == {}

    async def test_a_client_that_leaves_meanwhile_is_charged_nothing(self) -> None:
        made, upstream = world(key=poor(NANO))
        upstream.engines = {"searxng": None, "tavily": None}
        task = asyncio.create_task(made.ask(body()))
        await upstream.both_asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (made.ledger, made.counter.used, made.counter.holds) == ([], 0, {})

    async def test_whoever_answers_is_told_of_one_search(self) -> None:
        """The second candidate gets what was found before the first one failed."""
        made, upstream = world()
        upstream.failures = 1
        reply = await made.ask(body(model="twice"))
        first, second = (json.loads(request.body) for request in upstream.requests)
        assert (first["model"], second["model"]) == ("up", "down")
        assert first["messages"] == second["messages"]
        assert len(upstream.searches) == 2
        assert len(reply["search_result"]) == 3
        assert made.ledger[0].cost == COST + 2 * PRICE


async def _answered(made: World, call: Call) -> None:
    async with answered(made.gateway, call, Chat()):
        pass
