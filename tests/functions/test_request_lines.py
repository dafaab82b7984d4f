"""Each request of a function leaves one line in the log and one of metrics, whatever becomes of it."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from asgi_client import Client, Message
from embedded_metrics import Measured, measured
from key_records import key_record
from local_stack import ROOT, blueprint, local_stack
from made_settings import TABLE_VARIABLES
from sluice.config import ConfigurationError
from sluice.keys import new_secret
from sluice.local.functions import load_app
from sluice.local.stack import Stack
from sluice.observability import logger
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.keys import KeyStore

SECRETS = {name: new_secret("key") for name in ("good", "poor", "slow")}
NANO_PER_PROMPT_TOKEN, NANO_PER_COMPLETION_TOKEN = 1_000, 2_000
CATALOG = """
[providers.demo]
kind = "demo"

[providers.away]
kind = "openai"
base_url = "http://127.0.0.1:1/v1" # nobody listens there

[[models]]
id = "demo"
candidates = [{ provider = "demo", model = "demo" }]
output_tokens = 1000
price = { input = "1", output = "2" }

[[models]]
id = "away"
candidates = [{ provider = "away", model = "away" }]
"""
PROMPT = "a prompt that no log may hold"
CHAT = "/v1/chat/completions"
CHAT_METRICS = {"Requests", "Latency", "PromptTokens", "CompletionTokens", "Cost"}


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Endpoint, Stack]]:
    terms: dict[str, dict[str, Any]] = {
        "good": {},
        "poor": {"budget_nano_usd": 10, "budget_period": "lifetime"},
        "slow": {"rpm": 1},
    }
    with local_stack() as (endpoint, made):
        keys = KeyStore(AWS(endpoint), made.tables["KeysTable"])
        for name, members in terms.items():
            asyncio.run(keys.put_new(key_record(SECRETS[name], id=f"key_{name}", **members)))
        yield endpoint, made


@pytest.fixture
def environment(
    stack: tuple[Endpoint, Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    endpoint, made = stack
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    variables = {name: made.tables[table] for name, table in TABLE_VARIABLES.items()} | {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SLUICE_CATALOG": str(catalog),
        "SLUICE_IP_RPM": "0",
        "SLUICE_JOBS_TABLE": made.tables["JobsTable"],
        "SLUICE_JOBS_BUCKET": "bucket",
        "SLUICE_IMAGES_MACHINE": "arn:of:images",
        "SLUICE_VIDEOS_MACHINE": "arn:of:videos",
        "SLUICE_WEBHOOKS_MACHINE": "arn:of:webhooks",
        "POWERTOOLS_METRICS_NAMESPACE": "sluice-test",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the function has written to its standard output: first its log, then its metrics."""
    log, handler = StringIO(), logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(log)

    def written() -> str:
        text = log.getvalue() + capsys.readouterr().out
        log.truncate(0)
        log.seek(0)
        return text

    yield written
    handler.setStream(before)


def loaded(name: str) -> Any:
    (function,) = [each for each in blueprint().functions if each.name == name]
    return load_app(function)


