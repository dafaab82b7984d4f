"""A running gateway: ``sluice dev`` in a process of its own, over a catalogue that names the mock provider."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import httpx

import forked_command
from mock_provider import EMBEDDING_MODEL, TEXT_MODEL

SLUICE = Path(sys.executable).with_name("sluice")
START_SECONDS = 60
STOP_SECONDS = 20
USAGE_SECONDS = 20
"""How long adding up may take before a test has failed."""

TIMEOUT_SECONDS = 3.0
STREAM_TIMEOUT_SECONDS = 4.0
KEEP_ALIVE_SECONDS = 0.3
KEY_CACHE_SECONDS = 0.5
"""Short, so that time-outs, comments and revocations can be waited for; long enough for a busy machine."""

CATALOG = """\
[providers.openai]
kind = "openai"
base_url = "{upstream}"
credential = "OPENAI_API_KEY"

[providers.unreachable]
kind = "openai"
base_url = "http://127.0.0.1:{closed_port}/v1"
credential = "OPENAI_API_KEY"

[providers.demo]
kind = "demo"

[[models]]
id = "demo"
kind = "chat"
candidates = [{{ provider = "demo", model = "demo" }}]
context_tokens = 128000
output_tokens = 16384
price = {{ input = "0", cached_input = "0", output = "0" }}
capabilities = ["tools", "vision", "json_schema"]

[[models]]
id = "demo-embedding"
kind = "embedding"
candidates = [{{ provider = "demo", model = "demo-embedding" }}]
context_tokens = 128000
price = {{ input = "0" }}

[[models]]
id = "demo-image"
kind = "image"
candidates = [{{ provider = "demo", model = "demo-image" }}]
price = {{ image = "0" }}

[[models]]
id = "demo-video"
kind = "video"
candidates = [{{ provider = "demo", model = "demo-video" }}]
price = {{ second = "0" }}
seconds = [4, 1, 2, 8, 12]
"""

MODEL = """
[[models]]
id = "{name}"
aliases = ["openai/{name}"]
kind = "chat"
candidates = [{{ provider = "{provider}", model = "{name}" }}]
context_tokens = 128000
output_tokens = 16384
price = {{ input = "0.15", cached_input = "0.075", output = "0.60" }}
capabilities = ["tools", "vision", "json_schema", "logprobs"]
"""

OTHER_MODELS = """
[[models]]
id = "{completion}"
kind = "completion"
candidates = [{{ provider = "openai", model = "{completion}" }}]
context_tokens = 4096
output_tokens = 4096
price = {{ input = "1.50", output = "2.00" }}
capabilities = ["logprobs"]

[[models]]
id = "{both}"
kind = "chat"
candidates = [{{ provider = "openai", model = "{both}" }}]
context_tokens = 128000
price = {{ input = "0.15", output = "0.60" }}
capabilities = ["logprobs", "completions"]

[[models]]
id = "{embedding}"
kind = "embedding"
candidates = [{{ provider = "openai", model = "{embedding}" }}]
context_tokens = 8192
price = {{ input = "0.02" }}
capabilities = ["dimensions"]
"""

JOB_MODELS = """
[[models]]
id = "{image}"
aliases = ["flux-1-dev"]
kind = "image"
candidates = [{{ provider = "demo", model = "demo-image" }}]
price = {{ image = "0.04" }}

