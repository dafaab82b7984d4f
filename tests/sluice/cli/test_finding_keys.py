"""sluice keys find, end to end against a running development server."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from dev_server import SLUICE, DevServer, environment


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        yield running


def find(server: DevServer, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLUICE, "keys", "find", "--local", *arguments],
        cwd=server.directory,
        env=environment(),
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def made(server: DevServer) -> Any:
    return json.loads(server.keys("create", "--name", "leaked", "--owner", "ann", "--json").stdout)


@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}\r\n\n"])
def test_a_secret_tells_its_key(server: DevServer, around: str) -> None:
    key = made(server)
    done = find(server, around.format(key["key"]), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["id"], found["owner"], found["state"]) == (key["id"], "ann", "active")
    assert key["key"] not in done.stdout


def test_one_that_was_rotated_or_revoked_does_so_too(server: DevServer) -> None:
    key = made(server)
    server.keys("rotate", key["id"])
    assert json.loads(find(server, key["key"], "--json").stdout)["id"] == key["id"]
    server.keys("revoke", key["id"])
    done = find(server, key["key"])
    assert key["id"] in done.stdout
    assert " revoked " in done.stdout


@pytest.mark.parametrize(
    "text",
    ["", "\n", "sk-" + "a" * 48, "x" * 10_000, "sk-\x1b[2J"],
    ids=["nothing", "a line", "unknown", "long", "escapes"],
)
def test_a_secret_of_no_key_is_told_without_it(server: DevServer, text: str) -> None:
    done = find(server, text)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "sluice: no key has this secret\n")


def test_it_does_not_wait_for_a_secret_where_it_is_said_wrong(server: DevServer) -> None:
    done = find(server, "", "--stack", "x")
    assert done.returncode == 2
