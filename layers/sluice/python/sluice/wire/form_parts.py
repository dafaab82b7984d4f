"""Reads bodies of the type ``multipart/form-data`` that are whole in memory; ``wire.form_data`` writes them.

Source: RFC 7578.
"""

from collections.abc import Mapping
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sluice.wire.form_data import Part

MOST_PARTS: Final = 100
"""More than any form here has fields; each costs more than its bytes."""


class FormError(ValueError):
    """The body is no form; the message says what is wrong, and nothing of what it holds."""


def form_parts(content_type: str, body: bytes) -> list[Part]:
    """The fields of a form, in their order.

    Args:
        content_type: the header's value, which names the boundary.
        body: all of it.

    Raises:
        FormError: it is no form, or has too many fields.
    """
    _, options = parse_options_header(content_type)
    reader = _Reader()
    try:
        boundary = options[b"boundary"]
        reader.read(boundary, body)
    except KeyError as error:
        raise FormError("its Content-Type names no boundary") from error
    except FormParserError as error:
        raise FormError("it is not as its Content-Type says") from error
    if not reader.ended:
        raise FormError("it ends before its last boundary")
    return reader.parts


class _Reader:
    """Puts together what the parser finds: it may find a name or a content in several pieces."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._content: list[bytes] = []

    def read(self, boundary: bytes, body: bytes) -> None:
        """Read a body, from its first byte to its last."""
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all_read,
            },
        )
        parser.write(body)

    def _begin(self) -> None:
        if len(self.parts) == MOST_PARTS:
            raise FormError(f"it has more than {MOST_PARTS} fields")
        self._headers, self._content = {}, []

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def _end(self) -> None:
        self.parts.append(_part(self._headers, b"".join(self._content)))

    def _all_read(self) -> None:
        self.ended = True


def _part(headers: Mapping[bytes, bytes], content: bytes) -> Part:
    kind, options = parse_options_header(headers.get(b"content-disposition", b""))
    name = options.get(b"name")
    if kind != b"form-data" or not name:
        raise FormError("a field of it has no name")
    content_type = headers.get(b"content-type")
    filename = options.get(b"filename")
    return Part(
        name=_text(name),
        content=content,
        filename=None if filename is None else _text(filename),
        content_type=None if content_type is None else content_type.decode("latin-1").strip(),
    )


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FormError("the name of a field is no UTF-8") from error
