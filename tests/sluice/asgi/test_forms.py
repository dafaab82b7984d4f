"""A form and JSON come to the same."""

import base64
import json
from typing import Any

import pytest

from made_media import png
from sluice.asgi.forms import members_of
from sluice.errors import InvalidJSONError, InvalidRequestError
from sluice.wire.form_data import Part, content_type_of, form_data

BOUNDARY = "form-0123456789abcdef"
PICTURE = png()


def read(*parts: Part) -> dict[str, Any]:
    return members_of(content_type_of(BOUNDARY), form_data(parts, BOUNDARY), ("picture",))


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "application/x-www-form-urlencoded", "text/plain"]
)
def test_whatever_does_not_say_it_is_a_form_is_json(content_type: str | None) -> None:
    assert members_of(content_type, b'{"a": 1}', ()) == {"a": 1}
    with pytest.raises(InvalidJSONError):
        members_of(content_type, form_data([Part("a", b"1")], BOUNDARY), ())


def test_fields_are_texts() -> None:
    assert read(Part("a", "kätzchen".encode()), Part("b", b"")) == {"a": "kätzchen", "b": ""}


@pytest.mark.parametrize("header", ["MULTIPART/Form-Data", " multipart/form-data "])
def test_the_type_is_read_as_types_are(header: str) -> None:
    body = form_data([Part("a", b"1")], BOUNDARY)
    assert members_of(f"{header}; boundary={BOUNDARY}", body, ()) == {"a": "1"}


def test_a_member_of_a_member_is_written_with_brackets() -> None:
    assert read(Part("a[b]", b"1"), Part("a[c]", b"2")) == {"a": {"b": "1", "c": "2"}}


@pytest.mark.parametrize("content_type", ["image/png", "application/octet-stream", None])
def test_a_picture_is_what_its_bytes_say(content_type: str | None) -> None:
    found = read(Part("picture", PICTURE, "a", content_type))["picture"]
    assert found == {"image_url": f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"}
    json.dumps(found)


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([Part("a", b"1"), Part("a", b"1")], "a"),
        ([Part("a[b]", b"1"), Part("a[b]", b"1")], "a[b]"),
        ([Part("a", b"1"), Part("a[b]", b"1")], "a[b]"),
        ([Part("a[b]", b"1"), Part("a", b"1")], "a"),
        ([Part("a[b][c]", b"1")], "a[b][c]"),
        ([Part("[a]", b"1")], "[a]"),
        ([Part("a]", b"1")], "a]"),
        ([Part("a", b"\xff")], "a"),
        ([Part("other", PICTURE, "a.png", "image/png")], "other"),
        ([Part("picture", b"GIF", "a.png", "image/png")], "picture"),
        ([Part("picture", b"", "a.png", "image/png")], "picture"),
        ([Part("picture", b"\0\0\0\x18ftypmp42" + b"\0" * 20, "a.png", "image/png")], "picture"),
    ],
)
def test_a_field_that_cannot_be_is_named(parts: list[Part], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(*parts)
    assert (caught.value.status, caught.value.param) == (400, param)
