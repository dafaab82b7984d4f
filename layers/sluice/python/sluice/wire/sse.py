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


def frame(data: bytes) -> bytes:
    """One event for the client. ``data`` is JSON, so it holds no line end."""
    return b"data: " + data + b"\n\n"


class SSEDecoder:
    """Bytes to events.

    An event without a ``data`` field is dropped, as the standard says; comments, ``id`` and ``retry`` are read over.
    Unlike a browser, ``flush`` gives back an event whose closing blank line never came: several hosts leave it out
    after their last event. Whether a stream is complete is the provider module's to judge, not this one's.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = ""
        self._at_start = True
        self._after_return = False

    def feed(self, data: bytes) -> list[WireEvent]:
        """Take the next bytes; return the events they complete.

        Raises:
            FramingError: one event exceeds ``MAX_EVENT_BYTES``.
        """
        buffer = self._buffer + data
        if self._at_start:
            if len(buffer) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(buffer):
                self._buffer = buffer
                return []
            buffer = buffer.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        if self._after_return and buffer:
            buffer = buffer.removeprefix(b"\n")  # the LF of a CRLF whose CR has ended its line already
            self._after_return = False
        events: list[WireEvent] = []
        position = 0
        for match in _LINE_END.finditer(buffer):
            self._line(buffer[position : match.start()], events)
            position = match.end()
            self._after_return = match.group() == b"\r" and position == len(buffer)
        self._buffer = buffer[position:]
        if len(self._buffer) + self._data_bytes > MAX_EVENT_BYTES:
            raise FramingError(f"a server-sent event exceeds {MAX_EVENT_BYTES} bytes")
        return events

    def flush(self) -> list[WireEvent]:
        """End of the bytes; return the event that was still open, if it has data."""
        events: list[WireEvent] = []
        if self._buffer:
            self._line(self._buffer, events)
            self._buffer = b""
        self._line(b"", events)
        return events

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
            self._data_bytes += len(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
