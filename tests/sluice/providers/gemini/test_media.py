"""Pictures, sound and documents."""

from typing import Any

import pytest

from gemini_calls import sent_body
from sluice.errors import InvalidRequestError, UnsupportedParameterError

PNG = "iVBORw0KGgo="


def part(**members: Any) -> Any:
    (content,) = sent_body(messages=[{"role": "user", "content": [members]}])["contents"]
    (found,) = content["parts"]
    return found


def image(url: str, **members: Any) -> Any:
    return part(type="image_url", image_url={"url": url, **members})


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        ("data:image/png;base64,", "image/png"),
        ("DATA:IMAGE/PNG;BASE64,", "image/png"),
        ("data:image/jpg;base64,", "image/jpeg"),
        ("data:image/webp;charset=utf-8;base64,", "image/webp"),
    ],
)
def test_a_picture_inline(head: str, mime_type: str) -> None:
    assert image(head + PNG) == {"inlineData": {"mimeType": mime_type, "data": PNG}}


@pytest.mark.parametrize(
    ("url", "mime_type"),
    [
        ("https://example.com/a.png", "image/png"),
        ("HTTPS://example.com/a.JPEG?size=9#x", "image/jpeg"),
        ("https://example.com/a.webp", "image/webp"),
        ("https://example.com/picture", "image/jpeg"),
        ("https://example.com/.png", "image/jpeg"),
        ("https://example.com", "image/jpeg"),
        ("https://example.com/report.pdf", "image/jpeg"),
    ],
)
def test_a_picture_by_address_is_always_said_to_be_one(url: str, mime_type: str) -> None:
    """So nothing that costs more can be read there."""
    assert image(url) == {"fileData": {"mimeType": mime_type, "fileUri": url}}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "gs://bucket/a.png",
        "file:///etc/passwd",
        "https://",
        "https://[::1/a.png",
        "https://www.youtube.com/watch?v=1",
        "https://youtu.be/1",
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
        "no address",
        "data:image/tiff;base64,AAAA",
        "data:video/mp4;base64,AAAA",
    ],
)
def test_what_gemini_would_not_see_is_refused(url: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        image(url)
    assert caught.value.param == "messages[0].content[0].image_url.url"


@pytest.mark.parametrize("url", ["data:", "data:image/png,x", "data:image/svg+xml,<svg/>", "data:;base64,AA"])
def test_a_data_url_that_is_none_is_the_clients_fault(url: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        image(url)
    assert caught.value.param == "messages[0].content[0].image_url.url"


@pytest.mark.parametrize(("form", "mime_type"), [("wav", "audio/wav"), ("mp3", "audio/mp3")])
def test_sound(form: str, mime_type: str) -> None:
    found = part(type="input_audio", input_audio={"data": "AAAA", "format": form})
    assert found == {"inlineData": {"mimeType": mime_type, "data": "AAAA"}}


def test_sound_in_another_format_is_refused() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        part(type="input_audio", input_audio={"data": "AAAA", "format": "midi"})
    assert caught.value.param == "messages[0].content[0].input_audio.format"


@pytest.mark.parametrize(
    ("file", "mime_type"),
    [
        ({"file_data": "data:application/pdf;base64,AAAA"}, "application/pdf"),
        ({"file_data": "data:text/csv;base64,AAAA", "filename": "a.pdf"}, "text/csv"),
        ({"file_data": "AAAA", "filename": "Report.PDF"}, "application/pdf"),
    ],
)
def test_a_document(file: Any, mime_type: str) -> None:
    assert part(type="file", file=file) == {"inlineData": {"mimeType": mime_type, "data": "AAAA"}}


@pytest.mark.parametrize(
    ("file", "member", "kind"),
    [
        ({"file_id": "file-1"}, "file_id", UnsupportedParameterError),
        ({}, "file_data", InvalidRequestError),
        ({"file_data": ""}, "file_data", InvalidRequestError),
        ({"file_data": "AAAA"}, "file_data", InvalidRequestError),
        ({"file_data": "AAAA", "filename": "a.xyz"}, "file_data", InvalidRequestError),
        ({"file_data": "data:application/pdf,AAAA"}, "file_data", InvalidRequestError),
    ],
)
def test_a_document_that_cannot_be_sent(file: Any, member: str, kind: type[InvalidRequestError]) -> None:
    with pytest.raises(kind) as caught:
        part(type="file", file=file)
    assert caught.value.param == f"messages[0].content[0].file.{member}"


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a/b.png"}, "x": 1}, "x"),
        ({"type": "image_url", "image_url": {"url": "https://a/b.png", "x": 1}}, "image_url.x"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav", "x": 1}}, "input_audio.x"),
        ({"type": "file", "file": {"file_data": "data:a/b;base64,AAAA", "x": 1}}, "file.x"),
    ],
)
def test_members_without_a_place_are_refused_by_name(members: Any, place: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        part(**members)
    assert caught.value.param == f"messages[0].content[0].{place}"
