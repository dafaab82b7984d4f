"""The list of models, which needs no key."""

import time
import uuid
from typing import Any

import httpx
import openai
import pytest

from gateway_process import ALL_MODELS, BOTH_WAYS, UNREACHABLE, GatewayProcess
from mock_provider import EMBEDDING_MODEL
from openai_schemas import check_error, check_model, check_models
from sdk_clients import Traffic, sync_client


def test_the_list(base_url: str, traffic: Traffic) -> None:
    with sync_client(base_url, "sk-none", traffic) as client:
        listed = list(client.models.list())
    check_models(traffic.last.json())
    of_the_file = [model.id for model in listed if model.id in ALL_MODELS]
    assert of_the_file == list(ALL_MODELS), "beside what providers have told of their models"
    assert traffic.last.headers["x-request-id"]


@pytest.mark.parametrize("name", ALL_MODELS)
def test_one(base_url: str, traffic: Traffic, name: str) -> None:
    with sync_client(base_url, "sk-none", traffic) as client:
        found = client.models.retrieve(name)
    check_model(traffic.last.json())
    assert (found.id, found.object) == (name, "model")


def test_one_by_a_name_with_a_slash(gateway: GatewayProcess) -> None:
    """Both as some clients send it and as others do."""
    for path in ("/v1/models/openai/gpt-4o-mini", "/v1/models/openai%2Fgpt-4o-mini"):
        reply = httpx.get(f"{gateway.url}{path}", trust_env=False)
        assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("name", ["nope", "openai/nope", "gpt-4o-mini/"])
def test_an_unknown_one(client: openai.OpenAI, traffic: Traffic, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(name)
    check_error(traffic.last.json())
    assert caught.value.code == "model_not_found"


STATUS_ROW = {
    "id": str,
    "model_id": str,
    "provider": str,
    "model_type": str,
    "is_available": bool,
    "health_status": str,
    "last_health_latency_ms": int,
}
"""Reference 004's."""

CHECK_SECONDS = 20


def status_of(base_url: str) -> Any:
    """Without a key."""
    reply = httpx.get(f"{base_url}/models/status", trust_env=False)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["x-request-id"]
    return reply.json()


def awaited_status(base_url: str) -> tuple[Any, dict[str, Any]]:
    """The statuses once every provider has been checked, which the gateway's start has begun; and its rows by model."""
    deadline = time.monotonic() + CHECK_SECONDS
    while True:
        found = status_of(base_url)
        rows = {row["model_id"]: row for row in found["data"]}
        checked = {
            "demo": rows["demo"]["health_status"] == "healthy",
            "openai": not rows[BOTH_WAYS]["is_available"],  # which it does not list
            "unreachable": rows[UNREACHABLE]["health_status"] == "down",
        }
        if all(checked.values()):
            return found, rows
        assert time.monotonic() < deadline, checked
        time.sleep(0.05)


def test_how_each_model_is(base_url: str) -> None:
    found, rows = awaited_status(base_url)
    assert found.keys() == {"object", "data", "total", "healthy", "down", "unknown"}
    assert found["object"] == "list"
    assert set(ALL_MODELS) <= set(rows)
    assert found["total"] == len(found["data"]) == len(rows)
    for status in ("healthy", "down", "unknown"):
        assert found[status] == sum(row["health_status"] == status for row in found["data"])
    assert found["healthy"] + found["down"] + found["unknown"] == found["total"]
    for row in found["data"]:
        assert row.keys() == STATUS_ROW.keys()
        assert str(uuid.UUID(row["id"])) == row["id"]
        for name, kind in STATUS_ROW.items():
            missing = name == "last_health_latency_ms" and row["health_status"] != "healthy"
            assert type(row[name]) is (type(None) if missing else kind)
    assert len({row["id"] for row in found["data"]}) == len(rows)


def test_a_model_is_available_where_somebody_answers_for_it(base_url: str) -> None:
    _, rows = awaited_status(base_url)
    demo, unreachable = rows["demo"], rows[UNREACHABLE]  # of others, tests' requests may have failed
    assert (demo["provider"], demo["model_type"], demo["is_available"]) == ("demo", "chat", True)
    assert (unreachable["provider"], unreachable["is_available"]) == ("unreachable", False)
    assert rows["demo-embedding"]["model_type"] == "embedding"
    assert rows[BOTH_WAYS]["is_available"] is False, "its provider does not list it"


def test_one_that_answers_is_available(base_url: str, client: openai.OpenAI) -> None:
    """Also when other tests' requests for it have failed before."""
    client.embeddings.create(model=EMBEDDING_MODEL, input="a")
    deadline = time.monotonic() + CHECK_SECONDS
    while not awaited_status(base_url)[1][EMBEDDING_MODEL]["is_available"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_rows_keep_their_ids_and_are_the_models_that_are_listed(base_url: str) -> None:
    found = [{row["model_id"]: row["id"] for row in status_of(base_url)["data"]} for _ in range(2)]
    assert found[0] == found[1]
    listed = httpx.get(f"{base_url}/models", trust_env=False).json()["data"]
    assert [model["id"] for model in listed] == list(found[1])


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("OPTIONS", 204), ("POST", 405), ("DELETE", 405)]
)
def test_other_methods_of_the_statuses(base_url: str, method: str, status: int) -> None:
    reply = httpx.request(method, f"{base_url}/models/status", trust_env=False)
    assert reply.status_code == status
    if status == 405:
        check_error(reply.json())
        assert reply.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_wrong_method(http: httpx.Client, method: str) -> None:
    reply = http.request(method, "/v1/models")
    assert reply.status_code == 405
    check_error(reply.json())


def test_head_is_answered_like_get_without_a_body(http: httpx.Client) -> None:
    whole, reply = http.get("/v1/models"), http.head("/v1/models")
    assert reply.status_code == 200
    assert reply.content == b""
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert reply.headers[name] == whole.headers[name]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/openai/gpt-4o-mini"])
def test_what_a_client_has_already_is_not_sent_again(http: httpx.Client, path: str, method: str) -> None:
    tag = http.get(path).headers["etag"]
    reply = http.request(method, path, headers={"if-none-match": f'"other", W/{tag}'})
    assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", tag)
    assert http.get(path).status_code == 200, "the connection is still in step"
