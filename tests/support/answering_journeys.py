"""What the functions do that answer with models, and those that only show something."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from account import until
from function_site import Site
from made_rows import ledger_row
from recorded_calls import forgetful_tables
from site_catalog import CHAT_OF_BEDROCK, EMBEDDINGS_OF_BEDROCK
from sluice.accounting.counter import Hold
from sluice.stores.counter_items import hold_value
from sluice.stores.counters import LEAD

FAILURES = 3
"""So many in succession open a circuit, and make a model's health known."""

type Body = Callable[[str], dict[str, Any]]


def _chat(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10}


def _completion(model: str) -> dict[str, Any]:
    return {"model": model, "prompt": "Hello", "max_tokens": 10}


def _embedding(model: str) -> dict[str, Any]:
    return {"model": model, "input": "Hello"}


async def use_answers(site: Site) -> None:
    """The three functions, each by all that it can do."""
    chat, completions = "/v1/chat/completions", "/v1/completions"
    await _use_answer(site, "ChatFunction", chat, _chat, CHAT_OF_BEDROCK, streams=True)
    await _use_answer(site, "CompletionsFunction", completions, _completion, CHAT_OF_BEDROCK, streams=True)
    await _use_answer(
        site, "EmbeddingsFunction", "/v1/embeddings", _embedding, EMBEDDINGS_OF_BEDROCK, suffix="-embed"
    )


async def _use_answer(
    site: Site,
    function: str,
    path: str,
    body: Body,
    of_bedrock: Iterable[str],
    *,
    suffix: str = "",
    streams: bool = False,
) -> None:
    client = site.clients[function]
    for model in of_bedrock:
        await _answered(client, path, body(model))
        if streams:
            await _answered(client, path, body(model) | {"stream": True})
    await _answered(client, path, body(f"shaky{suffix}"))
    await _fail(client, path, body(f"broken{suffix}"))
    await _use_keys_of_repetition(client, path, body, suffix)
    unknown = await client.post(path, json=body("unknown"))
    assert unknown.status_code == 404, unknown.text
    await reclaim_on_the_way(site, lambda: _answered(client, path, body(f"shaky{suffix}")))


async def _fail(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    """The only candidate is not there: its circuit opens, the model is down, and others are told."""
    for _ in range(FAILURES):
        reply = await client.post(path, json=body)
        assert reply.status_code >= 500, reply.text


async def _use_keys_of_repetition(client: httpx.AsyncClient, path: str, body: Body, suffix: str) -> None:
    """A reply that is kept and given again, and a turn that is given up because nothing can pay for it."""
    for _ in range(2):
        await _answered(client, path, body(f"shaky{suffix}"), {"idempotency-key": path})
    with forgetful_tables():
        await _answered(client, path, body(f"shaky{suffix}"), {"idempotency-key": path})
    refused = await client.post(path, json=body(f"dear{suffix}"), headers={"idempotency-key": f"dear{path}"})
    assert refused.status_code == 402, refused.text


async def _answered(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> None:
    reply = await client.post(path, json=body, headers=headers)
    assert reply.status_code == 200, reply.text


async def leave_hold(site: Site, request_id: str, expires_at: int, period: str = "lifetime") -> Hold:
    """Hold something for a request whose process is dead when it expires."""
    hold = Hold(1000, 0, expires_at, period)
    await site.aws.dynamodb.call(
        "UpdateItem",
        TableName=site.stack.tables["CountersTable"],
        Key={"id": {"S": LEAD + site.key.id}},
        UpdateExpression="SET holds.#request = :hold ADD used :amount",
        ExpressionAttributeNames={"#request": request_id},
        ExpressionAttributeValues={":hold": hold_value(hold), ":amount": {"N": str(hold.amount)}},
    )
    return hold


async def reclaim_on_the_way(site: Site, request: Callable[[], Any]) -> None:
    """A request finds a hold that has expired, of another one that was settled, and never given back."""
    lost = f"req_{time.time_ns():032x}"
    await leave_hold(site, lost, int(time.time()) - 60)
    await site.ledger.put(ledger_row(lost, key_id=site.key.id))
    with forgetful_tables():
        await request()

    async def is_gone() -> bool:
        counter = await site.counters.read(site.key.id)
        return counter is not None and lost not in counter.holds

    await until(is_gone, "an expired hold stays")


async def use_documents(site: Site) -> None:
    """What needs no key."""
    for function, paths in {
        "ModelsFunction": ("/v1/models", "/v1/models/status", "/v1/models/shaky", "/health"),
        "DocsFunction": ("/openapi.json", "/docs"),
    }.items():
        for path in paths:
            with forgetful_tables():  # another function has counted this client before
                reply = await site.clients[function].get(path)
            assert reply.status_code == 200, reply.text