@pytest.fixture
async def chat(environment: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    app = loaded("ChatFunction")
    yield app
    await app.parts.close()


def asking(secret: str, **members: Any) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = {"model": "demo", "messages": [{"role": "user", "content": PROMPT}]} | members
    return json.dumps(body).encode(), [(b"authorization", b"Bearer " + secret.encode())]


async def asked(app: Any, secret: str, **members: Any) -> Client:
    body, headers = asking(secret, **members)
    return await Client(body).ask(app, CHAT, headers=headers)


def lines(output: Callable[[], str], service: str = "chat") -> tuple[dict[str, Any], Measured]:
    """The one line of the log, and the one of metrics."""
    text = output()
    written = text.splitlines()
    assert len(written) == 2, written
    assert not any(secret in text for secret in SECRETS.values())
    assert PROMPT not in text
    request = json.loads(written[0])["request"]
    found = measured(written[1])
    assert (found.namespace, found.dimensions["service"], len(found.dimensions)) == (
        "sluice-test",
        service,
        1,
    )
    assert found.document["request_id"] == request["request_id"]
    assert found.values["Requests"] == 1
    assert found.values["Latency"] == request["duration_ms"]
    assert found.units["Latency"] == "Milliseconds"
    assert set(found.document) == {"_aws", "service", "request_id", *found.values}
    return request, found


async def test_a_whole_reply(chat: Any, output: Callable[[], str]) -> None:
    client = await asked(chat, SECRETS["good"])
    usage = json.loads(client.body)["usage"]
    cost = (
        usage["prompt_tokens"] * NANO_PER_PROMPT_TOKEN
        + usage["completion_tokens"] * NANO_PER_COMPLETION_TOKEN
    )
    request, found = lines(output)
    assert request == {
        "request_id": client.headers["x-request-id"],
        "method": "POST",
        "path": CHAT,
        "status": 200,
        "key_id": "key_good",
        "model": "demo",
        "provider": "demo",
        "attempts": 1,
        "tries": [
            {
                "provider": "demo",
                "model": "demo",
                "milliseconds": request["tries"][0]["milliseconds"],
                "outcome": "ok",
            }
        ],
        "stream": False,
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "cost": cost,
        "first_byte_ms": request["first_byte_ms"],
        "duration_ms": request["duration_ms"],
    }
    assert 0 < request["first_byte_ms"] <= request["duration_ms"]
    assert set(found.values) == CHAT_METRICS
    assert found.values["PromptTokens"] == usage["prompt_tokens"]
    assert found.values["CompletionTokens"] == usage["completion_tokens"]
    assert found.values["Cost"] == cost / 10**9
    assert (found.units["Cost"], found.units["PromptTokens"]) == ("None", "Count")


async def test_a_stream(chat: Any, output: Callable[[], str]) -> None:
    client = await asked(chat, SECRETS["good"], stream=True)
    assert client.body.endswith(b"data: [DONE]\n\n")
    request, found = lines(output)
    assert (request["stream"], request["status"], request["attempts"]) == (True, 200, 1)
    assert request["first_byte_ms"] < request["duration_ms"]
    assert set(found.values) == CHAT_METRICS | {"FirstByte"}
    assert found.values["FirstByte"] == request["first_byte_ms"]
    assert found.values["Cost"] == request["cost"] / 10**9 > 0


async def test_errors_of_clients(chat: Any, output: Callable[[], str]) -> None:
    for secret, members, status, more in (
        ("sk-" + "x" * 48, {}, 401, set()),
        (SECRETS["good"], {"model": "nope"}, 404, set()),
        (
            SECRETS["good"],
            {"logprobs": True},
            400,
            set(),
        ),  # which the provider cannot express, so it is not asked
        (SECRETS["poor"], {}, 402, {"BudgetRefused"}),
    ):
        await asked(chat, secret, **members)
        request, found = lines(output)
        assert request.get("asked_model") == ("nope" if status == 404 else None)
        assert (request["status"], "attempts" in request) == (status, False)
        assert set(found.values) == {"Requests", "Latency", "ClientErrors"} | more


async def test_a_request_beyond_its_limit(chat: Any, output: Callable[[], str]) -> None:
    assert (await asked(chat, SECRETS["slow"])).status == 200
    lines(output)
    assert (await asked(chat, SECRETS["slow"])).status == 429
    request, found = lines(output)
    assert (request["status"], request["error"], request["key_id"]) == (
        429,
        "rate_limit_exceeded",
        "key_slow",
    )
    assert set(found.values) == {"Requests", "Latency", "ClientErrors", "Throttled"}


async def test_a_fault_of_the_providers(chat: Any, output: Callable[[], str]) -> None:
    client = await asked(chat, SECRETS["good"], model="away")
    request, found = lines(output)
    assert client.status == request["status"] == 502
    assert request["attempts"] == len(request["tries"]) == 3
    assert {each["outcome"] for each in request["tries"]} == {"upstream_error"}
    assert set(found.values) == {"Requests", "Latency", "ServerErrors"}


async def test_another_provider_that_answers_is_counted(chat: Any, output: Callable[[], str]) -> None:
    client = await asked(chat, SECRETS["good"], model="away", models=["demo"])
    assert client.status == 200
    assert client.headers["x-sluice-model"] == "demo"
    request, found = lines(output)
    assert [each["provider"] for each in request["tries"]] == ["away", "demo"]
    assert (request["model"], request["asked_model"], request["provider"]) == ("demo", "away", "demo")
    assert set(found.values) == CHAT_METRICS | {"Fallbacks"}
    assert found.values["Fallbacks"] == 1


async def test_a_reply_that_was_made_before(chat: Any, output: Callable[[], str]) -> None:
    body, headers = asking(SECRETS["good"])
    headers.append((b"idempotency-key", b"once"))
    for replayed in (None, True):
        assert (await Client(body).ask(chat, CHAT, headers=headers)).status == 200
        request, _ = lines(output)
        assert request.get("replayed") is replayed
    assert (request["model"], "provider" in request) == ("demo", False)


async def test_a_client_that_leaves(chat: Any, output: Callable[[], str]) -> None:
    class Leaving(Client):
        async def send(self, message: Message) -> None:
            await super().send(message)
            if b"prompt" in message.get("body", b""):  # it has been told something
                self.gone.set()

    body, headers = asking(SECRETS["good"], stream=True)
    client = await Leaving(body).ask(chat, CHAT, headers=headers)
    assert not client.finished.is_set()
    request, found = lines(output)
    assert (request["status"], request["cost"] > 0) == (499, True)
    assert set(found.values) == CHAT_METRICS | {"FirstByte", "ClientErrors"}


async def test_many_at_once_keep_their_figures_apart(chat: Any, output: Callable[[], str]) -> None:
    secrets = [SECRETS["good"], "sk-" + "x" * 48] * 5
    await asyncio.gather(*(asked(chat, secret) for secret in secrets))
    written = output().splitlines()
    found = {each.document["request_id"]: each for each in map(measured, written[len(secrets) :])}
    requests = [json.loads(line)["request"] for line in written[: len(secrets)]]
    assert len(found) == len(requests) == len(secrets)
    for request in requests:
        values = found[request["request_id"]].values
        assert values["Latency"] == request["duration_ms"]
        assert ("ClientErrors" in values) == (request["status"] == 401)
        assert ("Cost" in values) == (request["status"] == 200)


async def test_what_strangers_write_begins_no_line(chat: Any, output: Callable[[], str]) -> None:
    forged = '\n{"level":"INFO","request":{"status":200}}\r\u2028\x1b[2J'
    await Client().ask(chat, f"/{forged}", "GET", headers=[])
    await asked(chat, SECRETS["good"], model=forged)
    text = output()
    written = text.split("\n")
    assert len(written) == 5
    assert all(line.startswith('{"') for line in written[:-1])
    assert "\x1b" not in text
    assert "\u2028" not in json.loads(written[0])["request"]["path"]


async def test_no_metrics_where_none_are_asked_for(
    chat: Any, environment: pytest.MonkeyPatch, output: Callable[[], str]
) -> None:
    environment.setenv("POWERTOOLS_METRICS_NAMESPACE", "")
    await asked(chat, SECRETS["good"])
    (line,) = output().splitlines()
    assert json.loads(line)["request"]["status"] == 200


async def test_an_origin_that_is_none_ends_the_start_by_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLUICE_CORS_ORIGINS", "https://app.example.com/path")
    with pytest.raises(ConfigurationError, match="SLUICE_CORS_ORIGINS"):
        _ = loaded("ChatFunction").parts


@pytest.mark.parametrize("name", [function.name for function in blueprint().functions if function.routes])
async def test_every_function_that_pages_can_ask_tells_them_so(
    environment: pytest.MonkeyPatch, output: Callable[[], str], name: str
) -> None:
    page = "https://app.example.com"
    environment.setenv("SLUICE_CORS_ORIGINS", page)
    app = loaded(name)
    headers = [(b"origin", page.encode()), (b"access-control-request-method", b"POST")]
    for path in app.methods:
        client = await Client().ask(app, path.replace("{id:path}", "demo"), "OPTIONS", headers=headers)
        assert (client.status, client.headers["access-control-allow-origin"]) == (204, page)
        request, _ = lines(output, app.name)
        assert request["status"] == 204
    await app.parts.close()


@pytest.mark.parametrize("folder", [function.folder.name for function in blueprint().functions])
def test_no_function_carries_a_tracer(folder: str) -> None:
    """Lambda traces by itself; the SDK would cost a cold start 180 ms. It is importable here, because moto needs it."""
    script = "import sys, app; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "functions" / folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "aws_lambda_powertools" in done.stdout.split()
    assert not [name for name in done.stdout.split() if name.startswith("aws_xray_sdk")]
