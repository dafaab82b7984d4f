"""The tree drawn in the module's docstring is the tree in the code."""

import re
from collections.abc import Iterator

import pytest

from sluice import errors
from sluice.errors import OverloadedError, SluiceError, UpstreamError


def tree(root: type[SluiceError] = SluiceError) -> Iterator[type[SluiceError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from tree(kind)


def test_the_drawing_is_right() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d{3})", errors.__doc__ or ""))
    assert drawn == {kind.__name__: str(kind.status) for kind in tree()}


@pytest.mark.parametrize("kind", list(tree()))
def test_every_error_renders_all_four_members(kind: type[SluiceError]) -> None:
    body = errors.envelope(kind("what", param="where"))["error"]
    assert body == {"message": "what", "type": kind.type, "param": "where", "code": kind.code}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.25, ("1", "250")), (1.0, ("1", "1000")), (1.0001, ("2", "1001")), (0.0, ("0", "0"))],
)
def test_a_delay_is_never_told_shorter_than_it_is(seconds: float, expected: tuple[str, str]) -> None:
    headers = errors.headers(OverloadedError("later", retry_after=seconds))
    assert (headers["retry-after"], headers["retry-after-ms"]) == expected


def test_what_no_repetition_mends_says_so() -> None:
    assert errors.headers(UpstreamError("no", retriable=False)) == {"x-should-retry": "false"}
    assert errors.headers(UpstreamError("no")) == {}
