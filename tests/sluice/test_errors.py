"""The tree drawn in the module's docstring is the tree in the code."""

import re
from collections.abc import Iterator

import pytest

from sluice import errors
from sluice.errors import InvalidRequestError, OverloadedError, SluiceError, UpstreamError


def tree(root: type[SluiceError] = SluiceError) -> Iterator[type[SluiceError]]:
    """What is below an error. Kinds that other modules tell apart for themselves look alike to a client."""
    for kind in root.__subclasses__():
        if kind.__module__ == errors.__name__:
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


KEY = "sk-" + "a1B2" * 12


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"no model '{KEY}'",
        f"x{' ' * 5}{KEY}.",
        f"agent_{'z' * 40}",
        "AIza" + "q" * 35,
        "x" * 190 + " " + KEY,
    ],
)
def test_no_envelope_shows_a_key(text: str) -> None:
    body = errors.envelope(InvalidRequestError(text, param=text, code=text))["error"]
    assert not re.search(r"(a1B2){3}|z{12}|q{12}", str(body))


def test_an_envelope_is_short_whatever_is_put_into_it() -> None:
    body = errors.envelope(InvalidRequestError("m" * 10_000, param="p" * 10_000))["error"]
    assert (len(body["message"]), len(body["param"] or "")) == (2_000, 200)


def test_words_that_only_begin_like_a_key_stay() -> None:
    words = "sk-short, task-force-one, sk-learn-classifier, agent_instructions and /v1/models/agent_smith_70b_chat"
    assert errors.masked(words) == words
