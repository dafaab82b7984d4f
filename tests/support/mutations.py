"""JSON with one thing wrong in it: what a provider might send by a fault of its own."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

type Place = tuple[str | int, ...]

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    2**63,
    10**30,
    "",
    "odd",
    "\ud800",
    "\x00\u2028",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": None},
)
"""What may stand where something else should; a lone surrogate among it, which JSON can write and UTF-8 cannot."""


def places_in(value: Any, at: Place = ()) -> Iterator[Place]:
    """Where something stands in a JSON value; the value itself first."""
    yield at
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places_in(inner, (*at, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places_in(inner, (*at, number))


def replaced(value: Any, place: Place, by: Any) -> Any:
    """The same with something else at a place."""
    if not place:
        return by
    found = copy.deepcopy(value)
    _holder(found, place)[place[-1]] = by
    return found


def without(value: Any, place: Place) -> Any:
    """The same without what stands at a place."""
    found = copy.deepcopy(value)
    del _holder(found, place)[place[-1]]
    return found


def _holder(value: Any, place: Place) -> Any:
    for step in place[:-1]:
        value = value[step]
    return value


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """JSON bytes with one value replaced or left out; what is no JSON stays as it is."""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    place: Place = draw(st.sampled_from(list(places_in(value))))
    removes: bool = draw(st.booleans())
    if place and removes:
        return json.dumps(without(value, place)).encode()
    return json.dumps(replaced(value, place, draw(st.sampled_from(ODD)))).encode()


@st.composite
def corrupted(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which a few are other ones, are missing, or are there beside."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(found) - 1))
        match draw(st.sampled_from(("replace", "remove", "insert"))):
            case "replace":
                found[at] = draw(st.integers(0, 255))
            case "remove":
                del found[at]
            case _:
                found.insert(at, draw(st.integers(0, 255)))
    return bytes(found)
