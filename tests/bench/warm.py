"""CPU time of a warm request, without a server and without a client: the application is called as ASGI.

The provider and DynamoDB are processes of their own on the loopback, so their CPU time is not counted. The key lies in
the cache, as it does for all but the first request of a key in some seconds. What limits and money add is measured in
the same run, against the same path with admission and settlement left out, and without the limit of addresses.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.site import ROOT, run

WARM = """
import asyncio, json, logging, statistics, sys, time
from contextlib import asynccontextmanager
import app
import sluice.pipeline.path as path
from sluice.accounting.counter import Counter, Hold
from sluice.accounting.windows import empty
from sluice.keys import digest_of
from sluice.observability import logger
from sluice.pipeline.admit import Admission
from sluice.pipeline.hold import Held
from sluice.pipeline.limits import limits_of
from sluice.stores.keys import KeyRecord

ROUNDS = 7
SECRET = "sk-" + "x" * 48
RECORD = KeyRecord(digest=digest_of(SECRET), id="key_bench", name="bench", owner="bench", prefix="sk-xxxx",
                   plan="enterprise", active=True, created_at=0, budget_nano_usd=10**15, budget_period="monthly")
COUNTER = Counter(empty(0), empty(0), empty(0), "2026-11", 0)
logger.registered_handler.setStream(open("/dev/null", "w"))

@asynccontextmanager
async def held_by_nobody(admitter, settler, key, demand, request_id, deadline):
    hold = Held(Admission(key, request_id, limits_of(key), Hold(0, 0, 0, "2026-11"), demand.full, COUNTER))
    yield hold
    hold.outcome()

async def ask(body):
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    async def receive():
        return messages.pop() if messages else await asyncio.Event().wait()
    async def send(message):
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
    await app.app({"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"",
                   "client": ("192.0.2.1", 1), "headers": [(b"authorization", b"Bearer " + SECRET.encode())]},
                  receive, send)

async def measured(body):
    start = time.process_time()
    for _ in range(100):
        await ask(body)
    return (time.process_time() - start) * 1e3 / 100

async def main():
    parts, limiter = app.app._open()
    parts.keys._known.put(RECORD.digest, RECORD, time.monotonic())
    held = path.held
    for turns, stream in ((1, False), (20, False), (1, True)):
        turn = {"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 4}
        body = json.dumps({"model": "bench", "messages": [turn] * turns, "temperature": 1, "stream": stream}).encode()
        variants = ((held_by_nobody, None), (held, None), (held, limiter))
        figures = [[], [], []]
        for _ in range(1 + ROUNDS):
            for (path.held, counted), found in zip(variants, figures):
                app.app._opened = parts, counted
                found.append(await measured(body))
        print(turns, "stream" if stream else "whole", *(statistics.median(found[1:]) for found in figures))

asyncio.run(main())
"""
CATALOG = """
[providers.bench]
kind = "openai"
base_url = "{url}"

[[models]]
id = "bench"
candidates = [{{ provider = "bench", model = "bench" }}]
context_tokens = 128000
output_tokens = 4096
price = {{ input = "0.15", cached_input = "0.075", output = "0.60" }}
"""


@contextmanager
def serving(module: str) -> Iterator[str]:
    """A module of this package as a server; the URL that it prints."""
    command = [sys.executable, "-m", f"tests.bench.{module}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def measure() -> None:
    """Print CPU milliseconds of a request, whole and streamed, with and without limits and money."""
    with serving("provider") as provider, serving("table") as table:
        catalog = ROOT / ".cache" / "bench-catalog.toml"
        catalog.write_text(CATALOG.format(url=provider), encoding="utf-8")
        lines = run(
            WARM,
            SLUICE_CATALOG=str(catalog),
            SLUICE_KEY_CACHE_SECONDS="3600",
            SLUICE_IP_RPM="1000000",
            AWS_ENDPOINT_URL=table,
        ).stdout.splitlines()
    print("warm request, CPU ms (median of 7 means of 100; provider and DynamoDB on the loopback)")
    print(
        f"  {'messages, reply':25} {'without':>8} {'admitted and settled':>24} {'its address counted too':>26}"
    )
    for line in lines:
        turns, kind, *figures = line.split()
        free, held, counted = map(float, figures)
        reply = "streamed in 20 chunks" if kind == "stream" else "whole"
        print(
            f"  {turns:>2}, {reply:21} {free:8.2f} {held:16.2f} ({held - free:+.2f}) {counted:18.2f} ({counted - free:+.2f})"
        )
