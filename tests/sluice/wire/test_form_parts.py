"""What is read of a form is what was written, wherever it came from."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.form_data import Part, content_type_of, form_data
from sluice.wire.form_parts import MOST_PARTS, FormError, form_parts

BOUNDARY = "form-0123456789abcdef"
HEADER = content_type_of(BOUNDARY)
NAMES = st.text(st.characters(exclude_characters='"\\\r\n', exclude_categories=["Cc", "Cs"]), min_size=1)
PARTS = st.builds(
    Part,
    name=NAMES,
    content=st.binary(),
    filename=NAMES.filter(lambda name: ":\\" not in name) | st.none(),
    content_type=st.sampled_from(["image/png", "text/plain; charset=utf-8"]) | st.none(),
)


@given(st.lists(PARTS, max_size=5))
def test_what_was_written_is_read(parts: list[Part]) -> None:
    if parts:
        assert form_parts(HEADER, form_data(parts, BOUNDARY)) == parts


@given(st.lists(st.tuples(NAMES, st.binary()), min_size=1, max_size=5))
def test_what_a_client_sends_is_read(fields: list[tuple[str, bytes]]) -> None:
    """httpx quotes names as browsers do, and chooses boundaries of its own."""
    files = [(name, ("a.bin", content, "application/octet-stream")) for name, content in fields]
    request = httpx.Request("POST", "http://test", files=files)
    parts = form_parts(request.headers["content-type"], request.read())
    quoted = [(name.replace('"', "%22"), content) for name, content in fields]
    assert [(part.name, part.content) for part in parts] == quoted


@given(st.binary(max_size=300), st.sampled_from([b"", b"--" + BOUNDARY.encode(), b"\r\n"]))
def test_anything_else_is_no_form(body: bytes, start: bytes) -> None:
    try:
        form_parts(HEADER, start + body)
    except FormError:
        return
    assert BOUNDARY.encode() in body


@given(st.data())
def test_a_form_that_was_cut_off_is_none(data: st.DataObject) -> None:
    whole = form_data([Part("a", b"1"), Part("b", b"2", "f", "image/png")], BOUNDARY)
    end = data.draw(st.integers(0, len(whole) - len("-\r\n") - 1))
    with pytest.raises(FormError):
        form_parts(HEADER, whole[:end])


@pytest.mark.parametrize(
    ("header", "head"),
    [
        ("multipart/form-data", 'form-data; name="a"'),
        ("multipart/form-data; boundary=", 'form-data; name="a"'),
        ("multipart/form-data; boundary=" + "x" * 500, 'form-data; name="a"'),
        (HEADER, "form-data"),
        (HEADER, 'attachment; name="a"'),
        (HEADER, 'form-data; name=""'),
        (HEADER, 'form-data; name="\xff"'),
    ],
)
def test_a_form_that_names_nothing_is_none(header: str, head: str) -> None:
    body = f"--{BOUNDARY}\r\nContent-Disposition: {head}\r\n\r\n1\r\n--{BOUNDARY}--\r\n"
    with pytest.raises(FormError):
        form_parts(header, body.encode("latin-1"))


def test_a_form_has_not_endlessly_many_fields() -> None:
    parts = [Part(f"a{number}", b"") for number in range(MOST_PARTS)]
    assert len(form_parts(HEADER, form_data(parts, BOUNDARY))) == MOST_PARTS
    with pytest.raises(FormError, match="more than"):
        form_parts(HEADER, form_data([*parts, Part("b", b"")], BOUNDARY))
