"""Money where one of several may answer: never more than was held, once for each answer, and nothing for a failure."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_upstream import FakeProviders, Response
from key_records import key_record
from path_world import SECRET, World
from random_requests import REQUESTS, Sent
from route_world import CATALOG, body, is_clean, reply, run, status, stream, world_of
from sluice.accounting.costs import TokenCount, rates_of_model
from sluice.accounting.demand import dearest
from sluice.catalog import Candidate, ModelRow, Price
from sluice.errors import SluiceError, UpstreamError
from sluice.observability import RequestRecord
from sluice.pipeline.chat import Chat
from sluice.pipeline.chat_bound import demand_of, limited
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply
from stepped_loop import SteppedLoop

BROKEN = UpstreamError("The connection to the provider broke.")
CROWD = 200

PRICES = st.builds(
    lambda *parts: Price(
        input=parts[0],
        output=parts[1],
        cached_input=parts[2],
        cache_write=parts[3],
        audio_input=parts[4],
        reasoning=parts[5],
    ),
    *[st.decimals(0, 100, places=3)] * 2,
    *[st.none() | st.decimals(0, 100, places=3)] * 4,
)
ROWS = st.builds(
    lambda **members: ModelRow(id="m", candidates=(Candidate(provider="p", model="m"),), **members),
    price=PRICES,
    context_tokens=st.integers(1, 10**6),
    output_tokens=st.none() | st.integers(1, 10**5),
    image_tokens=st.none() | st.integers(1, 10**5),
    added_tokens=st.none() | st.integers(1, 10**4),
    output_limit=st.sampled_from([None, "max_tokens", "max_completion_tokens"]),
)


def limit_told(request: Any, row: ModelRow) -> int:
    """The output limit that a provider goes by: the highest it is told, or else its own."""
    told = [limit for limit in (request.max_tokens, request.max_completion_tokens) if limit is not None]
    return max(told) if told else row.output_tokens or row.context_tokens or 0


@st.composite
def counts(draw: st.DrawFn, most: TokenCount) -> TokenCount:
    """What a provider may report."""
    prompt, completion = draw(st.integers(0, most.prompt)), draw(st.integers(0, most.completion))
    cached = draw(st.integers(0, prompt))
    return TokenCount(
        prompt,
        completion,
        cached=cached,
        cache_written=draw(st.integers(0, prompt - cached)),
        reasoning=draw(st.integers(0, completion)),
        audio=draw(st.integers(0, min(most.audio, prompt))),
    )


@given(st.lists(ROWS, min_size=1, max_size=4), REQUESTS, st.integers(0, 10**10), st.data())
def test_what_is_held_pays_for_whatever_any_leg_reports_within_its_bound(
    rows: list[ModelRow], asked: Sent, budget: int, data: st.DataObject
) -> None:
    demands = [demand_of(asked.request, len(asked.body), row, bounded=True) for row in rows]
    fit = dearest(demands).largest(None, budget)
    if fit is None:
        return
    assert fit.amount <= budget
    row, demand = data.draw(st.sampled_from(list(zip(rows, demands, strict=True))))
    output_tokens = min(fit.output_tokens, demand.output_tokens)
    sent = limited(asked.request, output_tokens, row)
    if demand.adjustable:
        assert limit_told(sent, row) <= min(fit.output_tokens, row.output_tokens or 10**9)
    rates = rates_of_model(row)
    assert rates is not None
    assert rates.cost(data.draw(counts(demand.most(output_tokens)))) <= fit.amount


def with_usage(prompt: int, completion: int) -> Response:
    choice = {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    data = json.dumps({"id": "1", "created": 1, "choices": [choice], "usage": usage}).encode()
    return Response(200, "application/json", (data,))


def together(world: World, works: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(work() for work in works), return_exceptions=True)

    got, _ = run(all_of_them())
    assert isinstance(world.upstream, FakeProviders)
    assert world.upstream.open == 0
    return list(got)


class Crowd:
    """Requests of one key that are made at once, each with a record of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers = itertools.count(1)

    async def ask(self, **members: Any) -> bytes:
        record = RequestRecord(f"req_{next(self._numbers)}", "POST", "/v1/chat/completions")
        call = Call(f"Bearer {SECRET}", json.dumps(body(**members)).encode(), record, {})
        async with answered(self.world.gateway, call, Chat()) as got:
            if isinstance(got, StreamedReply):
                return b"".join([frame.data async for frame in got.frames])
            return got.body