[[models]]
id = "{video}"
kind = "video"
candidates = [{{ provider = "demo", model = "demo-video" }}]
price = {{ second = "0.1" }}
seconds = [1, 4]
"""
"""Drawn and filmed by the demo provider, but with a price."""

MODELS = ("gpt-4o-mini", "gpt-4o", "deepseek-reasoner", "gemini-2.5-flash")
UNREACHABLE = "unreachable-model"
DEMO_MODELS = ("demo", "demo-embedding", "demo-image", "demo-video")
IMAGE_MODEL = "black-forest-labs/FLUX.1-dev"
VIDEO_MODEL = "KumoAnonymous/KumoVideo-Turbo"
BOTH_WAYS = "chat-with-completions"
"""A chat model that its provider also takes at its completions endpoint."""

ALL_MODELS = (
    *(*DEMO_MODELS, *MODELS, UNREACHABLE, TEXT_MODEL, BOTH_WAYS, EMBEDDING_MODEL),
    *(IMAGE_MODEL, VIDEO_MODEL),
)
"""In the order of the catalogue."""

_numbers = itertools.count(1)


def catalog(upstream: str, closed_port: int, models: str | None = None) -> str:
    """The catalogue as TOML."""
    if models is not None:
        return CATALOG.format(upstream=upstream, closed_port=closed_port) + models
    rows = [MODEL.format(name=name, provider="openai") for name in MODELS]
    rows.append(MODEL.format(name=UNREACHABLE, provider="unreachable"))
    rows.append(OTHER_MODELS.format(completion=TEXT_MODEL, both=BOTH_WAYS, embedding=EMBEDDING_MODEL))
    rows.append(JOB_MODELS.format(image=IMAGE_MODEL, video=VIDEO_MODEL))
    return CATALOG.format(upstream=upstream, closed_port=closed_port) + "".join(rows)


class GatewayProcess:
    """``sluice dev`` and the keys made for it; a context manager that runs it while it is open.

    Args:
        state: an empty folder for all that the gateway keeps.
        upstream: base URL of the provider.
        credential: the provider's key.
        more: further rows of the catalogue, as TOML.
        secrets: further credentials, by their variables.
        models: rows of the catalogue in the place of the usual ones.
        settings: variables in the place of the usual ones. Nothing is asked again unless they say so.
    """

    def __init__(
        self,
        state: Path,
        upstream: str,
        credential: str,
        *,
        more: str = "",
        secrets: Mapping[str, str] = MappingProxyType({}),
        models: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.state = state
        self.secrets: list[str] = []
        """Every key that was ever issued, in the clear."""
        self.details: dict[str, Any] = {}
        """What the running server says about itself."""
        self._output = state / "output.txt"
        # Bound but not listening: connections to it are refused, and nobody else can take the port.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        self._catalog = state / "catalog.toml"
        self._catalog.write_text(catalog(upstream, self._closed.getsockname()[1], models) + more)
        self._environment = {
            name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ
        } | {
            "PORT": "0",
            "OPENAI_API_KEY": credential,
            "PYTHONUNBUFFERED": "1",
            "SLUICE_CATALOG": str(self._catalog),
            "SLUICE_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
            "SLUICE_STREAM_TIMEOUT_SECONDS": str(STREAM_TIMEOUT_SECONDS),
            "SLUICE_KEEP_ALIVE_SECONDS": str(KEEP_ALIVE_SECONDS),
            "SLUICE_KEY_CACHE_SECONDS": str(KEY_CACHE_SECONDS),
            "SLUICE_IP_RPM": "0",  # all tests come from one address
            **secrets,
            "SLUICE_RETRIES": "0",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [SLUICE, "dev", "--state", self.state],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._await_readiness()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def url(self) -> str:
        """The gateway's address, without a path."""
        return str(self.details["url"]).rstrip("/")

    @property
    def output(self) -> str:
        """All it has printed so far."""
        return self._output.read_text(errors="replace")

    def create_key(self, *options: str) -> dict[str, Any]:
        """``sluice keys create``: the record with the secret under ``key``."""
        record: dict[str, Any] = self.keys("create", "--name", f"contract {next(_numbers)}", *options)
        self.secrets.append(record["key"])
        return record

    def rotate_key(self, key_id: str, *options: str) -> dict[str, Any]:
        """``sluice keys rotate``: the record with the new secret under ``key``."""
        record: dict[str, Any] = self.keys("rotate", key_id, *options)
        self.secrets.append(record["key"])
        return record

    def keys(self, command: str, *arguments: str) -> Any:
        """``sluice keys <command>`` against this gateway; what it prints, parsed."""
        return self.sluice("keys", command, *arguments)

    def usage(self, *arguments: str, until: Callable[[list[Any]], object]) -> list[Any]:
        """``sluice usage``, as soon as the ledger is added up so far that ``until`` is content."""
        deadline = time.monotonic() + USAGE_SECONDS
        while not until(rows := self.sluice("usage", *arguments)):
            assert time.monotonic() < deadline, rows
        return list(rows)

    def sluice(self, *arguments: str) -> Any:
        """The command, against this gateway; what it prints, parsed."""
        done = forked_command.sluice(
            *arguments, "--local", "--json", "--state", self.state, environment=self._environment
        )
        assert done.returncode == 0, f"sluice {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"sluice dev ended:\n{self.output}"
            if self._is_ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"sluice dev was not ready in {START_SECONDS} s:\n{self.output}")

    def _is_ready(self) -> bool:
        try:
            self.details = json.loads((self.state / "dev.json").read_text())
            return httpx.get(f"{self.url}/health", trust_env=False).status_code == 200
        except (OSError, ValueError, httpx.TransportError):
            return False

    def _stop(self) -> None:
        self._closed.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"sluice dev did not end on SIGTERM:\n{self.output}") from None
