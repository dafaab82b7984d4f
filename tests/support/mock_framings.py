"""Legal ways to write the same event stream, by name: each takes the events and gives the pieces to write.

By the WHATWG's event stream format lines end in LF, CR or CRLF, comments and unknown fields may stand anywhere, and
the space after ``data:`` may be missing; TCP may split or join the bytes wherever it likes.
"""

from collections.abc import Callable

Framing = Callable[[list[bytes]], list[bytes]]


def _crlf(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"\n", b"\r\n") for event in events]


def _cr(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"\n", b"\r") for event in events]


def _comments(events: list[bytes]) -> list[bytes]:
    return [b": hello\n\n", *(b":\n: OPENROUTER PROCESSING\n" + event for event in events)]


def _fields(events: list[bytes]) -> list[bytes]:
    return [b"retry: 3000\n\n", *(b"id: %d\nevent: message\n" % n + event for n, event in enumerate(events))]


def _without_space(events: list[bytes]) -> list[bytes]:
    return [event.replace(b"data: ", b"data:", 1) for event in events]


def _byte_order_mark(events: list[bytes]) -> list[bytes]:
    return [b"\xef\xbb\xbf" + events[0], *events[1:]]


def _one_write(events: list[bytes]) -> list[bytes]:
    return [b"".join(events)]


def _single_bytes(events: list[bytes]) -> list[bytes]:
    return [bytes([byte]) for byte in b"".join(events)]


def _within_characters(events: list[bytes]) -> list[bytes]:
    """Cut after the first byte of every character of more than one byte."""
    pieces, piece = [], bytearray()
    for byte in b"".join(events):
        piece.append(byte)
        if byte >= 0xC0:
            pieces.append(bytes(piece))
            piece.clear()
    return [*pieces, bytes(piece)]


def _across_crlf(events: list[bytes]) -> list[bytes]:
    """CRLF with every cut between its two bytes."""
    pieces = b"".join(_crlf(events)).split(b"\r\n")
    return [pieces[0] + b"\r", *(b"\n" + piece + b"\r" for piece in pieces[1:-1]), b"\n"]


def _no_last_blank_line(events: list[bytes]) -> list[bytes]:
    return [*events[:-1], events[-1].rstrip(b"\n") + b"\n"]


FRAMINGS: dict[str, Framing] = {
    "framed_crlf": _crlf,
    "framed_cr": _cr,
    "framed_comments": _comments,
    "framed_fields": _fields,
    "framed_without_space": _without_space,
    "framed_byte_order_mark": _byte_order_mark,
    "framed_one_write": _one_write,
    "framed_single_bytes": _single_bytes,
    "framed_within_characters": _within_characters,
    "framed_across_crlf": _across_crlf,
    "framed_no_last_blank_line": _no_last_blank_line,
}
