"""CPU time of a warm request, without a server and without a client: the application is called as ASGI.

The provider is a process of its own on the loopback, so its CPU time is not counted; the key lies in the cache, as it
does for all but the first request of a key in some seconds, so no AWS call is made.
"""

import subprocess
import sys

from tests.bench.site import ROOT, run

WARM = """
import asyncio, json, logging, sys, time
import app
from sluice.keys import digest_of
from sluice.observability import logger
from sluice.stores.keys import KeyRecord

SECRET = "sk-" + "x" * 48
RECORD = KeyRecord(digest=digest_of(SECRET), id="key_bench", name="bench", owner="bench", prefix="sk-xxxx", plan="custom",
                   active=True, created_at=0, last_used_at=int(time.time()) + 10_000)
logger.registered_handler.setStream(open("/dev/null", "w"))

async def ask(body):
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    async def receive():
        return messages.pop() if messages else await asyncio.Event().wait()
    async def send(message):
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
    await app.app({"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"",
                   "headers": [(b"authorization", b"Bearer " + SECRET.encode())]}, receive, send)

async def main():
    app.app.parts.keys._known.put(RECORD.digest, RECORD, time.monotonic())
    for turns, stream in ((1, False), (20, False), (1, True)):
        turn = {"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 4}
        body = json.dumps({"model": "bench", "messages": [turn] * turns, "temperature": 1, "stream": stream}).encode()
        for _ in range(100):
            await ask(body)
        start = time.process_time()
        for _ in range(500):
            await ask(body)
        print(turns, "stream" if stream else "whole", (time.process_time() - start) * 1e3 / 500)

asyncio.run(main())
"""


def measure() -> None:
    """Print CPU milliseconds of a request, whole and streamed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.provider"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as provider:
        try:
            assert provider.stdout is not None
            url = provider.stdout.readline().strip()
            catalog = ROOT / ".cache" / "bench-catalog.toml"
            catalog.write_text(
                f'[providers.bench]\nkind = "openai"\nbase_url = "{url}"\n'
                '[[models]]\nid = "bench"\ncandidates = [{ provider = "bench", model = "bench" }]\n',
                encoding="utf-8",
            )
            lines = run(
                WARM, SLUICE_CATALOG=str(catalog), SLUICE_KEY_CACHE_SECONDS="3600"
            ).stdout.splitlines()
        finally:
            provider.terminate()
    print("warm request, CPU ms (mean of 500, one after the other; provider over HTTP on the loopback)")
    for line in lines:
        turns, kind, milliseconds = line.split()
        reply = "streamed, 20 chunks" if kind == "stream" else "whole"
        print(f"  {turns:>2} message(s), reply {reply:20} {float(milliseconds):6.2f}")
