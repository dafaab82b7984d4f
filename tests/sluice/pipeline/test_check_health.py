"""How providers and models are found to be, by what they answer."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fake_upstream import Response
from provider_desks import BROKEN, CREDENTIAL, Answer, Desk, answer, hangs, models
from sluice.errors import OverloadedError, UpstreamTimeoutError
from sluice.observability import logger
from sluice.pipeline import check_health as checking
from sluice.pipeline import provider_desk
from sluice.pipeline.check_health import check_health
from sluice.pipeline.sync_catalog import sync_catalog
from sluice.providers.contract import UpstreamRequest
from sluice.stores.aws import AWSError
from sluice.stores.model_items import UNCONFIGURED, Health, ProviderHealth

MODELS: list[dict[str, Any]] = [
    {"id": "one", "candidates": [{"provider": "far", "model": "up"}]},
    {"id": "two", "candidates": [{"provider": "far", "model": "up-two"}]},
]
ERROR = {"error": {"message": "no", "type": "x", "param": None, "code": None}}
CHAT_REPLY = {
    "id": "1",
    "created": 1,
    "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "length"}],
}


async def checked(desk: Desk, name: str = "far") -> ProviderHealth | None:
    await check_health(desk.desk)
    return (await desk.store.read()).providers.get(name)


def far(*answers: Answer, **members: Any) -> Desk:
    return Desk({"far": members}, MODELS, {"far": list(answers)})


async def test_a_provider_that_lists_its_models_is_healthy() -> None:
    desk, begun = far(models("up", "up-two", "more")), int(time.time())
    found = await checked(desk)
    assert found is not None
    assert found.health is not None
    assert (found.health.status, found.health.streak, found.unlisted) == ("healthy", 1, frozenset())
    assert begun <= found.health.checked_at <= time.time()
    assert found.health.latency_ms is not None
    (request,) = desk.providers.requests
    assert (request.method, request.url, request.body) == ("GET", "https://far/v1/models", b"")
    assert request.headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert len(desk.writes) == 2, (
        "one that fails on its condition, since nothing was known, and one that does not"
    )
    again = await checked(desk)
    assert again is not None
    assert again.health is not None
    assert again.health.streak == 2
    assert len(desk.writes) == 3


async def test_one_lost_packet_makes_no_provider_down() -> None:
    desk = far(BROKEN, models("up", "up-two"))
    found = await checked(desk)
    assert found is not None
    assert found.health is not None
    assert found.health.status == "healthy"


@pytest.mark.parametrize(
    "bad",
    [
        BROKEN,
        UpstreamTimeoutError("late"),
        answer(ERROR, 500),
        answer(ERROR, 503),
        answer(ERROR, 401),
        answer(ERROR, 403),
        answer(ERROR, 400),
        answer({"error": ERROR["error"] | {"code": "insufficient_quota"}}, 429),
        answer({"object": "list"}),
        answer({"data": "many"}),
        Response(200, "text/html", (b"<html>",)),
    ],
    ids=repr,
)
async def test_one_that_does_not_is_down(bad: Answer) -> None:
    desk = far(bad)
    found = await checked(desk)
    assert found is not None
    assert found.health is not None
    assert (found.health.status, found.health.latency_ms, found.configured) == ("down", None, True)
    assert len(desk.providers.requests) == 2


async def test_one_that_hangs_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_desk, "LIST_SECONDS", 0.01)
    found = await checked(far(hangs()))
    assert found is not None
    assert found.health is not None
    assert found.health.status == "down"


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_one_that_has_no_list_is_not_down_for_that(status: int) -> None:
    desk = far(models("up"), answer(ERROR, status))
    await checked(desk)
    found = await checked(desk)
    assert found is not None
    assert found.configured
    assert found.unlisted == frozenset()
    assert len(desk.providers.requests) == 2
    fresh = far(answer(ERROR, status))
    assert await checked(fresh) == ProviderHealth(None, configured=True)


async def test_one_that_gets_too_many_requests_stays_as_it_was() -> None:
    desk = far(models("up"), answer(ERROR, 429))
    before = await checked(desk)
    assert before is not None
    assert before.unlisted == {"up-two"}
    assert await checked(desk) == before
    assert len(desk.providers.requests) == 2


async def test_models_that_are_not_listed_are_taken_down() -> None:
    desk = far(models("up", "other"), models("up", "up-two"))
    found = await checked(desk)
    assert found is not None
    assert found.unlisted == {"up-two"}
    found = await checked(desk)
    assert found is not None
    assert found.unlisted == frozenset()


async def test_so_are_those_of_the_table() -> None:
    desk = far(models("up", "up-two"))
    await desk.store.found("new", {"kind": "chat", "candidates": [{"provider": "far", "model": "up-new"}]})
    found = await checked(desk)
    assert found is not None
    assert found.unlisted == {"up-new"}


async def test_a_provider_without_its_credential_is_asked_nothing_and_written_down_once() -> None:
    desk = Desk({"far": {}}, MODELS, {})
    for _ in range(3):
        assert await checked(desk) == UNCONFIGURED
    assert desk.providers.requests == []
    assert desk.writes == ["PutItem"]


async def test_one_that_lost_its_credential_is_forgotten() -> None:
    desk = far(models("up"))
    assert await checked(desk) != UNCONFIGURED
    desk.desk = replace(desk.desk, credentials=Desk({}, [], {}).desk.credentials)
    assert await checked(desk) == UNCONFIGURED


async def test_without_a_probe_nothing_is_asked() -> None:
    desk = far(BROKEN, probe="none")
    assert await checked(desk) == ProviderHealth(None, configured=True)
    assert desk.providers.requests == []


KINDS: list[dict[str, Any]] = [
    {"id": "chat", "kind": "chat"},
    {"id": "limited", "kind": "chat", "output_limit": "max_completion_tokens"},
    {"id": "text", "kind": "completion"},
    {"id": "vectors", "kind": "embedding"},
    {"id": "pictures", "kind": "image"},
    {"id": "films", "kind": "video"},
]


def calling(answers: Callable[[UpstreamRequest], Answer] | list[Answer], *kinds: str) -> Desk:
    rows = [
        row | {"candidates": [{"provider": "far", "model": f"up-{row['id']}"}]}
        for row in KINDS
        if not kinds or row["id"] in kinds
    ]
    return Desk({"far": {"probe": "call"}}, rows, {"far": answers})


def each_its_own(request: UpstreamRequest) -> Answer:
    match request.url.rpartition("/")[2]:
        case "chat/completions" | "completions" if "chat" in request.url:
            return answer(CHAT_REPLY)
        case "completions":
            choice = {"index": 0, "text": "a", "finish_reason": "length"}
            return answer({"id": "1", "created": 1, "choices": [choice]})
        case _:
            return answer({"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 1}})


async def test_where_the_catalogue_says_so_each_model_is_asked_for_one_token() -> None:
    desk = calling(each_its_own)
    assert await checked(desk) == ProviderHealth(None, configured=True)
    sent = {
        request.url.removeprefix("https://far/v1") + " " + json.loads(request.body)["model"]: json.loads(
            request.body
        )
        for request in desk.providers.requests
    }
    assert {name: limits(body) for name, body in sent.items()} == {
        "/chat/completions up-chat": {"max_tokens": 1},
        "/chat/completions up-limited": {"max_completion_tokens": 1},
        "/completions up-text": {"max_tokens": 1},
        "/embeddings up-vectors": {},
    }
    assert all(not body.get("stream") for body in sent.values())
    health = (await desk.store.read()).health
    assert {
        name: (seen.status, seen.latency_ms is not None) for name, seen in health.items()
    } == dict.fromkeys(("chat", "limited", "text", "vectors"), ("healthy", True))


async def test_models_that_are_merely_listed_are_not_paid_for() -> None:
    desk = calling(each_its_own, "chat")
    found = {"kind": "chat", "candidates": [{"provider": "far", "model": "up-new"}]}
    for name in ("listed", "priced"):
        await desk.store.found(name, found)
    await desk.store.set_own("priced", {"price": {"input": "1", "output": "2"}})
    await checked(desk)
    assert set((await desk.store.read()).health) == {"chat", "priced"}


def limits(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name.startswith("max_") and value is not None}


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (BROKEN, "down"),
        (answer(ERROR, 500), "down"),
        (answer(ERROR, 503), "down"),
        (answer(ERROR, 401), "down"),
        (answer(ERROR, 404), "down"),
        (answer({"error": ERROR["error"] | {"code": "model_not_found"}}, 404), "down"),
        (answer({"error": ERROR["error"] | {"code": "insufficient_quota"}}, 429), "down"),
        (answer({"choices": "none"}), "down"),
        (answer(ERROR, 400), "healthy"),
        (answer(ERROR, 422), "healthy"),
        (answer(ERROR, 429), None),
    ],
)
async def test_a_model_is_as_it_answers(bad: Answer, status: str | None) -> None:
    desk = calling([bad], "chat")
    await checked(desk)
    health = (await desk.store.read()).health
    assert {name: seen.status for name, seen in health.items()} == (
        {} if status is None else {"chat": status}
    )


async def test_a_model_that_hangs_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CALL_SECONDS", 0.01)
    desk = calling([hangs()], "chat")
    await checked(desk)
    assert (await desk.store.read()).health["chat"].status == "down"


async def test_one_providers_failure_keeps_no_other_from_being_checked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    desk = Desk({"down": {}, "far": {}}, MODELS, {"down": [BROKEN], "far": [models("up")]})
    assert (await checked(desk, "far") or UNCONFIGURED).configured
    down = (await desk.store.read()).providers["down"]
    assert down.health is not None
    assert down.health.status == "down"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "failure", [OverloadedError("busy", retry_after=1), AWSError("UpdateItem", "Denied", "no")], ids=repr
)
async def test_nor_does_a_write_that_fails(
    failure: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    desk = Desk({"near": {}, "far": {}}, MODELS, {"near": [models()], "far": [models("up")]})
    desk.dynamodb.faults[:] = [None, failure]  # the scan passes, the first write does not
    await check_health(desk.desk)
    found = (await desk.store.read()).providers
    assert len(found) == 1
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "could not be checked" in line


async def test_nor_does_the_write_of_one_model_keep_others() -> None:
    desk = calling(each_its_own, "chat", "text", "vectors")
    desk.dynamodb.faults[:] = [None, OverloadedError("busy", retry_after=1)]
    assert await checked(desk) == ProviderHealth(None, configured=True)
    assert len((await desk.store.read()).health) == 2


async def test_no_provider_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk({"far": {}, "slow": {}}, MODELS, {"far": [models("up")], "slow": [hangs()]})
    noted = asyncio.Event()
    note = desk.store.note_provider

    async def note_provider(name: str, seen: Health | None, unlisted: Any) -> None:
        await note(name, seen, unlisted)
        noted.set()

    monkeypatch.setattr(desk.store, "note_provider", note_provider)
    checking_all = asyncio.create_task(check_health(desk.desk))
    await asyncio.wait_for(noted.wait(), 5)
    assert list((await desk.store.read()).providers) == ["far"]
    checking_all.cancel()


async def test_a_table_that_cannot_be_read_fails_the_run() -> None:
    desk = far(models("up"))
    desk.dynamodb.faults[:] = [OverloadedError("busy", retry_after=1)]
    with pytest.raises(OverloadedError):
        await check_health(desk.desk)
    assert desk.providers.requests == []


@pytest.mark.parametrize("status", [400, 401, 413, 422, 500])
async def test_no_secret_is_in_the_log(
    status: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)
    told = {"error": ERROR["error"] | {"message": f"Incorrect key: {CREDENTIAL}"}}
    desk = far(answer(told, status))
    await checked(desk)
    await sync_catalog(desk.desk)
    await checked(calling([answer(told, status)]))
    assert f"(status {status})" in caplog.text
    assert CREDENTIAL not in caplog.text


async def test_what_a_provider_has_retired_it_need_not_list() -> None:
    retired = {
        "id": "old",
        "retired": "2020-01-01",
        "candidates": [{"provider": "far", "model": "up-old"}],
    }
    desk = Desk({"far": {}}, [*MODELS, retired], {"far": [models("up", "up-two")]})
    found = await checked(desk)
    assert found is not None
    assert found.unlisted == frozenset()
