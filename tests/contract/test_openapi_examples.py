"""Every request that the document shows is sent, and what comes back is what the document says."""

import httpx
import pytest

from gateway_process import GatewayProcess
from mock_provider import MockProvider
from openapi_document import check_reply, contract
from sluice.openapi.endpoint import Endpoint
from sluice.openapi.endpoints import ENDPOINTS
from sluice.openapi.examples import Example

CASES = [
    pytest.param(endpoint, path, example, id=f"{endpoint.method} {path} {name}")
    for endpoint in ENDPOINTS
    for path in endpoint.paths
    for name, example in endpoint.examples.items()
]
KEYED = [endpoint for endpoint in ENDPOINTS if endpoint.keyed]
CACHEABLE = [endpoint for endpoint in ENDPOINTS if endpoint.cacheable]


def first(endpoint: Endpoint) -> Example:
    return next(iter(endpoint.examples.values()))


def send(http: httpx.Client, endpoint: Endpoint, path: str, example: Example) -> httpx.Response:
    return http.request(endpoint.method, path.format(**example.parameters), json=example.body)


@pytest.mark.parametrize(("endpoint", "path", "example"), CASES)
def test_an_example(http: httpx.Client, endpoint: Endpoint, path: str, example: Example) -> None:
    reply = send(http, endpoint, path, example)
    assert reply.status_code == example.status, reply.text
    check_reply(endpoint.method, path, reply)


@pytest.mark.parametrize("endpoint", KEYED, ids=lambda endpoint: endpoint.id)
def test_without_a_key(gateway: GatewayProcess, endpoint: Endpoint) -> None:
    with httpx.Client(base_url=gateway.url, trust_env=False) as nobody:
        for path in endpoint.paths:
            reply = send(nobody, endpoint, path, first(endpoint))
            assert reply.status_code == 401
            check_reply(endpoint.method, path, reply)


@pytest.mark.parametrize("endpoint", CACHEABLE, ids=lambda endpoint: endpoint.id)
def test_a_reply_that_the_client_has(http: httpx.Client, endpoint: Endpoint) -> None:
    example, path = first(endpoint), endpoint.paths[0]
    known = send(http, endpoint, path, example)
    url = path.format(**example.parameters)
    again = http.request(endpoint.method, url, headers={"if-none-match": known.headers["etag"]})
    assert again.status_code == 304
    check_reply(endpoint.method, path, again)


@pytest.mark.parametrize("limits", [("--rpm", "1"), ("--budget", "0.0000001"), ("--models", "gpt-4o")])
def test_refusals_of_a_key(gateway: GatewayProcess, limits: tuple[str, str]) -> None:
    endpoint = KEYED[0]
    key = gateway.create_key(*limits)["key"]
    with httpx.Client(
        base_url=gateway.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=30
    ) as client:
        replies = [send(client, endpoint, endpoint.paths[0], endpoint.examples["vision"]) for _ in range(2)]
    assert replies[-1].status_code in {402, 403, 429}
    for reply in replies:
        check_reply(endpoint.method, endpoint.paths[0], reply)


def test_the_defaults_that_the_document_tells_are_filled_in(
    http: httpx.Client, provider: MockProvider
) -> None:
    properties = contract()["components"]["schemas"]["ApiChatCompletionRequest"]["properties"]
    text = "which defaults are filled in?"
    assert http.post("/api/v1/chat", json={"messages": [{"role": "user", "content": text}]}).is_success
    (arrived,) = provider.containing(text)
    for name in ("model", "max_tokens"):
        assert arrived.json[name] == properties[name]["default"]


def test_the_gateway_serves_the_document(http: httpx.Client) -> None:
    assert http.get("/openapi.json").json() == contract()
