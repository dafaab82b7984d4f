"""``sluice dev`` from its start to its end."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev_server import DevServer, environment, sluice, stops_listening
from local_stack import botocore_client
from mock_provider import MockProvider

CHAT = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": "Hello!"}]}

CATALOG = """
[providers.one]
kind = "openai"
base_url = "{url}"
credential = "ONE_KEY"
discover = false

[[models]]
id = "one-model"
candidates = [{{ provider = "one", model = "gpt-4o-mini" }}]
"""


@pytest.fixture
def provider() -> Iterator[MockProvider]:
    with MockProvider("sk-upstream") as mock:
        yield mock


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with DevServer(tmp_path_factory.mktemp("dev")) as running:
        yield running


@pytest.fixture
def client(server: DevServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.state.url, trust_env=False, timeout=30) as found:
        yield found


def test_it_is_ready_when_it_says_so(client: httpx.Client) -> None:
    assert client.get("/health").status_code == 200


def test_the_greeting_names_address_key_and_providers(server: DevServer) -> None:
    assert server.state.url in server.greeting
    assert "demo (needs no key)" in server.greeting
    assert "openai (set OPENAI_API_KEY)" in server.greeting


def test_the_curl_line_works_as_pasted(server: DevServer) -> None:
    command = server.greeting[server.greeting.index("curl") : server.greeting.index("\n\nOr in")]
    done = subprocess.run(
        ["sh", "-c", command], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("data: ") > 3
    assert done.stdout.rstrip().endswith("data: [DONE]")


def test_the_python_snippet_works_as_pasted(server: DevServer) -> None:
    snippet = server.greeting[server.greeting.index("from openai") :]
    done = subprocess.run(
        [sys.executable, "-c", snippet],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 1


def test_a_stream_comes_word_by_word(server: DevServer, client: httpx.Client) -> None:
    headers = {"authorization": f"Bearer {server.key}"}
    with client.stream("POST", "/v1/chat/completions", json=CHAT, headers=headers) as response:
        arrivals = [time.monotonic() for _ in response.iter_raw()]
    assert response.status_code == 200
    assert len(arrivals) > 3
    assert arrivals[-1] - arrivals[0] > 0.05


def test_all_aliases_lead_to_the_chat(server: DevServer, client: httpx.Client) -> None:
    headers = {"authorization": f"Bearer {server.key}"}
    for path in ("/v1/chat/completions", "/v1/chat", "/api/v1/chat", "/api/v1/chat/completions"):
        assert client.post(path, json=CHAT | {"stream": False}, headers=headers).status_code == 200
        assert client.get(path, headers=headers).status_code == 405


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/chat/completions/x", "/v2/chat"])
def test_an_unknown_path_is_an_enveloped_404(client: httpx.Client, path: str) -> None:
    response = client.get(path, headers={"authorization": "Bearer x"})
    assert response.status_code == 404
    assert response.headers["x-request-id"]
    assert response.json()["error"] == {
        "message": "Nothing lives at this path.",
        "type": "invalid_request_error",
        "param": None,
        "code": "not_found",
    }


def test_replies_do_not_name_the_server(client: httpx.Client) -> None:
    assert "server" not in client.get("/health").headers


def test_its_state_tells_the_command_where_everything_is(server: DevServer) -> None:
    written = json.loads((server.state_directory / "dev.json").read_text())
    assert written["pid"] == server.process.pid
    tables = botocore_client(server.state.endpoint, "dynamodb").list_tables()["TableNames"]
    assert sorted(written["tables"].values()) == sorted(tables)
    assert server.key not in json.dumps(written)


def test_a_second_server_for_the_same_state_is_refused(server: DevServer) -> None:
    done = sluice("dev", directory=server.directory, PORT="0")
    assert done.returncode == 1
    assert done.stderr == (
        f"sluice: a development server is running already at {server.state.url} (process {server.process.pid}); "
        "sluice dev --state DIR runs another\n"
    )
    assert (server.state_directory / "dev.json").exists()


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = sluice("dev", directory=tmp_path, PORT=port)
    assert done.returncode == 1
    assert f"port {port} cannot be had" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".sluice" / "dev.json").exists()


def test_what_is_no_port_is_refused(tmp_path: Path) -> None:
    for done in (
        sluice("dev", directory=tmp_path, PORT="abc"),
        sluice("dev", "--port", "65536", directory=tmp_path),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert "is not a port: 0 to 65535" in done.stderr


def test_the_help_names_each_command_in_full(tmp_path: Path) -> None:
    done = sluice("--help", directory=tmp_path)
    _, _, commands = done.stdout.partition("Commands:")
    assert "dev " in commands
    assert "..." not in commands


@pytest.mark.parametrize(
    ("content", "named"),
    [("nonsense", "catalog.toml"), ('models = []\n[providers.one]\nkind = "opneai"\n', "'opneai'")],
    ids=["no TOML", "no such kind"],
)
def test_a_catalogue_that_is_wrong_is_named_and_leaves_nothing(
    tmp_path: Path, content: str, named: str
) -> None:
    (tmp_path / "catalog.toml").write_text(content)
    done = sluice("dev", directory=tmp_path, PORT="0", SLUICE_CATALOG="catalog.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sluice: ")
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".sluice" / "dev.json").exists()


def test_an_origin_that_is_none_is_named(tmp_path: Path) -> None:
    done = sluice("dev", directory=tmp_path, PORT="0", SLUICE_CORS_ORIGINS="https://app.example.com/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sluice: SLUICE_CORS_ORIGINS: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_leaves_nothing(tmp_path: Path, by: signal.Signals) -> None:
    with DevServer(tmp_path) as server:
        code, _ = server.stop(by)
        assert code == 0
        assert server.log.read_text() == ""
        assert list(server.state_directory.iterdir()) == []
        assert stops_listening(server.state.url, 1)
        assert stops_listening(server.state.aws_endpoint, 1)


def test_killed_it_takes_its_aws_with_it_and_the_next_one_starts(tmp_path: Path) -> None:
    with DevServer(tmp_path) as server:
        server.stop(signal.SIGKILL)
        assert stops_listening(server.state.aws_endpoint)
        done = server.keys("list")
        assert done.returncode == 1
        assert "does not answer" in done.stderr
    with DevServer(tmp_path) as server:
        assert server.keys("list").returncode == 0


def test_a_stream_in_flight_may_end_before_the_server_does(tmp_path: Path) -> None:
    with DevServer(tmp_path) as server:
        headers = {"authorization": f"Bearer {server.key}"}
        url = f"{server.state.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=CHAT, headers=headers, trust_env=False) as response:
            lines = response.iter_lines()
            first = next(lines)
            server.process.send_signal(signal.SIGTERM)
            rest = list(lines)
        assert first.startswith("data: ")
        assert "data: [DONE]" in rest
        assert server.process.wait(30) == 0


def test_told_twice_it_ends_what_waits_for_a_provider_and_still_cleans_up(
    tmp_path: Path, provider: MockProvider
) -> None:
    (tmp_path / "catalog.toml").write_text(CATALOG.format(url=provider.url))
    settings = {"SLUICE_CATALOG": "catalog.toml", "ONE_KEY": provider.credential}
    case = provider.case("stalled")
    body = CHAT | {"model": "one-model", "user": case.user}
    with DevServer(tmp_path, settings) as server:
        headers = {"authorization": f"Bearer {server.key}"}
        url = f"{server.state.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, headers=headers, trust_env=False, timeout=30) as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: "))
            next(lines)
            server.process.send_signal(signal.SIGINT)
            assert server.line() == "Waiting up to 10 s for 1 request to end; Ctrl-C again ends it now.\n"
            told = time.monotonic()
            server.process.send_signal(signal.SIGINT)
            *_, last = lines
        code, output = server.stop()
        assert time.monotonic() - told < 5
        assert (code, server.log.read_text()) == (0, "")
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "overloaded"
        request_id = response.headers["x-request-id"]
        assert [line for line in output.splitlines() if "is cut off" in line and request_id in line]
        assert "Traceback" not in output
        assert case.arrived().client_left.wait(5)
        assert list(server.state_directory.iterdir()) == []
        assert stops_listening(server.state.aws_endpoint, 1)


def test_told_to_end_while_it_starts_it_leaves_nothing(tmp_path: Path) -> None:
    server = DevServer(tmp_path)
    while not server.state_directory.exists():
        time.sleep(0.01)
    code, output = server.stop()
    assert (code, output) == (0, "")
    assert server.log.read_text() == ""
    assert list(server.state_directory.iterdir()) == []


def test_a_client_has_its_requests_of_a_minute_whatever_it_asks_for_and_calls_itself(tmp_path: Path) -> None:
    with DevServer(tmp_path, {"SLUICE_IP_RPM": "8"}) as server, httpx.Client(trust_env=False) as client:
        bearer = {"authorization": f"Bearer {server.key}"}
        asked = [
            ("GET", "/health", {}),
            ("GET", "/v1/models", {}),
            ("GET", "/v1/models/none", {}),
            ("DELETE", "/health", {}),
            ("GET", "/v1/chat", {}),
            ("POST", "/v1/chat", {}),
            ("POST", "/v1/chat/completions", bearer),
            ("POST", "/api/v1/chat", bearer),
        ]
        statuses: list[list[int]] = []
        for turn in range(2):
            statuses.append([])
            for number, (method, path, headers) in enumerate(asked):
                address = f"192.0.2.{turn * 10 + number}"
                lies = {"x-forwarded-for": address, "forwarded": f"for={address}", "x-real-ip": address}
                url, body = f"{server.state.url}{path}", CHAT if method == "POST" else None
                response = client.request(method, url, json=body, headers=headers | lies, timeout=30)
                statuses[-1].append(response.status_code)
        assert statuses == [[200, 200, 404, 405, 405, 401, 200, 200], [429] * 8]
        assert response.json()["error"]["code"] == "rate_limit_exceeded"
        assert 0 < int(response.headers["retry-after"]) <= 70
        # What API Gateway answers by itself counts for nobody.
        assert client.get(f"{server.state.url}/nowhere").status_code == 404


def test_each_request_is_one_line_for_a_person_without_keys(tmp_path: Path) -> None:
    with DevServer(tmp_path, {"OPENAI_API_KEY": "sk-provider-secret"}) as server:
        headers = {"authorization": f"Bearer {server.key}"}
        httpx.post(f"{server.state.url}/v1/chat", json=CHAT, headers=headers, trust_env=False, timeout=30)
        httpx.get(f"{server.state.url}/v1/models", trust_env=False)
        httpx.get(f"{server.state.url}/v1/nothing", trust_env=False)
        _, output = server.stop()
        chat, models, nothing = [line for line in output.splitlines() if "/v1/" in line]
    assert "POST /v1/chat 200" in chat
    assert "GET /v1/models 200" in models
    assert "GET /v1/nothing 404" in nothing
    assert server.key not in output
    assert "sk-provider-secret" not in server.greeting + output + server.log.read_text()
