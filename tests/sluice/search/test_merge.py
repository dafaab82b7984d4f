from hypothesis import given
from hypothesis import strategies as st

from sluice.search.addresses import identity, is_shown
from sluice.search.contract import SearchResult
from sluice.search.merge import MOST_RESULTS, MOST_TEXT_BYTES, MOST_TITLE_BYTES, Source, cut, merged


def page(name: str, text: str = "text") -> SearchResult:
    return SearchResult(f"https://{name}.example/", f"title of {name}", text)


def hosts(sources: list[Source]) -> list[str]:
    return [source.url.removeprefix("https://").removesuffix(".example/") for source in sources]


def test_pages_of_their_own_alternate() -> None:
    found = merged([("A", [page("a"), page("b"), page("c")]), ("B", [page("x"), page("y")])])
    assert hosts(found) == ["a", "x", "b", "y", "c"]
    assert [source.source for source in found] == ["A", "B", "A", "B", "A"]


def test_what_several_found_comes_first_and_once() -> None:
    found = merged(
        [
            ("A", [page("a"), page("b", "by A")]),
            ("B", [page("x"), page("b", "by B")]),
            ("C", [page("b", "by C")]),
        ]
    )
    assert hosts(found) == ["b", "a", "x"]
    assert found[0] == Source("https://b.example/", "title of b", "by C", "C")


def test_an_extract_is_better_than_none() -> None:
    found = merged([("A", [page("a", "")]), ("B", [page("b"), page("a", "by B")])])
    assert (found[0].text, found[0].source) == ("by B", "B")


def test_an_engine_gains_nothing_by_repetition() -> None:
    twice = [page("a"), SearchResult("http://www.a.example#x", "again", "again"), page("b")]
    assert hosts(merged([("A", twice), ("B", [page("x"), page("y")])])) == ["a", "x", "b", "y"]


def test_two_of_one_kind_are_two() -> None:
    found = merged([("SearXNG", [page("a"), page("b")]), ("SearXNG", [page("x"), page("b")])])
    assert hosts(found) == ["b", "a", "x"]


def test_what_says_nothing_or_leads_nowhere_is_left_out() -> None:
    empty = SearchResult("https://a.example/", "", "")
    evil = SearchResult("javascript:alert(1)", "title", "text")
    assert merged([("A", [empty, evil])]) == []
    assert merged([]) == []


def test_texts_are_cut() -> None:
    (source,) = merged([("A", [SearchResult("https://a.example/", "t " * 500, "ü" * 5_000)])])
    assert len(source.title.encode()) <= MOST_TITLE_BYTES
    assert len(source.text.encode()) <= MOST_TEXT_BYTES
    assert source.text.endswith("…")


results = st.builds(
    SearchResult,
    url=st.sampled_from(
        [
            "https://a.example/",
            "http://www.a.example",
            "https://b.example/?utm_source=x",
            "ftp://c",
            "https://d.example/x",
        ]
    )
    | st.builds("https://{}.example/".format, st.text("efgh", min_size=1, max_size=3)),
    title=st.text(max_size=300),
    text=st.text(max_size=900),
)
answers = st.lists(st.tuples(st.sampled_from("ABC"), st.lists(results, max_size=15)), max_size=4)


@given(answers, st.integers(1, 12))
def test_what_is_always_so(found: list[tuple[str, list[SearchResult]]], most: int) -> None:
    sources = merged(found, most)
    assert sources == merged(found, most)
    pages = [identity(source.url) for source in sources]
    assert len(set(pages)) == len(pages)
    known = {
        identity(each.url)
        for _, list_ in found
        for each in list_
        if is_shown(each.url) and (each.text or each.title)
    }
    assert len(pages) == min(most, len(known))
    assert set(pages) <= known
    for source in sources:
        assert len(source.text.encode()) <= MOST_TEXT_BYTES
        assert len(source.title.encode()) <= MOST_TITLE_BYTES
        assert any(
            source.source == name and source.url in {each.url for each in list_} for name, list_ in found
        )


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=5, unique=True))
def test_no_engine_is_crowded_out(seeds: list[int]) -> None:
    """Each of several engines with pages of its own has its share, to within one."""
    found = [(str(seed), [page(f"p{seed}n{number}") for number in range(10)]) for seed in seeds]
    shares = [sum(source.source == name for source in merged(found)) for name, _ in found]
    assert sum(shares) == MOST_RESULTS
    assert max(shares) - min(shares) <= 1


@given(st.text(), st.integers(3, 100))
def test_a_cut_text_is_a_beginning(text: str, most: int) -> None:
    shorter = cut(text, most)
    assert len(shorter.encode()) <= most
    assert shorter == text or text.startswith(shorter[:-1])
