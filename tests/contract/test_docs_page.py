"""The documentation page in a real browser: all of the document, nothing from elsewhere, nothing refused."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from browser import chromium
from gateway_process import GatewayProcess
from local_stack import ROOT

DOCUMENT = json.loads((ROOT / "functions" / "docs" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
GROUPS = {
    tag
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    for tag in operation["tags"]
}
STAGE = "/live"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Visit:
    """A page, and what became of it: its requests, and what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(request.url))
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))

    def open(self, url: str) -> None:
        """Go there, and wait for the document to be shown."""
        self.page.goto(url)
        self.page.locator(".opblock").nth(len(OPERATIONS) - 1).wait_for()

    def shown(self) -> set[tuple[str, str]]:
        """Method and path of each operation on the page."""
        blocks = self.page.locator(".opblock-summary").all()
        return {
            (
                block.locator(".opblock-summary-method").inner_text(),
                block.locator(".opblock-summary-path").get_attribute("data-path") or "",
            )
            for block in blocks
        }


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    page = browser.new_page()
    page.set_default_timeout(60_000)  # a busy machine; only a failing test ever waits this long
    yield Visit(page)
    page.close()


def test_every_operation_is_shown_and_nothing_comes_from_elsewhere(
    visit: Visit, gateway: GatewayProcess
) -> None:
    visit.open(f"{gateway.url}/docs")
    assert visit.shown() == OPERATIONS
    assert visit.page.locator(".opblock").count() == len(OPERATIONS)
    groups = visit.page.locator(".opblock-tag-section").all()
    assert len(groups) == len(GROUPS)
    for group in groups:  # one of each: to open an operation takes seconds
        block = group.locator(".opblock").first
        block.locator(".opblock-summary-control").click()
        block.locator(".responses-table").first.wait_for()
        block.locator(".opblock-summary-control").click()
    assert {urlsplit(url).netloc for url in visit.requests if not url.startswith("data:")} == {
        urlsplit(gateway.url).netloc
    }
    assert visit.complaints == []


def test_a_request_can_be_tried_with_a_key(visit: Visit, gateway: GatewayProcess, key: str) -> None:
    visit.open(f"{gateway.url}/docs")
    page = visit.page
    page.locator(".btn.authorize").click()
    page.locator(".auth-container input").fill(key)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    block = page.locator("#operations-Chat-createChatCompletion")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    block.locator(".execute").click()
    assert block.locator(".live-responses-table .response-col_status").nth(1).inner_text().startswith("200")
    assert visit.requests[-1] == f"{gateway.url}/v1/chat/completions"
    assert visit.complaints == []


def test_it_works_below_a_stage(visit: Visit, gateway: GatewayProcess) -> None:
    """API Gateway puts the stage before each path; here the browser's requests are brought past it."""
    visit.page.route(
        f"**{STAGE}/**", lambda route: route.continue_(url=route.request.url.replace(STAGE, "", 1))
    )
    visit.open(f"{gateway.url}{STAGE}/docs")
    block = visit.page.locator("#operations-Gateway-health")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    block.locator(".execute").click()
    assert block.locator(".live-responses-table .response-col_status").nth(1).inner_text().startswith("200")
    assert {urlsplit(url).path for url in visit.requests if not url.startswith("data:")} == {
        f"{STAGE}/{name}"
        for name in (
            "docs",
            "docs/swagger-ui.css",
            "docs/swagger-ui-bundle.js",
            "docs/page.js",
            "openapi.json",
            "health",
        )
    }
