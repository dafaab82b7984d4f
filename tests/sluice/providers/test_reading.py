"""JSON that strangers wrote is read, or is their failure and not ours."""

from typing import Any

import pytest
from pydantic import BaseModel

from sluice.errors import UpstreamError
from sluice.providers.reading import count_of, objects_of, parsed_object, validated


class Part(BaseModel):
    """Anything with a place to name."""

    counts: list[int]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"{", b"[]", b"null", b'"text"', b'{"a":"\xff"}', b"[" * 100_000]
)
def test_what_is_no_object_is_the_providers_failure(data: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        parsed_object(data)
    assert caught.value.status == 502


def test_an_object_is_read() -> None:
    assert parsed_object(b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "objects"),
    [(None, []), ({"a": 1}, []), ("text", []), ([{}, 7, None, {"a": 1}], [{}, {"a": 1}])],
)
def test_only_the_objects_of_an_array_are_objects(value: Any, objects: list[Any]) -> None:
    assert objects_of(value) == objects


def test_what_does_not_fit_is_named_by_its_place_and_not_quoted() -> None:
    with pytest.raises(UpstreamError, match=r"malformed at 'counts\.1'") as caught:
        validated(Part, {"counts": [1, "sk-upstream"]})
    assert "sk-" not in caught.value.message
    assert validated(Part, {"counts": [1]}).counts == [1]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (5, 5),
        (5.0, 5),
        (5.5, None),
        (-1, None),
        (True, None),
        ("5", None),
        (2**53, None),
        (1e400, None),
    ],
)
def test_a_count_is_a_whole_number(value: object, count: int | None) -> None:
    assert count_of(value) == count