@pytest.mark.parametrize("retries", [0, 2])
def test_a_crowd_on_a_small_budget_with_a_flapping_provider_keeps_it(retries: int) -> None:
    flapping: list[Response | Exception | None] = [BROKEN, reply(), status(503), status(429), reply()] * CROWD
    record = key_record(SECRET, budget_nano_usd=40_000_000, budget_period="lifetime")
    world = World(
        FakeProviders(a=flapping, b=flapping[::-1], c=[status(500)]), record, CATALOG, retries=retries
    )
    world.chance = 0.7
    crowd = Crowd(world)
    got = together(world, [lambda: crowd.ask(max_tokens=50)] * CROWD)
    answers = [each for each in got if isinstance(each, bytes)]
    assert answers
    assert {type(each).__name__ for each in got} - {"bytes"} <= {"BudgetInFlightError", "OverloadedError"}
    assert len(world.ledger) == len(answers)
    assert len({row.request_id for row in world.ledger}) == len(answers)
    assert {row.provider for row in world.ledger} == {"a", "b"}
    assert world.counter.used <= 40_000_000
    assert is_clean(world)


BEHAVIOURS: dict[str, Callable[[bool], Any]] = {
    "good": lambda streams: stream() if streams else with_usage(90, 9),
    "broken": lambda _: BROKEN,
    "hangs": lambda _: None,
    "busy": lambda _: status(503, retry_after="2"),
    "refused": lambda _: status(401),
    "wrong": lambda _: status(400, {"message": "no"}),
    "cut": lambda streams: Response(
        200,
        "text/event-stream" if streams else "application/json",
        (*((stream(ends=False)._parts) if streams else (b"{",)), BROKEN),
    ),
}


@settings(max_examples=150)
@given(
    st.lists(st.lists(st.sampled_from(sorted(BEHAVIOURS)), min_size=1, max_size=4), min_size=3, max_size=3),
    st.booleans(),
    st.integers(0, 3),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.floats(0, 40),
    st.integers(300_000, 10**7),
)
def test_whatever_providers_and_clients_do_each_answer_is_charged_once_and_nothing_stays_held(
    behaviours: list[list[str]],
    streams: bool,
    retries: int,
    chance: float,
    leaves_at: float | None,
    budget: int,
) -> None:
    record = key_record(SECRET, budget_nano_usd=budget, budget_period="lifetime")
    providers = FakeProviders(
        **{
            name: [BEHAVIOURS[each](streams) for each in given]
            for name, given in zip("abc", behaviours, strict=True)
        }
    )
    world = World(providers, record, CATALOG, retries=retries)
    world.chance = chance
    crowd = Crowd(world)

    async def some() -> list[Any]:
        asking = asyncio.gather(
            *(asyncio.create_task(crowd.ask(stream=streams, max_tokens=20)) for _ in range(3)),
            return_exceptions=True,
        )
        if leaves_at is None:
            return list(await asking)
        try:
            async with asyncio.timeout(leaves_at):
                return list(await asking)
        except TimeoutError:
            return []

    got, seconds = run(some())
    assert seconds <= (300 if streams else 30) + 1
    assert providers.open == 0
    assert len(world.ledger) <= 3
    assert len({row.request_id for row in world.ledger}) == len(world.ledger)
    if leaves_at is None and not streams:
        assert len(world.ledger) == sum(isinstance(each, bytes) for each in got)
    if world.tables.tables["CountersTable"]:
        assert world.counter.used <= budget
        assert is_clean(world)
    for each in got:
        assert isinstance(each, bytes | SluiceError), each


MOMENTS = (0.0, 0.2, 0.49, 0.6)
"""While it is asked, in the pause after it, and while it is asked again."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_client_that_leaves_while_it_is_asked_again_leaves_nothing_behind(moment: float) -> None:
    world = world_of({"retries": 2}, a=[status(500), None])
    world.chance = 1.0
    loop = SteppedLoop()
    task = loop.create_task(world.ask(body(model="alone")))
    loop.call_later(moment, task.cancel)
    loop.run_until_idle()
    assert task.cancelled()
    assert isinstance(world.upstream, FakeProviders)
    assert world.upstream.open == 0
    assert world.ledger == []
    assert moment == 0 or is_clean(world)
    assert loop.unhandled == []
    loop.close()


def test_the_probe_of_a_client_that_leaves_is_anothers() -> None:
    world = world_of(a=[status(404, {"code": "model_not_found"}), None, reply()], b=reply())
    run(world.ask(body()))
    world.begin()
    world.now += 300
    loop = SteppedLoop()
    task = loop.create_task(world.ask(body()))
    loop.call_later(1, task.cancel)
    loop.run_until_idle()
    loop.close()
    world.begin()
    run(world.ask(body()))
    assert isinstance(world.upstream, FakeProviders)
    assert world.upstream.asked == ["a", "b", "a", "a"]


def test_a_cost_beyond_all_bounds_is_told_as_it_is_and_charged_by_the_leg_that_answered() -> None:
    world = world_of(a=BROKEN, b=with_usage(10, 10**6))
    run(world.ask(body()))
    cost = 10 * 3000 + 10**6 * 9000
    assert world.ledger[0].cost == cost
    assert Decimal(world.headers["x-sluice-cost"]) == Decimal(cost) / 10**9
