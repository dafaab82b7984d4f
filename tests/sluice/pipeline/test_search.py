"""Searching, with engines on a socket that speak their own wire formats, and fail in every way."""

import asyncio
import logging
import tomllib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from mock_search import ENGINES, SECRETS, MockSearch, Page
from sluice.api.chat_request import ChatCompletionRequest
from sluice.catalog import Catalog
from sluice.config import ConfigurationError
from sluice.credentials import Credential
from sluice.errors import (
    InvalidRequestError,
    OverloadedError,
    UnsupportedParameterError,
    UpstreamError,
)
from sluice.observability import logger
from sluice.pipeline.call import OutOfTimeError
from sluice.pipeline.search import Found, SearchPlan, planned, searched
from sluice.search.fence import MOST_BYTES, told
from sluice.upstream.client import HTTPUpstream, tls_context

pytestmark = pytest.mark.anyio

SECONDS = 20.0
"""More than a good engine here ever takes, however busy the machine."""
IN_VAIN_SECONDS = 1.0
"""For engines that never answer."""

NANO = 1_000_000
"""What the catalogues here have as a price: 0.001 USD."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def engines() -> Iterator[MockSearch]:
    with MockSearch() as mock:
        yield mock


@pytest.fixture
async def upstream() -> AsyncIterator[HTTPUpstream]:
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    yield client
    await client.close()


class Credentials:
    """Those of the mock's engines, without some, and broken for others."""

    def __init__(self, *, missing: str = "", failing: tuple[str, ...] = (), wrong: str = "") -> None:
        self._missing, self._failing, self._wrong = missing, failing, wrong

    async def get(self, name: str) -> Credential | None:
        if name in self._failing:
            raise OverloadedError("Secrets Manager throttles.")
        if name == self._wrong:
            raise ConfigurationError("the secret cannot be read")
        return None if name == self._missing else SECRETS[name]


def catalog(search: dict[str, Any]) -> Catalog:
    return Catalog.model_validate({"providers": {}, "search": search})


def rows(engines: MockSearch, *names: str, **members: Any) -> dict[str, Any]:
    """Rows of these engines at the mock."""
    tables = tomllib.loads(engines.catalog(*names))["search"]
    return {name: {**row, **members} for name, row in tables.items()}


def request(text: str = "What does everybody find here?", **members: Any) -> ChatCompletionRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "search_enabled": True, **members}
    return ChatCompletionRequest.model_validate(body)


async def plan(
    search: dict[str, Any],
    text: str = "What does everybody find here?",
    credentials: Credentials | None = None,
    *,
    bounded: bool = False,
) -> SearchPlan:
    found = await planned(catalog(search), credentials or Credentials(), request(text), bounded=bounded)
    assert found is not None
    return found


async def search(
    upstream: HTTPUpstream, made: SearchPlan, *, deadline: float = 60, seconds: float = SECONDS
) -> Found:
    clock = asyncio.get_running_loop().time
    return await searched(upstream, made, clock() + deadline, seconds)


