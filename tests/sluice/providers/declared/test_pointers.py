"""Places in JSON documents, with RFC 6901's own examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.providers.declared.pointers import found, put

DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, " ": 7, "m~n": 8, "i\\j": 5}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/i\\j", 5),
        ("/foo/2", None),
        ("/foo/-1", None),
        ("/foo/-", None),
        ("/foo/\N{ARABIC-INDIC DIGIT ZERO}", None),
        ("/foo/0/0", None),
        ("/bar", None),
    ],
)
def test_what_is_found(pointer: str, value: Any) -> None:
    assert found(DOCUMENT, pointer) == value


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4), st.integers())
def test_what_was_put_is_found(steps: list[str], value: int) -> None:
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    document: dict[str, Any] = {"a": 1}
    put(document, pointer, value)
    assert found(document, pointer) == value


@pytest.mark.parametrize("document", [None, 3, "text", [], True])
def test_nothing_is_in_what_is_no_document(document: object) -> None:
    assert found(document, "/a/0") is None
