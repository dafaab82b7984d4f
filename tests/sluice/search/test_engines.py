"""Each engine's requests and replies, in its own wire format; the bodies are in recorded/."""

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import OverloadedError, UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.search.contract import SearchAccess, SearchResult
from sluice.search.failures import failure
from sluice.search.registry import MODULES, engine_of

RECORDED = Path(__file__).parent / "recorded"
SECRET = "secret-of-the-engine"


def recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def request(kind: str, count: int = 8, query: str = "who won & when?") -> UpstreamRequest:
    access = SearchAccess("https://engine.example/base/", SECRET, "017:cx")
    return engine_of(kind).search_request(query, access, count)


def asked(sent: UpstreamRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


class TestRequests:
    def test_brave(self) -> None:
        sent = request("brave", count=50)
        assert sent.method == "GET"
        assert urlsplit(sent.url).path == "/base/res/v1/web/search"
        assert sent.headers["x-subscription-token"] == SECRET
        assert asked(sent) == {
            "q": "who won & when?",
            "count": "20",
            "result_filter": "web",
            "text_decorations": "false",
        }

    def test_tavily(self) -> None:
        sent = request("tavily")
        assert sent.method == "POST"
        assert sent.url == "https://engine.example/base/search"
        assert sent.headers["authorization"] == f"Bearer {SECRET}"
        assert json.loads(sent.body) == {
            "query": "who won & when?",
            "max_results": 8,
            "search_depth": "basic",
        }

    def test_google(self) -> None:
        sent = request("google", count=50)
        assert sent.method == "GET"
        assert urlsplit(sent.url).path == "/base/customsearch/v1"
        assert asked(sent) == {"key": SECRET, "cx": "017:cx", "q": "who won & when?", "num": "10"}

    def test_searxng(self) -> None:
        sent = request("searxng")
        assert urlsplit(sent.url).path == "/base/search"
        assert asked(sent) == {"q": "who won & when?", "format": "json", "categories": "general"}
        assert sent.headers["authorization"] == f"Bearer {SECRET}"

    def test_searxng_without_a_credential(self) -> None:
        sent = engine_of("searxng").search_request("q", SearchAccess("http://here"), 8)
        assert "authorization" not in sent.headers

    def test_duckduckgo(self) -> None:
        sent = request("duckduckgo")
        assert urlsplit(sent.url).path == "/base/html/"
        assert asked(sent) == {"q": "who won & when?"}

    @pytest.mark.parametrize("kind", MODULES)
    def test_nothing_in_a_query_leaves_its_place(self, kind: str) -> None:
        query = 'a&key=x#frag?cx=y\r\nhost: evil "quoted" ünï/../..'
        sent = request(kind, query=query)
        assert urlsplit(sent.url).hostname == "engine.example"
        assert urlsplit(sent.url).fragment == ""
        found = json.loads(sent.body)["query"] if sent.body else asked(sent)["q"]
        assert found == query

    @pytest.mark.parametrize("kind", MODULES)
    def test_no_secret_is_printed(self, kind: str) -> None:
        access = SearchAccess("https://engine.example", SECRET)
        assert SECRET not in repr(access) + repr(request(kind))


class TestReplies:
    def test_brave(self) -> None:
        assert engine_of("brave").results(recorded("brave.json")) == [
            SearchResult(
                "https://www.espn.com/nfl/superbowl/history/winners",
                "Super Bowl Winners and Results - ESPN",
                "View a comprehensive list of every single NFL Super Bowl champion from 1967 to present on ESPN. "
                "Includes the finals opponent, site of the game & the final score.",
            ),
            SearchResult(
                "https://en.wikipedia.org/wiki/List_of_Super_Bowl_champions",
                "List of Super Bowl champions '67\u2013'26",
                "The Super Bowl is the annual American football game that determines the champion of the National "
                "Football League (NFL).",
            ),
        ]

    def test_tavily(self) -> None:
        first, second = engine_of("tavily").results(recorded("tavily.json"))
        assert first == SearchResult(
            "https://blog.ticketmaster.com/super-bowl-winners/",
            "Super Bowl Winners by Year | Ticketmaster Blog",
            "# Super Bowl winners The Kansas City Chiefs defeated the Philadelphia Eagles to win 38\u201335, led by a "
            "stellar performance from quarterback Patrick Mahomes.",
        )
        assert second.url == "https://en.wikipedia.org/wiki/List_of_Super_Bowl_champions"

    def test_google(self) -> None:
        first, second = engine_of("google").results(recorded("google.json"))
        assert first == SearchResult(
            "http://www.espn.com/nfl/superbowl/history/winners",
            "NFL Super Bowl Winners and Results - NFL - ESPN",
            "View a comprehensive list of every single NFL Super Bowl champion from 1967 to present on ESPN. Includes "
            "the finals opponent, site of the game and the final ...",
        )
        assert second.text.startswith("Feb 10, 2026 ... The Kansas City Chiefs")

    def test_searxng(self) -> None:
        found = engine_of("searxng").results(recorded("searxng.json"))
        assert [each.url for each in found] == [
            "https://en.wikipedia.org/wiki/List_of_Super_Bowl_champions",
            "https://nflplayoffpass.com/super-bowl-winners/",
        ]
        assert found[1].text == "Explore a comprehensive list of Super Bowl winners from 1967 to 2025."

    def test_duckduckgo(self) -> None:
        assert engine_of("duckduckgo").results(recorded("duckduckgo.html")) == [
            SearchResult(
                "https://en.wikipedia.org/wiki/List_of_Super_Bowl_champions",
                "List of Super Bowl champions - Wikipedia",
                "The Packers defeated the Chiefs in the first AFL-NFL World Championship Game (Super Bowl I)... "
                "The Packers & the Chiefs.",
            ),
            SearchResult(
                "https://nflplayoffpass.com/super-bowl-winners/",
                "Super Bowl Winners <1967>",
                "Explore a comprehensive list of Super Bowl winners from 1967 to 2025.",
            ),
        ]

    @pytest.mark.parametrize(
        ("kind", "file"),
        [
            ("brave", "brave_nothing.json"),
            ("google", "google_nothing.json"),
            ("duckduckgo", "duckduckgo_nothing.html"),
        ],
    )
    def test_nothing_found_is_no_failure(self, kind: str, file: str) -> None:
        assert engine_of(kind).results(recorded(file)) == []

    @pytest.mark.parametrize(
        ("kind", "file"),
        [("searxng", "searxng_unanswered.json"), ("duckduckgo", "duckduckgo_challenge.html")],
    )
    def test_what_did_not_search_has_failed(self, kind: str, file: str) -> None:
        with pytest.raises(UpstreamError):
            engine_of(kind).results(recorded(file))

    @pytest.mark.parametrize("kind", MODULES)
    @pytest.mark.parametrize("body", [b"", b"garbage", b"[]", b"null", b'"x"', b"\xff\xfe", b"<html></html>"])
    def test_what_is_no_reply_has_failed(self, kind: str, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            engine_of(kind).results(body)

    @pytest.mark.parametrize("kind", ["brave", "tavily", "google", "searxng"])
    @pytest.mark.parametrize("member", [None, 5, "x", [], {}, [1, None, "x"], [{"url": 5, "link": []}], [{}]])
    def test_what_is_no_result_is_left_out(self, kind: str, member: object) -> None:
        body = {"results": member, "items": member, "web": {"results": member}}
        assert engine_of(kind).results(json.dumps(body).encode()) == []
        assert engine_of(kind).results(json.dumps({"web": member}).encode()) == []

    @pytest.mark.parametrize("kind", ["brave", "tavily", "google", "searxng"])
    def test_a_result_may_lack_its_texts(self, kind: str) -> None:
        rows = [{"url": "https://a.example/", "link": "https://a.example/", "title": None, "content": 7}]
        body = {"results": rows, "items": rows, "web": {"results": rows}}
        assert engine_of(kind).results(json.dumps(body).encode()) == [
            SearchResult("https://a.example/", "", "")
        ]

    @given(st.binary())
    def test_a_duckduckgo_of_any_bytes_is_read_or_has_failed(self, noise: bytes) -> None:
        page = recorded("duckduckgo.html")
        middle = len(page) // 2
        for body in (noise, page[:middle] + noise + page[middle:], page[: len(noise) * 7]):
            try:
                found = engine_of("duckduckgo").results(body)
            except UpstreamError:
                continue
            assert all(isinstance(each, SearchResult) for each in found)

    @pytest.mark.parametrize(
        "piece", ["<!--", "<a ", "<", "</", "<![", "<a href='", "<a class=result__a>&", "a='"]
    )
    def test_a_malformed_page_takes_no_time(self, piece: str) -> None:
        page = recorded("duckduckgo.html") + piece.encode() * (500_000 // len(piece))
        begun = time.process_time()
        assert len(engine_of("duckduckgo").results(page)) == 2
        assert time.process_time() - begun < 2

    @pytest.mark.parametrize(
        "link",
        [
            "//duckduckgo.com/y.js?ad_provider=x",
            "/settings",
            "//duckduckgo.com/l/?rut=1",
            "https://links.duckduckgo.com/d.js",
            "http://[",
        ],
    )
    def test_links_that_lead_nowhere_are_left_out(self, link: str) -> None:
        page = f'<div class="results"><a class="result__a" href="{link}">x</a></div>'
        assert engine_of("duckduckgo").results(page.encode()) == []


class TestFailures:
    @pytest.mark.parametrize("status", [401, 402, 403, 432, 433])
    def test_a_refused_account_is_for_the_operator(self, status: int) -> None:
        found = failure(status, {})
        assert isinstance(found, UpstreamError)
        assert found.retriable is False

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_busy_engine_is_asked_again_later(self, status: int) -> None:
        found = failure(status, {"retry-after": "7"})
        assert isinstance(found, OverloadedError)
        assert found.retry_after == 7
        assert failure(status, {}).retry_after == 1

    @pytest.mark.parametrize("status", [202, 204, 301, 302, 400, 404, 418, 422, 500, 502])
    def test_any_other_status_is_a_failure(self, status: int) -> None:
        assert type(failure(status, {})) is UpstreamError
