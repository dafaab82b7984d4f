"""sluice models, end to end against a running development server whose provider serves more than the catalogue has."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from dev_server import DevServer, sluice
from mock_provider import MODELS, MockProvider
from sdk_clients import Traffic, sync_client

WAIT_SECONDS = 30
CATALOG = """
[providers.near]
kind = "openai"
base_url = "{url}"
credential = "NEAR_KEY"

[providers.absent]
kind = "openai"
base_url = "https://absent.invalid/v1"
credential = "ABSENT_KEY"

[[models]]
id = "mini"
aliases = ["near/mini"]
candidates = [{{ provider = "near", model = "gpt-4o-mini" }}]
context_tokens = 1000
output_tokens = 100
price = {{ input = "0.15", output = "0.60" }}

[[models]]
id = "away"
candidates = [{{ provider = "absent", model = "away" }}]
"""
FOUND = sorted(set(MODELS) - {"gpt-4o-mini"})


@pytest.fixture(scope="module")
def provider() -> Iterator[MockProvider]:
    with MockProvider("sk-upstream") as mock:
        yield mock


@pytest.fixture(scope="module")
def server(provider: MockProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """Has asked its providers for their models, and how they are."""
    directory = tmp_path_factory.mktemp("dev")
    (directory / "catalog.toml").write_text(CATALOG.format(url=provider.url))
    settings = {
        "SLUICE_CATALOG": "catalog.toml",
        "NEAR_KEY": provider.credential,
        "SLUICE_MODELS_CACHE_SECONDS": "0",
    }
    with DevServer(directory, settings) as running:
        awaited(lambda: [row["id"] for row in listed(running)] == ["mini", "away", *FOUND])
        awaited(lambda: [row["id"] for row in listed(running) if not row["available"]] == ["away"])
        yield running


def awaited(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def command(server: DevServer, *arguments: str) -> Any:
    done = sluice("models", *arguments, "--local", "--json", directory=server.directory)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def listed(server: DevServer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = command(server, "list")
    return rows


def one(server: DevServer, name: str) -> dict[str, Any] | None:
    return next((row for row in listed(server) if row["id"] == name), None)


def failed(server: DevServer, *arguments: str, code: int = 1) -> str:
    done = sluice("models", *arguments, "--local", directory=server.directory)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def chat(server: DevServer, model: str, key: str | None = None) -> openai.types.chat.ChatCompletion:
    with sync_client(f"{server.state.url}/v1", key or server.key, Traffic()) as client:
        return client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=5
        )


def test_each_model_is_listed_with_its_origin_and_how_it_is(server: DevServer) -> None:
    mini, away, *found = listed(server)
    assert mini.pop("latency_ms") >= 0
    assert mini == {
        "id": "mini",
        "aliases": ["near/mini"],
        "kind": "chat",
        "provider": "near",
        "candidates": [
            {
                "provider": "near",
                "model": "gpt-4o-mini",
                "weight": 1,
                "price": {"input": "0.15", "output": "0.60"},
                "listed": True,
            }
        ],
        "policy": "priority",
        "fallbacks": [],
        "from": "file",
        "price": {"input": "0.15", "output": "0.60"},
        "context_tokens": 1000,
        "output_tokens": 100,
        "retired": None,
        "successor": None,
        "available": True,
        "health": "healthy",
    }
    assert (away["available"], away["health"], away["latency_ms"]) == (False, "unknown", None)
    assert [(row["id"], row["from"], row["price"], row["health"]) for row in found] == [
        (name, "provider", None, "healthy") for name in FOUND
    ]
    assert found[0]["aliases"] == [f"near/{FOUND[0]}"]


def test_a_person_gets_a_table(server: DevServer) -> None:
    done = sluice("models", "list", "--local", directory=server.directory)
    lines = [line.split("  ") for line in done.stdout.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert rows[:3] == [
        ["id", "kind", "providers", "from", "input", "output", "health"],
        ["mini", "chat", "near", "file", "0.15", "0.60", "healthy"],
        ["away", "chat", "absent", "file", "-", "-", "unknown, not available"],
    ]
    assert [row[3] for row in rows[3:]] == ["provider"] * len(FOUND)


def test_a_model_that_only_the_provider_lists_can_be_used_without_a_restart(server: DevServer) -> None:
    for name in ("deepseek-reasoner", "near/deepseek-reasoner"):
        reply = chat(server, name)
        assert reply.model == name
        assert reply.choices[0].message.content
    with sync_client(f"{server.state.url}/v1", "sk-none", Traffic()) as client:
        assert {model.id for model in client.models.list()} >= {"mini", *FOUND}
        assert client.models.retrieve("near/gpt-4o").id == "gpt-4o"
    status = httpx.get(f"{server.state.url}/v1/models/status", trust_env=False).json()
    assert (status["total"], status["healthy"], status["unknown"]) == (2 + len(FOUND), 1 + len(FOUND), 1)


def test_a_model_gets_a_price_and_loses_it_again(server: DevServer) -> None:
    key = json.loads(server.keys("create", "--name", "b", "--budget", "1", "--json").stdout)["key"]
    with pytest.raises(openai.PermissionDeniedError):
        chat(server, "gpt-4o", key)
    row = command(
        server, "set", "gpt-4o", "--input-price", "2.50", "--output-price", "10", "--output-tokens", "9"
    )
    assert row["price"] == {"input": "2.50", "output": "10"}
    assert row["candidates"] == [{"provider": "near", "model": "gpt-4o"}]
    assert chat(server, "gpt-4o", key).usage is not None
    row = command(server, "set", "gpt-4o", "--output-price", "8")
    assert (row["price"], row["output_tokens"]) == ({"input": "2.50", "output": "8"}, 9)
    assert command(server, "forget", "gpt-4o") == {"id": "gpt-4o", "forgotten": True}
    shown = one(server, "gpt-4o")
    assert shown is not None
    assert (shown["from"], shown["price"]) == ("provider", None)
    assert "nothing was set of a model 'gpt-4o'" in failed(server, "forget", "gpt-4o")


@pytest.mark.parametrize(("kind", "piece"), [("image", "image"), ("video", "second")])
def test_what_is_sold_by_the_piece_gets_its_price(server: DevServer, kind: str, piece: str) -> None:
    asked = ("--provider", "near", "--kind", kind, f"--{piece}-price", "0.04")
    assert command(server, "set", "piece", *asked)["price"] == {piece: "0.04"}
    shown = one(server, "piece")
    assert shown is not None
    assert (shown["kind"], shown["price"]) == (kind, {piece: "0.04"})
    command(server, "forget", "piece")


def test_a_model_is_added_by_hand_and_forgotten(server: DevServer) -> None:
    asked = ("--provider", "near", "--upstream", "gpt-4o", "--alias", "m", "--alias", "mein/modell")
    row = command(server, "set", "mine", *asked, "--kind", "chat", "--context-tokens", "500")
    assert row["candidates"] == [{"provider": "near", "model": "gpt-4o"}]
    shown = one(server, "mine")
    assert shown is not None
    assert (shown["from"], shown["aliases"], shown["context_tokens"]) == ("hand", ["m", "mein/modell"], 500)
    assert chat(server, "mein/modell").model == "mein/modell"
    done = sluice("models", "forget", "mine", "--local", directory=server.directory)
    assert (done.returncode, done.stdout) == (0, "mine is forgotten.\n")
    assert one(server, "mine") is None
    with pytest.raises(openai.NotFoundError):
        chat(server, "mein/modell")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("mini", "--input-price", "1"), "'mini' is in the catalogue file: change it there"),
        (("near/mini", "--input-price", "1"), "'near/mini' is in the catalogue file: change it there"),
        (("new", "--input-price", "1"), "there is no model 'new': say with --provider who serves it"),
        (("new", "--provider", "none"), "has no provider 'none'; there are: near, absent"),
        (("new", "--provider", "near", "--alias", "near/mini"), "'near/mini' is a name of 'mini' already"),
        (("new", "--provider", "near", "--alias", "gpt-4o"), "'gpt-4o' is a name of 'gpt-4o' already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_explained_and_changes_nothing(
    server: DevServer, arguments: tuple[str, ...], complaint: str
) -> None:
    before = listed(server)
    assert complaint in failed(server, "set", *arguments)
    assert listed(server) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("set", "gpt-4o", "--local"), "say what is to be set"),
        (("set", "gpt-4o", "--input-price", "-1", "--local"), "is no price"),
        (("set", "gpt-4o", "--input-price", "cheap", "--local"), "is no price"),
        (("set", "gpt-4o", "--input-price", "NaN", "--local"), "is no price"),
        (("set", "gpt-4o", "--upstream", "x", "--local"), "goes with --provider"),
        (("set", "gpt-4o", "--kind", "telepathy", "--local"), "--kind"),
        (("set", "gpt-4o", "--context-tokens", "0", "--local"), "--context-tokens"),
        (("list",), "either --local or --stack"),
        (("forget", "x", "--local", "--stack", "y"), "either --local or --stack"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_explained_with_exit_code_2(
    server: DevServer, arguments: tuple[str, ...], complaint: str
) -> None:
    done = sluice("models", *arguments, directory=server.directory)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_deployed_stack_is_found_by_its_outputs(server: DevServer, tmp_path: Any) -> None:
    aws = {
        "AWS_ENDPOINT_URL": server.state.aws_endpoint,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": server.state.region,
        "SLUICE_CATALOG": str(server.directory / "catalog.toml"),
    }
    done = sluice("models", "list", "--json", "--stack", server.state.stack, directory=tmp_path, **aws)
    assert [row["id"] for row in json.loads(done.stdout)] == ["mini", "away", *FOUND]
