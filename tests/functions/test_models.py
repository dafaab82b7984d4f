"""The models function as Lambda runs it: Mangum's handler, fed with the sample events."""

import asyncio
import importlib.util
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from embedded_metrics import measured
from local_stack import ROOT, botocore_client, local_stack
from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.model_items import Health
from sluice.stores.models import ModelStore

EVENTS = ROOT / "events" / "models"
SOURCE = "203.0.113.7"
"""The address in the sample events."""

FORGED = {
    "X-Forwarded-For": "198.51.100.1",
    "Forwarded": "for=198.51.100.1",
    "X-Real-IP": "198.51.100.1",
    "True-Client-IP": "198.51.100.1",
}


@contextmanager
def started(**environment: str) -> Iterator[Callable[[Any, Any], dict[str, Any]]]:
    """The handler of a new environment."""
    loop = asyncio.new_event_loop()  # Mangum runs on the thread's own
    asyncio.set_event_loop(loop)
    spec = importlib.util.spec_from_file_location("models_app", ROOT / "functions/models/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Any, Any], dict[str, Any]] = module.handler
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield found
        loop.run_until_complete(module.app.parts.close())
    asyncio.set_event_loop(None)
    loop.close()


def environment(endpoint: Endpoint, stack: Stack, limit: int = 0) -> dict[str, str]:
    """What the function finds on AWS."""
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SLUICE_COUNTERS_TABLE": stack.tables["CountersTable"],
        "SLUICE_MODELS_TABLE": stack.tables["ModelsTable"],
        "SLUICE_IP_RPM": str(limit),
    }


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Endpoint, Stack]]:
    with local_stack() as found:
        yield found


@pytest.fixture(scope="module")
def handler(made: tuple[Endpoint, Stack]) -> Iterator[Callable[[Any, Any], dict[str, Any]]]:
    with started(**environment(*made)) as found:
        yield found


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
    always, retiring = {"id", "object", "created", "owned_by"}, {"shutdown_date", "successor"}
    assert all(model.keys() - retiring == always for model in body["data"])
    assert {model["id"] for model in body["data"] if "shutdown_date" in model} >= {"gpt-4o", "gpt-3.5-turbo"}


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


def test_status_tells_how_each_model_is(handler: Any) -> None:
    reply, body = answer(handler, "status")
    assert reply["statusCode"] == 200
    assert reply["headers"]["cache-control"] == "no-cache"
    assert body["object"] == "list"
    assert body["total"] == len(body["data"]) == body["unknown"] == len(answer(handler, "list")[1]["data"])
    (row,) = [row for row in body["data"] if row["model_id"] == "gpt-4o-mini"]
    assert str(uuid.UUID(row.pop("id"))) != str(uuid.UUID(int=0))
    assert row == {
        "model_id": "gpt-4o-mini",
        "provider": "openai",
        "model_type": "chat",
        "is_available": True,
        "health_status": "unknown",
        "last_health_latency_ms": None,
    }


@pytest.mark.parametrize("name", ["list", "one"])
def test_head_has_no_body(handler: Any, name: str) -> None:
    whole, _ = answer(handler, name)
    reply, body = answer(handler, name, httpMethod="HEAD")
    assert (reply["statusCode"], body) == (200, None)
    for header in ("content-length", "content-type", "etag", "cache-control"):
        assert reply["headers"][header] == whole["headers"][header]


@pytest.mark.parametrize("name", ["list", "one"])
def test_a_client_may_keep_the_catalogue_and_ask_whether_it_has_changed(handler: Any, name: str) -> None:
    whole, _ = answer(handler, name)
    tag = whole["headers"]["etag"]
    assert whole["headers"]["cache-control"] == "public, max-age=60"
    assert answer(handler, name)[0]["headers"]["etag"] == tag
    known = {"If-None-Match": tag}
    reply, body = answer(handler, name, headers=known, multiValueHeaders={"If-None-Match": [tag]})
    assert (reply["statusCode"], body, reply["headers"]["etag"]) == (304, None, tag)
    other = {"If-None-Match": ['"other"']}
    assert answer(handler, name, headers={}, multiValueHeaders=other)[0]["statusCode"] == 200


def test_each_request_leaves_one_line_of_metrics(handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "sluice-test")
        for name, method, more in (
            ("list", "GET", set()),
            ("unknown", "GET", {"ClientErrors"}),
            ("list", "DELETE", {"ClientErrors"}),
        ):
            answer(handler, name, httpMethod=method)
            (line,) = [line for line in capsys.readouterr().out.splitlines() if "_aws" in line]
            found = measured(line)
            assert found.dimensions == {"service": "models"}
            assert set(found.values) == {"Requests", "Latency"} | more


