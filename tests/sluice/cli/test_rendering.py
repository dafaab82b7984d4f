"""Whatever names there are, what is printed moves no cursor, begins no line, and is read in the order it is in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from key_records import key_record
from sluice.cli.rendering import as_json, columns, say, table

ATTACKS = [
    "a\x1b[2J\x1b[1;1Hall keys are well",
    "a\nkey_fake  sk-fake",
    "a\r\x1b[Kb",
    "a\x9b31mb",
    "a\x00\x07\x08b",
    "a\x7fb",
    "a\u2028b\u2029c\x85d",
    "a\u202egnp.exe",
    "a\u2066\u2069b",
    "a\U000e0041b",
    "a\ud800b",
]

texts = st.text() | st.sampled_from(ATTACKS)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.sampled_from([None, 1]))
def test_a_table_has_a_line_for_each_row(rows: list[tuple[str, str]], numbers: int | None) -> None:
    lines = columns(rows, numbers).split("\n")
    assert len(lines) == len(rows)
    assert all(line.isprintable() for line in lines)


@given(texts)
def test_json_says_the_same_and_shows_nothing_else(text: str) -> None:
    shown = as_json({"name": text})
    assert shown.isprintable()
    assert json.loads(shown) == {"name": text}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_of_a_key(attack: str) -> None:
    record = key_record("sk-a", name=attack, owner=attack, models=(attack,))
    heading, line = table([record], {}, 0).split("\n")
    assert (heading + line).isprintable()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_sentence(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(f"Key key_1 ({attack.replace('\n', ' ')}) is made.\n\n  sk-a")
    say(attack, err=True)
    printed = capsys.readouterr()
    first, *rest = printed.out.split("\n")
    assert first.isprintable()
    assert rest == ["", "  sk-a", ""]
    assert printed.err.replace("\n", "").isprintable()
