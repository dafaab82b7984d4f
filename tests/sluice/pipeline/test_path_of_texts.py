"""The path from top to bottom for completions and embeddings, where it is not the same as for chat by its structure."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
import rfc8785

from fake_upstream import FakeUpstream
from key_records import key_record
from path_world import SECRET, World
from sluice.errors import SluiceError
from sluice.pipeline.completions import Completions
from sluice.pipeline.embeddings import Embeddings
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.path import Call, answered
from sluice.pipeline.reply import StreamedReply
from sluice.stores.keys import KeyRecord

HEAD = {"id": "1", "created": 1}


@dataclass(frozen=True)
class Way:
    """An endpoint, with a request to it and its provider's answer, which costs ``cost``."""

    endpoint: Endpoint[Any, Any]
    body: dict[str, Any]
    reply: dict[str, Any]
    url: str
    tokens: tuple[int, int]

    @property
    def cost(self) -> int:
        """In nano-USD, by the catalogue of ``path_world``."""
        return self.tokens[0] * 1000 + self.tokens[1] * 2000

    def world(self, record: KeyRecord | None = None, **members: Any) -> World:
        """A world whose provider gives this answer, ``members`` aside."""
        raw = json.dumps(self.reply | members).encode()
        return World(FakeUpstream(raw, content_type="application/json"), record)