def test_a_page_may_ask_and_read_where_its_origin_is_allowed(made: tuple[Endpoint, Stack]) -> None:
    page = "https://app.example.com"
    asking = {"Origin": page, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"}
    lines = {name: [value] for name, value in asking.items()}
    for origins, allowed in (("*", "*"), (page, page), ("https://other.example.com", None), ("", None)):
        with started(**environment(*made), SLUICE_CORS_ORIGINS=origins) as handler:
            reply, body = answer(
                handler, "list", httpMethod="OPTIONS", headers=asking, multiValueHeaders=lines
            )
            assert (reply["statusCode"], body) == (204, None)
            assert reply["headers"]["allow"] == "GET, HEAD, OPTIONS"
            assert reply["headers"].get("access-control-allow-origin") == allowed
            assert reply["headers"].get("access-control-allow-headers") == ("x-a" if allowed else None)
            for name in ("list", "unknown"):
                reply, _ = answer(handler, name, headers=asking, multiValueHeaders=lines)
                assert reply["headers"].get("access-control-allow-origin") == allowed


async def fill(endpoint: Endpoint, table: str) -> None:
    """What a check and a synchronisation have left in the models table."""
    now = int(time.time())
    with closing(AWS(endpoint)) as aws:
        store = ModelStore(aws, table)
        await store.note_provider("openai", Health("healthy", 1, now, 245), ["gpt-4o-mini"])
        await store.note_unconfigured("google")
        await store.note_model("demo", Health("down", 3, now))
        await store.found("gpt-9", {"kind": "chat", "candidates": [{"provider": "openai", "model": "gpt-9"}]})


def test_what_is_found_later_needs_no_deployment(made: tuple[Endpoint, Stack]) -> None:
    endpoint, stack = made
    asyncio.run(fill(endpoint, stack.tables["ModelsTable"]))
    with started(**environment(endpoint, stack)) as handler:
        status = answer(handler, "status")[1]
        listed = answer(handler, "list")[1]
        one = answer(handler, "one", path="/v1/models/gpt-9", pathParameters={"id": "gpt-9"})
    rows = {row["model_id"]: row for row in status["data"]}
    states = {
        name: (row["is_available"], row["health_status"], row["last_health_latency_ms"])
        for name, row in rows.items()
    }
    assert states["gpt-4o"] == states["gpt-9"] == (True, "healthy", 245)
    assert states["gpt-4o-mini"] == states["gemini-2.5-flash"] == (False, "unknown", None)
    assert states["demo"] == (False, "down", None)
    assert status["total"] == status["healthy"] + status["down"] + status["unknown"] == len(rows)
    assert [model["id"] for model in listed["data"]] == list(rows)
    assert (one[0]["statusCode"], one[1]["id"]) == (200, "gpt-9")


def test_a_client_is_limited_by_the_address_that_api_gateway_saw() -> None:
    with local_stack() as (endpoint, stack):
        table = stack.tables["CountersTable"]
        with started(**environment(endpoint, stack, limit=10)) as handler:
            for number in range(10):
                lying = {name: f"{value}{number}" for name, value in FORGED.items()}
                reply, _ = answer(
                    handler,
                    ["list", "one", "unknown", "health"][number % 4],
                    headers={"Host": "api.example.com", **lying},
                    multiValueHeaders={name: [value] for name, value in lying.items()},
                )
                assert reply["statusCode"] in {200, 404}
            for name, method in (
                ("health", "GET"),
                ("unknown", "GET"),
                ("list", "DELETE"),
                ("list", "HEAD"),
                ("list", "OPTIONS"),
            ):
                reply, body = answer(handler, name, httpMethod=method, headers=FORGED, multiValueHeaders=None)
                assert reply["statusCode"] == 429
                assert 0 < int(reply["headers"]["retry-after"]) <= 70
                assert "allow" not in reply["headers"]
                assert method == "HEAD" or body["error"]["code"] == "rate_limit_exceeded"
            other, _ = answer(handler, "health", requestContext={"identity": {"sourceIp": "203.0.113.8"}})
            assert other["statusCode"] == 200
        items = botocore_client(endpoint, "dynamodb").scan(TableName=table)["Items"]
    assert {item["id"]["S"] for item in items} == {f"ip#{SOURCE}", "ip#203.0.113.8"}


def test_every_sample_event_is_used() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {"list", "one", "status", "unknown", "health"}
