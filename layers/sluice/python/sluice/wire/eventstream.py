"""AWS's binary event stream (``application/vnd.amazon.eventstream``) in both directions.

A message is a prelude (length of the whole, length of the headers, CRC-32 of both), headers, a payload and the CRC-32
of all that. Three of the headers say what it is: ``:message-type`` is ``event``, ``exception`` or ``error``; the first
two have their name in ``:event-type`` or ``:exception-type``, an error has a code and a text and no payload.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html.
"""

import datetime as dt
import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from sluice.wire.events import FramingError, WireEvent

CONTENT_TYPE = "application/vnd.amazon.eventstream"

MAX_MESSAGE_BYTES = 24 * 1024 * 1024
"""What botocore takes for a payload; a length that is made up must not fill the memory."""
MAX_HEADERS_BYTES = 128 * 1024

EXCEPTION = "exception/"
"""Before the name of an exception, as an event's name here."""
ERROR = "error/"
"""Before the code of an error, which is no more than that and a text."""

type HeaderValue = bool | int | bytes | str | dt.datetime | uuid.UUID


class HeaderType(IntEnum):
    """How a header's value is written."""

    TRUE = 0
    FALSE = 1
    BYTE = 2
    SHORT = 3
    INTEGER = 4
    LONG = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8
    UUID = 9


_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_INTEGERS: Final[Mapping[int, struct.Struct]] = {
    HeaderType.BYTE: struct.Struct(">b"),
    HeaderType.SHORT: struct.Struct(">h"),
    HeaderType.INTEGER: struct.Struct(">i"),
    HeaderType.LONG: struct.Struct(">q"),
    HeaderType.TIMESTAMP: struct.Struct(">q"),
}
_LEAST_BYTES: Final = _PRELUDE.size + _CRC.size
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND: Final = dt.timedelta(milliseconds=1)
_UUID_BYTES: Final = 16


class EventStreamDecoder:
    """Bytes to events, however they are split; every checksum is checked."""

    def __init__(self) -> None:
        self._open = bytearray()

    def feed(self, data: bytes) -> list[WireEvent]:
        """Take the next bytes; return the events they complete.

        Raises:
            FramingError: they are damaged, or no such messages.
        """
        self._open += data
        events: list[WireEvent] = []
        start = 0
        while len(self._open) - start >= _PRELUDE.size:
            total, headers_length = self._prelude(start)
            if len(self._open) - start < total:
                break
            message = bytes(self._open[start : start + total])
            events.append(_event(message, headers_length))
            start += total
        del self._open[:start]
        return events

    def flush(self) -> list[WireEvent]:
        """End of the bytes: no event ends there.

        Raises:
            FramingError: a message was begun.
        """
        if self._open:
            raise FramingError("an event stream ends inside a message")
        return []

    def _prelude(self, start: int) -> tuple[int, int]:
        """The length of the message that starts there, and of its headers."""
        total, headers_length, checksum = _PRELUDE.unpack_from(self._open, start)
        if zlib.crc32(self._open[start : start + 8]) != checksum:
            raise FramingError("the checksum of an event's prelude is wrong")
        if headers_length > MAX_HEADERS_BYTES or total > MAX_MESSAGE_BYTES:
            raise FramingError("an event is larger than any event may be")
        if total < _LEAST_BYTES + headers_length:
            raise FramingError("an event is shorter than its own headers")
        return total, headers_length


def _event(message: bytes, headers_length: int) -> WireEvent:
    """The event of a whole message."""
    (checksum,) = _CRC.unpack_from(message, len(message) - _CRC.size)
    if zlib.crc32(memoryview(message)[: -_CRC.size]) != checksum:
        raise FramingError("the checksum of an event is wrong")
    payload = _PRELUDE.size + headers_length
    headers = _headers(message, _PRELUDE.size, payload)
    data = message[payload : -_CRC.size]
    match headers.get(":message-type"):
        case "event":
            return WireEvent(data, _text(headers, ":event-type"))
        case "exception":
            return WireEvent(data, EXCEPTION + _text(headers, ":exception-type"))
        case "error":
            text = headers.get(":error-message", "")
            return WireEvent(str(text).encode(), ERROR + _text(headers, ":error-code"))
        case _:
            raise FramingError("an event does not say what it is")


