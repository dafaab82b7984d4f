"""A page of another origin, in a real browser, uses the gateway as far as its origin may."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from browser import chromium
from dev_server import DevServer
from gateway_process import GatewayProcess

CHAT = "/v1/chat/completions"
BODY = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
ASK = """
async ([url, method, key, body]) => {
    const headers = {"content-type": "application/json", "x-stainless-lang": "js"};
    if (key !== null) headers.authorization = `Bearer ${key}`;
    let reply;
    try {
        reply = await fetch(url, {method, headers, body: body && JSON.stringify(body)});
    } catch (error) {
        return {failure: String(error)};
    }
    const parts = [];
    if (reply.body) {
        const decoder = new TextDecoder();
        for await (const part of reply.body) parts.push(decoder.decode(part, {stream: true}));
    }
    return {status: reply.status, headers: Object.fromEntries(reply.headers), parts, text: parts.join("")};
}
"""


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>page</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site() -> Iterator[str]:
    """The origin of a server of blank pages."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """Two origins that are neither each other's nor the gateway's."""
    with site() as first, site() as second:
        yield first, second


def page_of(browser: Browser, origin: str) -> Page:
    page = browser.new_page()
    page.goto(origin)
    return page


@pytest.fixture
def page(browser: Browser, origins: tuple[str, str]) -> Iterator[Page]:
    """A page of an origin that the gateway was never told of."""
    found = page_of(browser, origins[0])
    yield found
    found.close()


def asked(page: Page, url: str, key: str | None, body: Any = None, method: str = "POST") -> Any:
    return page.evaluate(ASK, [url, method, key, body])


def test_a_page_has_a_conversation(page: Page, gateway: GatewayProcess, key: str) -> None:
    reply = asked(page, gateway.url + CHAT, key, BODY)
    assert reply["status"] == 200, reply
    assert '"requestHash"' in reply["text"]
    assert reply["headers"]["x-request-id"].startswith("req_")
    assert int(reply["headers"]["x-ratelimit-remaining-requests"]) > 0


def test_a_page_gets_a_stream_as_it_comes(page: Page, gateway: GatewayProcess, key: str) -> None:
    reply = asked(page, gateway.url + CHAT, key, BODY | {"stream": True})
    assert reply["status"] == 200
    assert len(reply["parts"]) > 3
    assert reply["text"].endswith("data: [DONE]\n\n")
    assert reply["headers"]["x-request-id"].startswith("req_")


def test_a_page_reads_why_it_is_refused(page: Page, gateway: GatewayProcess) -> None:
    slow = str(gateway.create_key("--rpm", "1")["key"])
    for secret, expected, code in (
        (None, 401, "invalid_api_key"),
        (slow, 200, None),
        (slow, 429, "rate_limit_exceeded"),
    ):
        reply = asked(page, gateway.url + CHAT, secret, BODY)
        assert reply["status"] == expected
        assert reply["headers"]["x-request-id"]
        if code is not None:
            assert f'"code":"{code}"' in reply["text"]
    assert int(reply["headers"]["retry-after"]) > 0


def test_a_page_reads_the_catalogue_and_its_tag(page: Page, gateway: GatewayProcess) -> None:
    reply = asked(page, f"{gateway.url}/v1/models", None, method="GET")
    assert (reply["status"], reply["headers"]["etag"][0]) == (200, '"')


@pytest.fixture(scope="module")
def choosy(origins: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A gateway that lets pages of the first origin read its replies, and no others."""
    folder: Path = tmp_path_factory.mktemp("choosy")
    with DevServer(folder, {"SLUICE_CORS_ORIGINS": origins[0]}) as server:
        yield server


@pytest.mark.parametrize("stream", [False, True])
def test_an_origin_on_the_list_may_ask_and_another_may_not(
    browser: Browser, origins: tuple[str, str], choosy: DevServer, stream: bool
) -> None:
    url, body = choosy.state.url + CHAT, BODY | {"stream": stream}
    before = choosy.log.read_text().count(f"POST {CHAT}")
    mine, others = (page_of(browser, origin) for origin in origins)
    assert asked(others, url, choosy.key, body) == {"failure": "TypeError: Failed to fetch"}
    assert asked(others, f"{choosy.state.url}/v1/models", None, method="GET").keys() == {"failure"}
    assert choosy.log.read_text().count(f"POST {CHAT}") == before, "its preflight was refused"
    reply = asked(mine, url, choosy.key, body)
    assert (reply["status"], reply["headers"]["x-request-id"][:4]) == (200, "req_")
    mine.close()
    others.close()
