"""The docs function as Lambda runs it: Mangum's handler, fed with the sample events."""

import asyncio
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_stack import ROOT

FOLDER = ROOT / "functions" / "docs"
EVENTS = ROOT / "events" / "docs"
PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Of what a function gives back, in bytes."""

type Handler = Callable[[Any, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    loop = asyncio.new_event_loop()  # Mangum runs on the thread's own
    asyncio.set_event_loop(loop)
    spec = importlib.util.spec_from_file_location("docs_app", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_COUNTERS_TABLE", "none")
        patch.setenv("SLUICE_IP_RPM", "0")
        yield module.handler
        loop.run_until_complete(module.app.parts.close())
    asyncio.set_event_loop(None)
    loop.close()


def event(name: str, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")) | members
    return found


def answer(handler: Handler, asked: dict[str, Any]) -> dict[str, Any]:
    reply = handler(asked, None)
    assert reply["headers"]["x-request-id"].startswith("req_")
    assert reply["isBase64Encoded"] is False, "API Gateway is not told of binary types"
    assert len(json.dumps(reply).encode()) < PAYLOAD_LIMIT
    return reply


def test_the_document_is_the_file(handler: Handler) -> None:
    reply = answer(handler, event("document"))
    assert (reply["statusCode"], reply["headers"]["content-type"]) == (200, "application/json")
    assert reply["body"] == (FOLDER / "openapi.json").read_text(encoding="utf-8")
    assert reply["headers"]["cache-control"] == "public, max-age=0"


def test_the_page_runs_its_own_scripts_only(handler: Handler) -> None:
    reply = answer(handler, event("page"))
    assert (reply["statusCode"], reply["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(
        part.strip().split(" ", 1) for part in reply["headers"]["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in reply["headers"]["content-security-policy"]
    assert not re.search(r"<script>|<style>| on\w+=", reply["body"])


def test_all_that_the_page_refers_to_is_there_and_relative(handler: Handler) -> None:
    """A stage has a path of its own, which an address from the root on would leave out."""
    page = answer(handler, event("page"))["body"]
    referred = re.findall(r'(?:src|href)="([^"]+)"', page)
    files = [name for name in referred if not name.startswith("data:")]
    assert {"openapi.json", "docs/page.js", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js"} == set(files)
    for name in files:
        asked = (
            event("document")
            if name == "openapi.json"
            else event("file", path=f"/{name}", pathParameters={"file": name.removeprefix("docs/")})
        )
        assert answer(handler, asked)["statusCode"] == 200


@pytest.mark.parametrize("name", ["document", "page", "file"])
def test_a_client_that_has_the_newest_is_told_so(handler: Handler, name: str) -> None:
    first = answer(handler, event(name))
    tag = first["headers"]["etag"]
    for kept in (tag, f'W/{tag}, "other"', "*"):
        asked = event(name, headers={"If-None-Match": kept}, multiValueHeaders=None)
        reply = answer(handler, asked)
        assert (reply["statusCode"], reply["body"]) == (304, "")
        assert reply["headers"]["etag"] == tag
    other = event(name, headers={"If-None-Match": '"other"'}, multiValueHeaders=None)
    assert answer(handler, other)["statusCode"] == 200


@pytest.mark.parametrize("name", ["document", "page", "file"])
def test_a_browser_takes_each_for_what_it_is(handler: Handler, name: str) -> None:
    reply = answer(handler, event(name))
    assert reply["headers"]["x-content-type-options"] == "nosniff"
    assert answer(handler, event(name, httpMethod="HEAD"))["body"] == ""


def test_the_librarys_file_names_its_licences(handler: Handler) -> None:
    script = answer(handler, event("file"))["body"]
    named = re.match(r"/\*! For license information please see (\S+) \*/", script)
    assert named is not None
    asked = event("file", path=f"/docs/{named[1]}", pathParameters={"file": named[1]})
    assert "license" in answer(handler, asked)["body"].lower()


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "page.html", "", "redoc.standalone.js"])
def test_nothing_else_can_be_had(handler: Handler, name: str) -> None:
    reply = answer(handler, event("unknown", path=f"/docs/{name}", pathParameters={"file": name}))
    assert reply["statusCode"] == 404
    assert json.loads(reply["body"])["error"]["code"] == "not_found"


def test_it_is_read_only(handler: Handler) -> None:
    reply = answer(handler, event("document", httpMethod="PUT"))
    assert reply["statusCode"] == 405
    assert "GET" in reply["headers"]["allow"]


def test_the_librarys_package_is_not_run(handler: Handler) -> None:
    answer(handler, event("page"))
    assert not {"drf_spectacular_sidecar", "django"} & sys.modules.keys()


def test_every_sample_event_is_used() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == {"document", "page", "file", "unknown"}
