"""Parts of messages as Anthropic's blocks, and those that it does not take."""

import base64
from typing import Any

import pytest

from anthropic_calls import sent
from sluice.errors import InvalidRequestError, UnsupportedParameterError

PNG = base64.b64encode(b"\x89PNG").decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()
MARK = {"cache_control": {"type": "ephemeral"}}


def text(said: str, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **members}


def image(url: str, **members: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, **members}


def file(data: str | None = None, **members: Any) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": data, **members}}


def blocks(*parts: dict[str, Any]) -> Any:
    return sent(messages=[{"role": "user", "content": list(parts)}])["messages"][0]["content"]


def test_texts_are_blocks() -> None:
    assert blocks(text("a"), text("b")) == [text("a"), text("b")]


@pytest.mark.parametrize("nothing", ["", " ", "\n\t"])
def test_texts_that_say_nothing_are_left_out(nothing: str) -> None:
    assert blocks(text(nothing), text("a"), text(nothing)) == [text("a")]
    assistant = {"role": "assistant", "content": nothing}
    messages = [{"role": "user", "content": "a"}, assistant, {"role": "user", "content": "b"}]
    assert sent(messages=messages)["messages"] == [{"role": "user", "content": [text("a"), text("b")]}]


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_pictures_inline(kind: str) -> None:
    source = {"type": "base64", "media_type": kind, "data": PNG}
    assert blocks(image(f"data:{kind};base64,{PNG}")) == [{"type": "image", "source": source}]


def test_a_jpeg_goes_by_the_name_that_anthropic_knows() -> None:
    source = {"type": "base64", "media_type": "image/jpeg", "data": PNG}
    assert blocks(image(f"data:image/jpg;base64,{PNG}")) == [{"type": "image", "source": source}]


def test_pictures_by_address() -> None:
    source = {"type": "url", "url": "https://example.com/a.png"}
    assert blocks(image("https://example.com/a.png")) == [{"type": "image", "source": source}]


def test_the_detail_of_a_picture_is_a_hint() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}}
    assert blocks(part)[0].keys() == {"type", "source"}


def test_a_pdf_is_a_document() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert blocks(file(f"data:application/pdf;base64,{PDF}", filename="a.pdf")) == [
        {"type": "document", "source": source, "title": "a.pdf"}
    ]


@pytest.mark.parametrize(
    "url",
    [
        "data:text/markdown;charset=utf-8;base64," + base64.b64encode("# Grüße".encode()).decode(),
        "data:text/plain,%23%20Gr%C3%BC%C3%9Fe",
    ],
)
def test_a_text_is_a_document(url: str) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "# Grüße"}
    assert blocks(file(url)) == [{"type": "document", "source": source}]


def test_parts_of_every_kind_can_be_cached() -> None:
    found = blocks(
        text("a", **MARK),
        image(f"data:image/png;base64,{PNG}", **MARK),
        {**file(f"data:application/pdf;base64,{PDF}"), **MARK},
    )
    assert [block["cache_control"] for block in found] == [{"type": "ephemeral"}] * 3


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("data:image/bmp;base64,AAAA"), "image_url.url"),
        (file("data:application/zip;base64,AAAA"), "file.file_data"),
        (text("a", weight=2), "weight"),
        (image("https://example.com/a.png", alt="a"), "alt"),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "fps": 1}},
            "image_url.fps",
        ),
        (file("data:text/plain,a", pages=2), "file.pages"),
        (text("a", cache_control={"type": "ephemeral", "ttl": "1h"}), "cache_control.ttl"),
    ],
)
def test_what_anthropic_does_not_take_is_refused_by_name(part: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        blocks(text("a"), part)
    assert caught.value.param == f"messages[0].content[1].{param}"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (image("ftp://example.com/a.png"), "image_url.url"),
        (image("data:image/png,raw"), "image_url.url"),
        (image("data:image/png"), "image_url.url"),
        (file(), "file.file_data"),
        (file(PDF), "file.file_data"),
        (file("data:application/pdf,raw"), "file.file_data"),
        (file("data:text/plain;base64,////"), "file.file_data"),
        (file("data:text/plain;base64,?"), "file.file_data"),
        (text("a", cache_control=True), "cache_control"),
        (text("a", cache_control={"type": "forever"}), "cache_control"),
        (text("a", cache_control={"type": "ephemeral", "more": 1}), "cache_control"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(part: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        blocks(part)
    assert caught.value.param == f"messages[0].content[0].{param}"


def test_members_that_are_null_ask_for_nothing() -> None:
    assert blocks(text("a", cache_control=None, weight=None)) == [text("a")]


def test_five_minutes_may_be_said() -> None:
    found = blocks(text("a", cache_control={"type": "ephemeral", "ttl": "5m"}))
    assert found == [text("a", cache_control={"type": "ephemeral"})]
