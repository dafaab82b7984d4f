"""The prelude of a streamed reply."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice_streaming import prelude

NAMES = st.sampled_from([b"X-A", b"x-a", b"Content-Type", b"Set-Cookie", b"set-cookie", b"Vary"])
VALUES = st.binary(max_size=20)


def test_what_each_header_becomes() -> None:
    headers = [
        (b"Content-Type", b"text/event-stream"),
        (b"Vary", b"Origin"),
        (b"vary", b"Accept"),
        (b"Set-Cookie", b"a=1; Path=/"),
        (b"set-cookie", b"b=2"),
        (b"Transfer-Encoding", b"chunked"),
    ]
    data = prelude.encode(404, headers)
    assert data.endswith(b"}" + bytes(8))
    assert json.loads(data.removesuffix(bytes(8))) == {
        "statusCode": 404,
        "headers": {"content-type": "text/event-stream"},
        "multiValueHeaders": {"vary": ["Origin", "Accept"]},
        "cookies": ["a=1; Path=/", "b=2"],
    }


@given(st.integers(100, 599), st.lists(st.tuples(NAMES, VALUES)))
def test_everything_comes_back_and_the_separator_is_the_first(
    status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    text, separator, rest = prelude.encode(status, headers).partition(bytes(8))
    assert (separator, rest) == (bytes(8), b"")
    decoded = json.loads(text)
    assert decoded["statusCode"] == status
    lines = [(name, value) for name, value in decoded["headers"].items()]
    lines += [
        (name, value) for name, several in decoded.get("multiValueHeaders", {}).items() for value in several
    ]
    lines += [("set-cookie", value) for value in decoded.get("cookies", [])]
    assert Counter(lines) == Counter(
        (name.decode().lower(), value.decode("latin-1")) for name, value in headers
    )


@pytest.mark.parametrize("headers", [[("text", "text")], [(b"alone",)], "x-a: b"])
def test_what_are_no_headers_is_an_error_of_the_application(headers: object) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError)):
        prelude.encode(200, headers)  # type: ignore[arg-type] # that is the fault under test