class TestPlanned:
    @pytest.mark.parametrize("member", [False, None])
    async def test_nothing_where_nothing_is_asked_for(self, engines: MockSearch, member: bool | None) -> None:
        asked = request(search_enabled=member)
        assert await planned(catalog(rows(engines, "brave")), Credentials(), asked, bounded=True) is None

    @pytest.mark.parametrize(
        "search",
        [
            {},
            {"brave": {"kind": "brave", "enabled": False, "price": "0"}},
            {"brave": {"kind": "brave", "credential": "BRAVE_API_KEY"}},
        ],
    )
    async def test_without_an_engine_it_is_refused(self, search: dict[str, Any]) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            await plan(search, credentials=Credentials(missing="BRAVE_API_KEY"))
        assert caught.value.param == "search_enabled"

    async def test_all_that_are_set_up_are_asked(self, engines: MockSearch) -> None:
        search = rows(engines, *ENGINES)
        search["tavily"] |= {"base_url": "https://far.example"}
        made = await plan(search, credentials=Credentials(missing="TAVILY_API_KEY"))
        assert [asked.name for asked in made.engines] == [name for name in ENGINES if name != "tavily"]
        assert made.cost == 4 * NANO
        assert made.added_bytes == MOST_BYTES

    async def test_an_engine_on_this_machine_may_go_without_its_credential(self) -> None:
        row = {"kind": "searxng", "base_url": "http://127.0.0.1:8888", "credential": "BRAVE_API_KEY"}
        made = await plan({"own": row}, credentials=Credentials(missing="BRAVE_API_KEY"))
        assert made.engines[0].access.credential is None

    async def test_a_budget_needs_a_price(self, engines: MockSearch) -> None:
        search = rows(engines, "brave") | {"own": {"kind": "searxng", "base_url": engines.url}}
        assert (await plan(search)).cost == NANO
        with pytest.raises(UnsupportedParameterError, match="'own'") as caught:
            await plan(search, bounded=True)
        assert caught.value.param == "search_enabled"
        assert (await plan(search | {"own": {**search["own"], "price": "0"}}, bounded=True)).cost == NANO

    @pytest.mark.parametrize(
        "credentials", [Credentials(failing=("BRAVE_API_KEY",)), Credentials(wrong="BRAVE_API_KEY")]
    )
    async def test_a_credential_that_cannot_be_read_leaves_an_engine_out(
        self, engines: MockSearch, credentials: Credentials
    ) -> None:
        made = await plan(rows(engines, "brave", "tavily"), credentials=credentials)
        assert [asked.name for asked in made.engines] == ["tavily"]

    async def test_if_none_can_be_read_it_is_the_gateway_that_fails(self, engines: MockSearch) -> None:
        failing = Credentials(failing=("BRAVE_API_KEY", "TAVILY_API_KEY"))
        with pytest.raises(OverloadedError):
            await plan(rows(engines, "brave", "tavily"), credentials=failing)

    async def test_there_has_to_be_something_to_search_for(self, engines: MockSearch) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            await plan(rows(engines, "brave"), " ")
        assert caught.value.param == "search_enabled"


