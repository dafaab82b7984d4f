import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.search.plain_text import MOST_RAW_CHARACTERS, plain_text
from sluice.search.visible import visible


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("The <strong>Chiefs</strong> won", "The Chiefs won"),
        ("AT&amp;T &#x27;67&ndash;&#8217;26", "AT&T '67\u2013\u201926"),
        ("one<br>two<br/>three<p class='x'>four</p>", "one two three four"),
        ("&lt;script&gt; is a tag", "<script> is a tag"),
        ("<script>alert(1)</script>x<!-- no -->y", "alert(1)xy"),
        ("List<int> and a < b > c", "List<int> and a < b > c"),
        ("<a href='https://x.example/?a=1'>link</a>", "link"),
        (" many \n\n lines\tand\u2028breaks\u0085 ", "many lines and breaks"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("", ""),
        (None, ""),
        (7, ""),
        (["x"], ""),
    ],
)
def test_markup_becomes_text(raw: object, text: str) -> None:
    assert plain_text(raw) == text


@pytest.mark.parametrize(
    "unseen",
    [
        "\x00",
        "\x1b",
        "\x7f",
        "\u00ad",  # soft hyphen
        "\u200b",  # zero width space
        "\u2060",  # word joiner
        "\ufeff",
        "\u202e",  # right-to-left override
        "\u2066",  # isolate
        "\U000e0041",  # tag A
        "\ufe0f",  # variation selectors
        "\U000e0100",
        "\ue000",  # private
        "\ud800",  # half a character
        "\uffff",
    ],
)
def test_what_is_not_seen_is_left_out(unseen: str) -> None:
    assert visible(f"ig{unseen}nore") == "ignore"
    assert plain_text(f"ig{unseen}nore") == "ignore"


@pytest.mark.parametrize("text", ["می‌خواهم", "👩‍💻", "日本語", "Ünïcödé", "٣"])
def test_scripts_and_emojis_stay(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_the_text_is_on_one_line_and_can_be_sent(raw: str) -> None:
    text = plain_text(raw)
    assert len(text.splitlines()) <= 1
    assert text == text.strip()
    text.encode()
    assert not {unicodedata.category(each) for each in text} & {"Cc", "Co", "Cs", "Cn", "Zl", "Zp"}


def test_only_the_beginning_of_much_is_read() -> None:
    assert len(plain_text("x" * 5_000_000)) == MOST_RAW_CHARACTERS
    assert plain_text("<" * 100_000) == "<" * MOST_RAW_CHARACTERS
