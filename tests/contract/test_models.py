"""The list of models, which needs no key."""

import httpx
import openai
import pytest

from gateway_process import DEMO_MODELS, MODELS, UNREACHABLE, GatewayProcess
from openai_schemas import check_error, check_models
from sdk_clients import Traffic, sync_client


def test_the_list(base_url: str, traffic: Traffic) -> None:
    with sync_client(base_url, "sk-none", traffic) as client:
        listed = list(client.models.list())
    check_models(traffic.last.json())
    assert [model.id for model in listed] == [*DEMO_MODELS, *MODELS, UNREACHABLE]
    assert traffic.last.headers["x-request-id"]


def test_one(base_url: str, traffic: Traffic) -> None:
    with sync_client(base_url, "sk-none", traffic) as client:
        found = client.models.retrieve("gpt-4o-mini")
    assert (found.id, found.object) == ("gpt-4o-mini", "model")


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