class TestSearched:
    async def test_all_engines_are_asked_at_once_and_merged(
        self, engines: MockSearch, upstream: HTTPUpstream
    ) -> None:
        text = "All of them at once, please"
        found = await search(upstream, await plan(rows(engines, *ENGINES), text))
        assert [len(engines.asked(name, text)) for name in ENGINES] == [1] * 5
        assert (found.searches, found.cost) == (5, 5 * NANO)
        assert found.sources[0].url == "https://common.example/page"
        assert [source.source for source in found.sources[1:6]] == [
            "Brave",
            "Tavily",
            "Google",
            "SearXNG",
            "DuckDuckGo",
        ]
        assert len(found.sources) == 8

    @pytest.mark.parametrize("name", ENGINES)
    async def test_each_alone(self, engines: MockSearch, upstream: HTTPUpstream, name: str) -> None:
        found = await search(upstream, await plan(rows(engines, name), f"What is {name} & co?"))
        assert [(source.url, source.text) for source in found.sources] == [
            (f"https://{name}.example/1", f"Number 1 of {name} & others."),
            ("https://common.example/page", f"All find it, {name} too."),
            (f"https://{name}.example/2", f"Number 2 of {name} & others."),
        ]
        assert found.members["search_result"][1] == {
            "url": "https://common.example/page",
            "context": f"All find it, {name} too.",
            "source_from": found.sources[1].source,
        }

    @pytest.mark.parametrize(
        "fault",
        ["busy", "broken", "hang", "half", "stall", "reset", "garbage", "huge", "moved", "denied", "riddle"],
    )
    async def test_a_failing_engine_is_done_without_and_not_paid(
        self, engines: MockSearch, upstream: HTTPUpstream, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = await plan(rows(engines, "brave", "tavily"), f"What becomes of brave={fault} here?")
        seconds = IN_VAIN_SECONDS if fault in ("hang", "stall") else SECONDS
        with caplog.at_level(logging.WARNING, logger=logger.name):
            found = await search(upstream, made, seconds=seconds)
        assert {source.source for source in found.sources} == {"Tavily"}
        assert (found.searches, found.cost) == (1, NANO)
        assert not engines.asked("elsewhere")
        lines = [record.getMessage() for record in caplog.records]
        assert [line for line in lines if "search engine brave failed" in line]
        for secret in (*SECRETS.values(), "What becomes of", "secret-key-of-the-operator"):
            assert not [line for line in lines if secret in line]

    async def test_an_engine_that_is_not_there(self, engines: MockSearch, upstream: HTTPUpstream) -> None:
        search_rows = rows(engines, "brave", "tavily")
        search_rows["brave"]["base_url"] = "http://127.0.0.1:9"
        found = await search(upstream, await plan(search_rows))
        assert found.searches == 1

    @pytest.mark.parametrize("fault", ["broken", "hang", "reset", "garbage", "denied"])
    async def test_if_all_fail_it_fails(
        self, engines: MockSearch, upstream: HTTPUpstream, fault: str
    ) -> None:
        made = await plan(rows(engines, "brave", "searxng"), f"What becomes of all={fault} here?")
        with pytest.raises(UpstreamError, match="no search engine answered") as caught:
            await search(upstream, made, seconds=IN_VAIN_SECONDS if fault == "hang" else SECONDS)
        assert caught.value.status == 502

    async def test_if_all_are_busy_it_is_tried_later(
        self, engines: MockSearch, upstream: HTTPUpstream
    ) -> None:
        made = await plan(rows(engines, "brave", "tavily"), "What if all=busy then?")
        with pytest.raises(OverloadedError) as caught:
            await search(upstream, made)
        assert caught.value.retry_after == 3

    async def test_the_request_s_own_time_counts(self, engines: MockSearch, upstream: HTTPUpstream) -> None:
        made = await plan(rows(engines, "brave"), "What if all=hang then?")
        with pytest.raises(OutOfTimeError):
            await search(upstream, made, deadline=0.05)

    async def test_nothing_found_is_no_failure(self, engines: MockSearch, upstream: HTTPUpstream) -> None:
        found = await search(upstream, await plan(rows(engines, *ENGINES), "What of all=nothing then?"))
        assert found.members == {"search_result": []}
        assert (found.searches, found.cost) == (5, 5 * NANO)
        (message,) = found.told(request("What?")).messages
        assert message.content == told([], "") + "What?"

    async def test_whoever_is_asked_in_vain_is_let_go(
        self, engines: MockSearch, upstream: HTTPUpstream
    ) -> None:
        text = "Who waits for all=hang in the end?"
        task = asyncio.create_task(search(upstream, await plan(rows(engines, "brave", "tavily"), text)))
        asked = [
            await asyncio.to_thread(engines.wait_until_asked, name, text) for name in ("brave", "tavily")
        ]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for received in asked:
            assert await asyncio.to_thread(received.client_left.wait, 5)

    async def test_each_search_has_a_boundary_of_its_own(
        self, engines: MockSearch, upstream: HTTPUpstream
    ) -> None:
        made = await plan(rows(engines, "brave"))
        one, other = await search(upstream, made), await search(upstream, made)
        assert one.boundary != other.boundary
        assert len(one.boundary) == 32

    async def test_what_is_told_is_what_the_client_gets(
        self, engines: MockSearch, upstream: HTTPUpstream
    ) -> None:
        engines.pages["tavily"] = [
            Page(f"https://tavily.example/{number}?{'x' * 400}", "t" * 300, "word " * 1000)
            for number in range(15)
        ]
        made = await plan(rows(engines, "tavily"), "Which of those many pages fit here?")
        found = await search(upstream, made)
        (message,) = found.told(request("Which?")).messages
        assert isinstance(message.content, str)
        assert len(message.content.encode()) <= made.added_bytes + len("Which?")
        rows_ = found.members["search_result"]
        assert 0 < len(rows_) < 8
        for number, row in enumerate(rows_, 1):
            assert f"[{number}] page: {row['url']}\n" in message.content
            assert row["context"] in message.content
