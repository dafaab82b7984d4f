"""A gateway with several providers per model, all in memory, on a loop where nobody really waits."""

import json
from collections.abc import Coroutine
from typing import Any

from fake_upstream import FakeProviders, Response
from path_world import World
from sluice.catalog import Catalog
from stepped_loop import SteppedLoop

CATALOG = Catalog.model_validate(
    {
        "providers": {
            **{name: {"kind": "openai", "base_url": f"http://{name}/v1"} for name in ("a", "b", "c")},
            "unset": {"kind": "openai", "base_url": "http://unset/v1", "credential": "NEVER_SET"},
            "demo": {"kind": "demo"},
        },
        "models": [
            {
                "id": "one",
                "aliases": ["uno"],
                "candidates": [
                    {"provider": "a", "model": "one-a"},
                    {"provider": "b", "model": "one-b", "price": {"input": "3", "output": "9"}},
                ],
                "context_tokens": 1000,
                "output_tokens": 100,
                "price": {"input": "1", "output": "2"},
                "fallbacks": ["missing", "one", "two", "vectors"],
            },
            {
                "id": "two",
                "candidates": [{"provider": "c", "model": "two-c"}],
                "context_tokens": 5000,
                "output_tokens": 500,
                "price": {"input": "2", "output": "4"},
                "fallbacks": ["one"],
            },
            {
                "id": "alone",
                "candidates": [{"provider": "a", "model": "one-a"}],
                "output_tokens": 100,
                "price": {"input": "1", "output": "2"},
            },
            {
                "id": "picky",
                "candidates": [
                    {"provider": "unset", "model": "x"},
                    {"provider": "c", "model": "x", "unsupported_parameters": ["logprobs", "seed"]},
                    {"provider": "b", "model": "one-b"},
                ],
            },
            {
                "id": "shy",
                "candidates": [
                    {"provider": "demo", "model": "demo"},
                    {"provider": "b", "model": "one-b"},
                ],
            },
            {
                "id": "vectors",
                "kind": "embedding",
                "candidates": [{"provider": "a", "model": "v"}],
                "fallbacks": ["other-vectors"],
            },
            {"id": "other-vectors", "kind": "embedding", "candidates": [{"provider": "b", "model": "v"}]},
        ],
    }
)


def reply(text: str = "a") -> Response:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    data = json.dumps({"id": "1", "created": 1, "choices": [choice], "usage": usage}).encode()
    return Response(200, "application/json", (data,))


def stream(*parts: bytes | Exception | None, ends: bool = True) -> Response:
    chunk = {"id": "1", "created": 1, "choices": [{"index": 0, "delta": {"content": "a"}}]}
    end = {"id": "1", "created": 1, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in ([chunk, end] if ends else [chunk])]
    return Response(200, "text/event-stream", (*parts, *events))


def status(code: int, error: dict[str, Any] | None = None, **headers: str) -> Response:
    return Response(code, "application/json", (json.dumps({"error": error or {}}).encode(),), **headers)


def body(**members: Any) -> dict[str, Any]:
    return {"model": "one", "messages": [{"role": "user", "content": "Hi"}], **members}


def run[Result](work: Coroutine[Any, Any, Result]) -> tuple[Any, float]:
    """What comes of it, and how many seconds it takes on a loop where nobody really waits."""
    loop = SteppedLoop()

    async def caught() -> Result | Exception:
        try:
            return await work
        except Exception as error:
            return error

    try:
        result = loop.finish(caught())
        assert loop.unhandled == []
        return result, loop.time()
    finally:
        loop.close()


def world_of(settings: dict[str, Any] | None = None, **answers: Any) -> World:
    providers = FakeProviders(
        **{name: given if isinstance(given, list) else [given] for name, given in answers.items()}
    )
    return World(providers, catalog=CATALOG, **(settings or {}))


def asked(world: World) -> list[str]:
    assert isinstance(world.upstream, FakeProviders)
    assert world.upstream.open == 0
    return world.upstream.asked


def is_clean(world: World) -> bool:
    """Nothing is held, and the counter is what the ledger adds up to."""
    counter = world.counter
    return counter.holds == {} and counter.used == sum(row.cost for row in world.ledger)