def _text(headers: Mapping[str, HeaderValue], name: str) -> str:
    value = headers.get(name)
    if not isinstance(value, str):
        raise FramingError(f"an event has no '{name}'")
    return value


def headers_of(data: bytes) -> dict[str, HeaderValue]:
    """The headers in their part of a message.

    Raises:
        FramingError: they are malformed, or one stands twice.
    """
    return _headers(data, 0, len(data))


def _headers(data: bytes, position: int, end: int) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    try:
        while position < end:
            name_end = position + 1 + data[position]
            name = data[position + 1 : name_end].decode("utf-8")
            value, position = _header_value(data, name_end)
            if name in headers:
                raise FramingError(f"an event has the header '{name:.40}' twice")
            headers[name] = value
    except (IndexError, OverflowError, UnicodeDecodeError, struct.error) as error:
        raise FramingError("the headers of an event are malformed") from error
    if position != end:
        raise FramingError("the headers of an event are longer than they say")
    return headers


def _header_value(data: bytes, position: int) -> tuple[HeaderValue, int]:
    """A value that begins with its type, and where it ends."""
    kind = data[position]
    position += 1
    match kind:
        case HeaderType.STRING | HeaderType.BYTES:
            start = position + _LENGTH.size
            end = start + _LENGTH.unpack_from(data, position)[0]
            return data[start:end].decode("utf-8") if kind == HeaderType.STRING else data[start:end], end
        case HeaderType.TRUE | HeaderType.FALSE:
            return kind == HeaderType.TRUE, position
        case HeaderType.UUID:
            end = position + _UUID_BYTES
            if end > len(data):
                raise FramingError("a header of an event ends early")
            return uuid.UUID(bytes=data[position:end]), end
        case _ if (form := _INTEGERS.get(kind)) is not None:
            (number,) = form.unpack_from(data, position)
            value = _EPOCH + number * _MILLISECOND if kind == HeaderType.TIMESTAMP else number
            return value, position + form.size
        case _:
            raise FramingError(f"an event has a header of the unknown type {kind}")


def encoded(headers: Iterable[tuple[str, HeaderType, HeaderValue]], payload: bytes) -> bytes:
    """A message.

    Raises:
        ValueError: a header's value is not of its type, or larger than it may be.
    """
    try:
        head = b"".join(_encoded_header(*header) for header in headers)
    except (AttributeError, TypeError, struct.error) as error:
        raise ValueError("a header's value does not fit its type") from error
    total = _LEAST_BYTES + len(head) + len(payload)
    lengths = _PRELUDE.pack(total, len(head), 0)[:8]
    message = lengths + _CRC.pack(zlib.crc32(lengths)) + head + payload
    return message + _CRC.pack(zlib.crc32(message))


def _encoded_header(name: str, kind: HeaderType, value: HeaderValue) -> bytes:
    written = name.encode("utf-8")
    return bytes((len(written),)) + written + bytes((kind,)) + _encoded_value(kind, value)


def _encoded_value(kind: HeaderType, value: HeaderValue) -> bytes:
    match kind, value:
        case (HeaderType.TRUE, True) | (HeaderType.FALSE, False):
            return b""
        case HeaderType.STRING, str(text):
            data = text.encode("utf-8")
            return _LENGTH.pack(len(data)) + data
        case HeaderType.BYTES, bytes(data):
            return _LENGTH.pack(len(data)) + data
        case HeaderType.TIMESTAMP, dt.datetime() as time:
            return _INTEGERS[kind].pack((time - _EPOCH) // _MILLISECOND)
        case HeaderType.UUID, uuid.UUID() as identifier:
            return identifier.bytes
        case _, int(number) if kind in _INTEGERS and kind != HeaderType.TIMESTAMP:
            return _INTEGERS[kind].pack(number)
        case _:
            raise TypeError(kind)