WRITER = Way(
    Completions(),
    {"model": "writer", "prompt": "Once upon", "max_tokens": 9},
    {
        **HEAD,
        "choices": [{"index": 0, "text": " a time", "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    },
    "http://127.0.0.1:1/completions",
    (3, 4),
)
TALKER = Way(
    Completions(),
    {"model": "one", "prompt": "Once upon", "max_tokens": 9},
    {
        **HEAD,
        "choices": [{"index": 0, "message": {"content": " a time"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    },
    "http://127.0.0.1:1/chat/completions",
    (3, 4),
)
VECTORS = Way(
    Embeddings(),
    {"model": "vectors", "input": ["a", "b"]},
    {
        "data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    },
    "http://127.0.0.1:1/embeddings",
    (5, 0),
)
each_way = pytest.mark.parametrize("way", [WRITER, TALKER, VECTORS], ids=["writer", "talker", "vectors"])


def budget(nano_usd: int) -> KeyRecord:
    return key_record(SECRET, budget_nano_usd=nano_usd, budget_period="lifetime")


async def refused(world: World, way: Way, **members: Any) -> SluiceError:
    with pytest.raises(SluiceError) as caught:
        await world.ask(way.body | members, endpoint=way.endpoint)
    return caught.value


@each_way
async def test_a_request_is_admitted_answered_and_settled_to_its_true_cost(way: Way) -> None:
    world = way.world(budget(10**9))
    reply = await world.ask(way.body, endpoint=way.endpoint)
    assert reply.pop("requestHash") == hashlib.sha256(rfc8785.dumps(way.body)).hexdigest()
    assert reply.pop("responseHash") == hashlib.sha256(rfc8785.dumps(reply)).hexdigest()
    assert reply["model"] == way.body["model"]
    assert (world.upstream.requests[0].url, world.sent["model"]) == (way.url, "up")
    (row,) = world.ledger
    assert (row.status, row.model, row.cost, row.estimated) == (
        "complete",
        way.body["model"],
        way.cost,
        False,
    )
    assert (row.prompt_tokens, row.completion_tokens) == way.tokens
    assert (world.counter.used, world.counter.holds) == (way.cost, {})
    assert world.counter.day_tokens.total == sum(way.tokens)
    assert (world.record.model, world.record.cost, world.record.stream) == (row.model, row.cost, False)


@each_way
async def test_what_fails_costs_nothing_and_gives_all_back(way: Way) -> None:
    world = World(FakeUpstream(b"busy", status=503), budget(10**9))
    assert (await refused(world, way)).status == 503
    assert world.ledger == []
    assert (world.counter.used, world.counter.holds, world.counter.day_tokens.total) == (0, {}, 0)


@each_way
async def test_an_answer_of_nonsense_costs_nothing_and_gives_all_back(way: Way) -> None:
    world = way.world(budget(10**9), choices=[], data=[])
    assert (await refused(world, way)).status == 502
    assert world.ledger == []
    assert (world.counter.used, world.counter.holds) == (0, {})


@each_way
async def test_a_budget_that_cannot_pay_refuses_before_the_provider_is_asked(way: Way) -> None:
    world = way.world(budget(1000))
    error = await refused(world, way)
    assert (error.status, error.code, error.retriable) == (402, "budget_exceeded", False)
    assert world.upstream.requests == []


@each_way
async def test_without_usage_what_was_seen_is_charged(way: Way) -> None:
    world = way.world(usage=None)
    reply = await world.ask(way.body, endpoint=way.endpoint)
    (row,) = world.ledger
    assert row.estimated
    assert row.cost == row.prompt_tokens * 1000 + row.completion_tokens * 2000 > 0
    if way is VECTORS:
        assert reply["usage"] == {"prompt_tokens": row.prompt_tokens, "total_tokens": row.prompt_tokens}
        assert row.completion_tokens == 0


@pytest.mark.parametrize(
    ("way", "model"),
    [(WRITER, "vectors"), (VECTORS, "one"), (VECTORS, "writer"), (WRITER, "none"), (VECTORS, "none")],
)
async def test_a_model_of_another_kind_is_not_found(way: Way, model: str) -> None:
    world = way.world()
    error = await refused(world, way, model=model)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert world.upstream.requests == []
    assert world.tables.tables["CountersTable"] == {}


@pytest.mark.parametrize(
    ("way", "members", "status", "param"),
    [
        (WRITER, {"prompt": [1, True]}, 400, "prompt[1]"),
        (WRITER, {"best_of": 1, "n": 2}, 400, "best_of"),
        (WRITER, {"best_of": 2, "stream": True}, 400, "best_of"),
        (WRITER, {"n_predict": 10**6}, 400, "n_predict"),
        (WRITER, {"model": "unpriced"}, 403, "model"),
        (VECTORS, {"input": ""}, 400, "input"),
        (VECTORS, {"models": ["another"]}, 400, "models"),
        (VECTORS, {"model": "unpriced-vectors"}, 403, "model"),
    ],
)
async def test_what_is_refused_is_refused_before_anything_is_held(
    way: Way, members: dict[str, Any], status: int, param: str
) -> None:
    world = way.world(budget(10**9))
    error = await refused(world, way, **members)
    assert (error.status, error.param) == (status, param)
    assert world.upstream.requests == []
    assert world.tables.tables["CountersTable"] == {}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"suffix": "z"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"messages": []}, "messages"),
        ({"tools": []}, "tools"),
        ({"functions": [{}]}, "functions"),
    ],
)
async def test_what_chat_cannot_say_costs_nothing(members: dict[str, Any], param: str) -> None:
    world = TALKER.world(budget(10**9))
    error = await refused(world, TALKER, **members)
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", param)
    assert world.upstream.requests == []
    assert not world.tables.tables["CountersTable"]  # it is not even admitted


async def test_a_client_s_limit_stays_what_it_is_and_the_answers_that_are_not_returned_are_held_for() -> None:
    body = WRITER.body | {"max_tokens": 1000, "best_of": 2}
    prompt_alone = (len(json.dumps(body)) + 32) * 1000
    poor, rich = (WRITER.world(budget(prompt_alone + 2 * 1000 * 2000 + more)) for more in (-1, 0))
    assert (await refused(poor, WRITER, **body)).status == 402
    await rich.ask(body, endpoint=WRITER.endpoint)
    assert (rich.sent["max_tokens"], rich.sent["best_of"]) == (1000, 2)
    assert "x-sluice-max-tokens" not in rich.headers


async def test_where_the_client_sets_no_limit_the_one_that_is_held_for_is_sent() -> None:
    world = WRITER.world(budget(10**9))
    await world.ask({"model": "writer", "prompt": "a"}, endpoint=WRITER.endpoint)
    assert world.sent["max_tokens"] == 16
    assert "x-sluice-max-tokens" not in world.headers


async def test_vectors_come_in_the_order_of_the_texts_and_as_they_are_asked_for() -> None:
    world = VECTORS.world()
    reply = await world.ask(VECTORS.body | {"encoding_format": "base64"}, endpoint=VECTORS.endpoint)
    assert [row["embedding"] for row in reply["data"]] == ["AACAPw==", "AAAAQA=="]
    assert world.sent["encoding_format"] == "base64"


async def test_embeddings_never_stream() -> None:
    world = VECTORS.world()
    reply = await world.ask(VECTORS.body | {"stream": True}, endpoint=VECTORS.endpoint)
    assert reply["object"] == "list"
    assert not world.ledger[0].streamed


def stream(way: Way, *texts: str, ends: bool = True) -> FakeUpstream:
    """The provider's stream of so many pieces; one that does not end breaks off."""
    pieces = [{"text": text} if way is WRITER else {"delta": {"content": text}} for text in texts]
    chunks: list[dict[str, Any]] = [{**HEAD, "choices": [{"index": 0, **piece}]} for piece in pieces]
    if ends:
        chunks[-1]["choices"][0]["finish_reason"] = "stop"
        chunks.append({**HEAD, "choices": [], "usage": way.reply["usage"]})
    frames = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return FakeUpstream(frames + (b"data: [DONE]\n\n" if ends else b""))


each_writer = pytest.mark.parametrize("way", [WRITER, TALKER], ids=["writer", "talker"])


@each_writer
async def test_a_stream_costs_what_a_whole_reply_costs(way: Way) -> None:
    world = World(stream(way, " a", " time"), budget(10**9))
    data = await world.ask(way.body | {"stream": True}, endpoint=way.endpoint)
    *events, done, rest = data.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == " a time"
    assert len(chunks[-1]["responseHash"]) == 64
    (row,) = world.ledger
    assert (row.status, row.cost, row.streamed, row.estimated) == ("complete", way.cost, True, False)
    assert (world.counter.used, world.counter.holds) == (way.cost, {})


@each_writer
async def test_a_stream_that_breaks_is_charged_by_what_was_received(way: Way) -> None:
    world = World(stream(way, "four", "more", ends=False), budget(10**9))
    assert b"upstream_error" in await world.ask(way.body | {"stream": True}, endpoint=way.endpoint)
    (row,) = world.ledger
    assert (row.status, row.estimated, row.completion_tokens) == ("broken", True, 2)
    assert (world.counter.used, world.counter.holds) == (row.cost, {})


@each_writer
async def test_a_stream_whose_client_goes_away_is_charged_by_what_was_received(way: Way) -> None:
    world = World(stream(way, "four", "more"), budget(10**9))
    raw = json.dumps(way.body | {"stream": True}).encode()
    async with answered(world.gateway, Call(f"Bearer {SECRET}", raw, world.record), way.endpoint) as reply:
        assert isinstance(reply, StreamedReply)
        await anext(aiter(reply.frames))
    (row,) = world.ledger
    assert (row.status, row.estimated, row.completion_tokens) == ("cancelled", True, 1)
    assert world.counter.holds == {}
