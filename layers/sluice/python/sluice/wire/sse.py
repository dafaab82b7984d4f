"""Server-sent events (WHATWG HTML, section 9.2) in both directions.

Lines end in LF, CR or CRLF and in nothing else: U+2028 and U+0085 are ordinary characters inside JSON strings, so no
text splitter is used. Bytes are only split at ASCII, so a split inside a UTF-8 sequence cannot be seen.
"""

import re
from dataclasses import dataclass

from sluice.wire.events import FramingError, WireEvent

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""More than any reply in one event; a stream without a line end must not fill the memory."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

DONE = b"data: [DONE]\n\n"
"""The frame that ends every good stream of OpenAI's protocol."""

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: every decoder skips it, every proxy sees traffic."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes for the client, and whether they are the last ones."""

    data: bytes
    last: bool = False


_ESCAPES = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


def frame(data: bytes) -> bytes:
    """One event for the client. ``data`` is JSON, so it holds no line end of the format.

    Three characters that are none here, but end lines for text splitters, are escaped as JSON allows: hand-written
    clients split with those.
    """
    for character, escape in _ESCAPES:
        if character in data:
            data = data.replace(character, escape)
    return b"data: " + data + b"\n\n"


class SSEDecoder:
    """Bytes to events, in time that grows with the number of bytes only, however they are split.

    An event without a ``data`` field is dropped, as the standard says; comments, ``id`` and ``retry`` are read over.
    Unlike a browser, ``flush`` gives back an event whose closing blank line never came: several hosts leave it out
    after their last event. Whether a stream is complete is the provider module's to judge, not this one's.
    """

    def __init__(self) -> None:
        self._start: bytes | None = (
            b""  # the first bytes, until it is known whether they are a byte order mark
        )
        self._open = bytearray()  # the line whose end has not come yet
        self._after_return = False
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = ""

    def feed(self, data: bytes) -> list[WireEvent]:
        """Take the next bytes; return the events they complete.

        Raises:
            FramingError: one event exceeds ``MAX_EVENT_BYTES``.
        """
        if self._start is not None:
            data = self._start + data
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                self._start = data
                return []
            data = data.removeprefix(_BYTE_ORDER_MARK)
            self._start = None
        if self._after_return and data:
            data = data.removeprefix(b"\n")  # the LF of a CRLF whose CR has ended its line already
            self._after_return = False
        events: list[WireEvent] = []
        position = 0
        for match in _LINE_END.finditer(data):
            self._end_line(data[position : match.start()], events)
            position = match.end()
            self._after_return = match.group() == b"\r" and position == len(data)
        self._open += data[position:]
        if len(self._open) + self._data_bytes > MAX_EVENT_BYTES:
            raise FramingError(f"a server-sent event exceeds {MAX_EVENT_BYTES} bytes")
        return events

    def flush(self) -> list[WireEvent]:
        """End of the bytes; return the event that was still open, if it has data."""
        events: list[WireEvent] = []
        if self._open:
            self._end_line(b"", events)
        self._line(b"", events)
        return events

    def _end_line(self, rest: bytes, events: list[WireEvent]) -> None:
        if self._open:
            self._open += rest
            rest = bytes(self._open)
            self._open.clear()
        self._line(rest, events)

    def _line(self, line: bytes, events: list[WireEvent]) -> None:
        if not line:
            if self._data:
                events.append(WireEvent(b"\n".join(self._data), self._name))
            self._data, self._data_bytes, self._name = [], 0, ""
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
