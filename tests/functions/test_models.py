"""The models function as Lambda runs it: Mangum's handler, fed with the sample events."""

import asyncio
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_stack import ROOT

EVENTS = ROOT / "events" / "models"


@pytest.fixture(scope="module")
def handler() -> Iterator[Callable[[Any, Any], dict[str, Any]]]:
    loop = asyncio.new_event_loop()  # Mangum runs on the thread's own
    asyncio.set_event_loop(loop)
    spec = importlib.util.spec_from_file_location("models_app", ROOT / "functions/models/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Any, Any], dict[str, Any]] = module.handler
    yield found
    asyncio.set_event_loop(None)
    loop.close()


def answer(
    handler: Callable[[Any, Any], dict[str, Any]], name: str, **members: Any
) -> tuple[dict[str, Any], Any]:
    event = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")) | members
    reply = handler(event, None)
    assert reply["headers"]["x-request-id"].startswith("req_")
    assert reply["isBase64Encoded"] is False
    return reply, json.loads(reply["body"]) if reply["body"] else None


def test_the_list_is_the_catalogue(handler: Any) -> None:
    reply, body = answer(handler, "list")
    assert reply["statusCode"] == 200
    assert body["object"] == "list"
    assert {"demo", "gpt-4o-mini", "gemini-2.5-flash"} <= {model["id"] for model in body["data"]}
    assert all(model.keys() == {"id", "object", "created", "owned_by"} for model in body["data"])


def test_one_model_is_found_by_an_alias_with_a_slash(handler: Any) -> None:
    reply, body = answer(handler, "one")
    assert (reply["statusCode"], body["id"], body["owned_by"]) == (200, "gpt-4o-mini", "openai")


def test_an_unknown_model_is_a_404(handler: Any) -> None:
    reply, body = answer(handler, "unknown")
    assert (reply["statusCode"], body["error"]["code"], body["error"]["param"]) == (
        404,
        "model_not_found",
        "model",
    )


def test_health_tells_real_figures(handler: Any) -> None:
    reply, body = answer(handler, "health")
    assert (reply["statusCode"], body["status"]) == (200, "ok")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["timestamp"])
    assert isinstance(body["uptime"], int)
    assert 10 < body["memory"]["heap"] <= body["memory"]["rss"] < 4_000
    assert reply["headers"]["cache-control"] == "no-store"


def test_head_has_no_body(handler: Any) -> None:
    reply, body = answer(handler, "list", httpMethod="HEAD")
    assert (reply["statusCode"], body) == (200, None)


def test_every_sample_event_is_used() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {"list", "one", "unknown", "health"}
