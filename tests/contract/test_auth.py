"""Keys: who may in, and that all others get one and the same answer."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from gateway_process import KEY_CACHE_SECONDS, GatewayProcess
from mock_provider import GUARD_SECONDS, Case
from openai_schemas import check_error
from sdk_clients import NO_AUTHORITIES, Traffic, async_client, sync_client

PATH = "/v1/chat/completions"


@pytest.fixture
def ask(
    gateway: GatewayProcess, case: Case, traffic: Traffic
) -> Iterator[Callable[[str | None], httpx.Response]]:
    """Sends a good request with the given Authorization header."""
    with httpx.Client(base_url=gateway.url, trust_env=False, timeout=30, verify=NO_AUTHORITIES) as http:

        def send(authorization: str | None) -> httpx.Response:
            headers = [] if authorization is None else [(b"authorization", authorization.encode())]
            reply = http.post(PATH, json=chat_body(case), headers=headers)
            traffic.bare.append(reply)
            return reply

        yield send


def check_refused(reply: httpx.Response) -> None:
    check_error(reply.json())
    assert reply.status_code == 401
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert reply.headers["x-request-id"]


def refused_in_time(ask: Callable[[str | None], httpx.Response], secret: str) -> httpx.Response:
    """The refusal of a key that has just lost its right, which may take as long as the cache remembers it."""
    deadline = time.monotonic() + KEY_CACHE_SECONDS + GUARD_SECONDS
    while (reply := ask(f"Bearer {secret}")).status_code == 200:
        assert time.monotonic() < deadline, "the key still works"
    return reply


@pytest.fixture(scope="session")
def missing_answer(gateway: GatewayProcess) -> dict[str, Any]:
    """The answer to a request without a key, which all the others must equal."""
    reply = httpx.post(f"{gateway.url}{PATH}", json={"model": MODEL, "messages": MESSAGES}, trust_env=False)
    check_refused(reply)
    found: dict[str, Any] = reply.json()
    return found


MALFORMED = {
    "empty": "",
    "no scheme": "sk-0123456789abcdef0123456789abcdef",  # pragma: allowlist secret - made up
    "another scheme": "Basic c2stMDEyMzQ1Njc4OTphYmNkZWY=",
    "scheme only": "Bearer",
    "unknown": "Bearer sk-0123456789abcdef0123456789abcdef0123456789abcdef",  # pragma: allowlist secret - made up
    "short": "Bearer sk-",
    "two words": "Bearer sk-0123456789abcdef sk-0123456789abcdef",
    "not ASCII": "Bearer sk-ключ-钥匙-😀",
    "long": "Bearer sk-" + "a" * 8000,
    "digest": "Bearer " + "0" * 64,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_key_that_is_none(
    ask: Callable[[str | None], httpx.Response], case: Case, missing_answer: dict[str, Any], name: str
) -> None:
    reply = ask(MALFORMED[name])
    check_refused(reply)
    assert reply.json() == missing_answer
    assert case.requests == []


def test_a_missing_key(
    ask: Callable[[str | None], httpx.Response], case: Case, missing_answer: dict[str, Any]
) -> None:
    assert ask(None).json() == missing_answer
    assert case.requests == []


def test_the_providers_key_opens_nothing(ask: Callable[[str | None], httpx.Response], provider: Any) -> None:
    check_refused(ask(f"Bearer {provider.credential}"))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_key(ask: Callable[[str | None], httpx.Response], key: str, scheme: str) -> None:
    """The scheme's letter case does not matter (RFC 9110, section 11.1)."""
    assert ask(f"{scheme} {key}").status_code == 200


def test_a_good_key_with_anything_after_it(ask: Callable[[str | None], httpx.Response], key: str) -> None:
    for wrong in (key + "x", key[:-1], key.upper(), f"{key} {key}", f"{key}\t{key}"):
        check_refused(ask(f"Bearer {wrong}"))


def test_a_revoked_key(
    gateway: GatewayProcess, ask: Callable[[str | None], httpx.Response], missing_answer: dict[str, Any]
) -> None:
    record = gateway.create_key()
    assert ask(f"Bearer {record['key']}").status_code == 200
    gateway.keys("revoke", record["id"])
    assert refused_in_time(ask, record["key"]).json() == missing_answer


def test_an_expired_key(
    gateway: GatewayProcess, ask: Callable[[str | None], httpx.Response], missing_answer: dict[str, Any]
) -> None:
    record = gateway.create_key("--expires-in", "1s")
    assert refused_in_time(ask, record["key"]).json() == missing_answer


def test_a_key_that_has_not_expired(
    gateway: GatewayProcess, ask: Callable[[str | None], httpx.Response]
) -> None:
    record = gateway.create_key("--expires-in", "30d")
    assert ask(f"Bearer {record['key']}").status_code == 200


def test_a_rotated_key(
    gateway: GatewayProcess, ask: Callable[[str | None], httpx.Response], missing_answer: dict[str, Any]
) -> None:
    record = gateway.create_key()
    assert ask(f"Bearer {record['key']}").status_code == 200
    rotated = gateway.rotate_key(record["id"])
    assert rotated["id"] == record["id"]
    assert rotated["key"] != record["key"]
    assert ask(f"Bearer {rotated['key']}").status_code == 200
    assert refused_in_time(ask, record["key"]).json() == missing_answer


def test_a_rotated_key_in_its_grace(
    gateway: GatewayProcess, ask: Callable[[str | None], httpx.Response]
) -> None:
    record = gateway.create_key()
    rotated = gateway.rotate_key(record["id"], "--grace", "1h")
    assert ask(f"Bearer {rotated['key']}").status_code == 200
    assert ask(f"Bearer {record['key']}").status_code == 200


def test_a_key_for_one_model(gateway: GatewayProcess, traffic: Traffic, case: Case) -> None:
    """What it may not use stands in the table of errors."""
    record = gateway.create_key("--models", "gpt-4o")
    with sync_client(f"{gateway.url}/v1", record["key"], traffic) as client:
        assert client.chat.completions.create(model="gpt-4o", messages=MESSAGES, user=case.user).choices


async def test_in_the_asynchronous_client(base_url: str, traffic: Traffic) -> None:
    async with async_client(base_url, "sk-wrong", traffic, max_retries=2) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model=MODEL, messages=MESSAGES)


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b'{"model":"no-such-model"}'])
def test_without_a_key_nothing_is_said_about_the_request(gateway: GatewayProcess, content: bytes) -> None:
    check_refused(httpx.post(f"{gateway.url}{PATH}", content=content, trust_env=False))
