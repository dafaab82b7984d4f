"""AWS's event stream, held against botocore's own decoder."""

import contextlib
import datetime as dt
import struct
import uuid
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire.events import FramingError, WireEvent
from sluice.wire.eventstream import (
    MAX_HEADERS_BYTES,
    MAX_MESSAGE_BYTES,
    EventStreamDecoder,
    HeaderType,
    HeaderValue,
    encoded,
    headers_of,
)

type Header = tuple[str, HeaderType, HeaderValue]

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
BITS = {HeaderType.BYTE: 7, HeaderType.SHORT: 15, HeaderType.INTEGER: 31, HeaderType.LONG: 63}


def values(kind: HeaderType) -> st.SearchStrategy[HeaderValue]:
    match kind:
        case HeaderType.TRUE | HeaderType.FALSE:
            return st.just(kind == HeaderType.TRUE)
        case HeaderType.BYTES:
            return st.binary(max_size=40)
        case HeaderType.STRING:
            return st.text(max_size=40)
        case HeaderType.UUID:
            return st.uuids()
        case HeaderType.TIMESTAMP:
            return st.integers(-(2**40), 2**40).map(lambda number: EPOCH + dt.timedelta(milliseconds=number))
        case _:
            return st.integers(-(2 ** BITS[kind]), 2 ** BITS[kind] - 1)


def header(name: str) -> st.SearchStrategy[Header]:
    return st.sampled_from(HeaderType).flatmap(
        lambda kind: st.tuples(st.just(name), st.just(kind), values(kind))
    )


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
HEADERS: st.SearchStrategy[list[Header]] = st.lists(NAMES, unique=True, max_size=6).flatmap(
    lambda names: st.tuples(*map(header, names)).map(list)
)


def event(data: bytes, name: str = "contentBlockDelta", kind: str = "event") -> bytes:
    return encoded(
        [
            (f":{kind}-type", HeaderType.STRING, name),
            (":content-type", HeaderType.STRING, "application/json"),
            (":message-type", HeaderType.STRING, kind),
        ],
        data,
    )


def framed(head: bytes, payload: bytes = b"") -> bytes:
    """A message with good checksums around any headers."""
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def decoded(*parts: bytes) -> list[WireEvent]:
    decoder = EventStreamDecoder()
    events = [event for part in parts for event in decoder.feed(part)]
    return events + decoder.flush()


def as_botocore_has_it(value: HeaderValue) -> object:
    match value:
        case dt.datetime():
            return (value - EPOCH) // dt.timedelta(milliseconds=1)
        case uuid.UUID():
            return value.bytes
        case _:
            return value


@given(HEADERS, st.binary(max_size=200))
def test_what_is_encoded_botocore_decodes(headers: list[Header], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encoded(headers, payload))
    messages: list[Any] = list(buffer)
    (message,) = messages
    assert message.payload == payload
    assert message.headers == {name: as_botocore_has_it(value) for name, _, value in headers}


@given(HEADERS)
def test_headers_come_back_with_their_types(headers: list[Header]) -> None:
    message = encoded(headers, b"")
    found = headers_of(message[12:-4])
    assert found == {name: value for name, _, value in headers}
    assert [type(value) for value in found.values()] == [type(value) for _, _, value in headers]


@given(st.lists(st.binary(max_size=60), max_size=5), st.data())
def test_a_stream_may_be_split_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(event, payloads))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decoded(*parts) == [WireEvent(payload, "contentBlockDelta") for payload in payloads]


def test_byte_by_byte() -> None:
    stream = event(b"one") + event(b"", "messageStop") + event(b"two")
    parts = [stream[at : at + 1] for at in range(len(stream))]
    assert [(found.name, found.data) for found in decoded(*parts)] == [
        ("contentBlockDelta", b"one"),
        ("messageStop", b""),
        ("contentBlockDelta", b"two"),
    ]


def test_an_event_comes_with_its_last_byte() -> None:
    decoder = EventStreamDecoder()
    stream = event(b"one")
    assert decoder.feed(stream[:-1]) == []
    assert decoder.feed(stream[-1:]) == [WireEvent(b"one", "contentBlockDelta")]


@given(st.data())
def test_any_damaged_byte_is_found_as_botocore_finds_it(data: st.DataObject) -> None:
    stream = bytearray(event(b'{"delta":{"text":"hi"}}'))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FramingError):
        decoded(bytes(stream))
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(stream))
    with pytest.raises(ParserError):
        list(buffer)


@given(st.binary(max_size=300))
def test_noise_is_a_framing_error_or_nothing_yet(noise: bytes) -> None:
    with contextlib.suppress(FramingError):
        assert decoded(noise) == []


@given(st.binary(max_size=60))
def test_headers_of_noise_under_good_checksums_are_read_or_refused(head: bytes) -> None:
    with contextlib.suppress(FramingError):
        decoded(framed(head, b"payload"))


@pytest.mark.parametrize("end", [1, 8, 11, 12, 20, -1])
def test_a_stream_that_ends_inside_a_message_is_no_stream(end: int) -> None:
    decoder = EventStreamDecoder()
    decoder.feed(event(b"whole") + event(b"cut off")[:end])
    with pytest.raises(FramingError):
        decoder.flush()


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        (MAX_MESSAGE_BYTES + 1, 0),
        (2**32 - 1, 0),
        (MAX_HEADERS_BYTES + 20, MAX_HEADERS_BYTES + 1),
        (15, 0),
        (0, 0),
        (20, 5),
    ],
)
def test_impossible_sizes_are_refused_before_the_bytes_come(total: int, headers: int) -> None:
    with pytest.raises(FramingError):
        EventStreamDecoder().feed(prelude(total, headers))


@pytest.mark.parametrize("position", range(12))
def test_a_damaged_prelude_is_found_before_anything_is_waited_for(position: int) -> None:
    head = bytearray(event(b"data")[:12])
    head[position] ^= 1
    with pytest.raises(FramingError):
        EventStreamDecoder().feed(bytes(head))


TYPE = b"\x0d:message-type\x07\x00\x05event"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        TYPE,  # without a name
        TYPE + b"\x0b:event-type\x04\x00\x00\x00\x01",  # the name is a number
        TYPE + TYPE,
        b"\x0d:message-type\x07\x00\x05other",
        b"\x01a\x0a",  # an unknown type
        b"\x01a",
        b"\x01a\x07\x00",
        b"\x01a\x07\x00\x09ab",
        b"\x01a\x09abc",
        b"\x01a\x04\x00",
        b"\x01\xff\x00",
        b"\x01a\x07\x00\x01\xff",
        b"\x01a\x08\x7f\xff\xff\xff\xff\xff\xff\xff",  # a time beyond all years
    ],
)
def test_headers_that_make_no_sense_are_refused(head: bytes) -> None:
    with pytest.raises(FramingError):
        decoded(framed(head))


def test_exceptions_and_errors_have_names_of_their_own() -> None:
    error = encoded(
        [
            (":message-type", HeaderType.STRING, "error"),
            (":error-code", HeaderType.STRING, "InternalFailure"),
            (":error-message", HeaderType.STRING, "it broke"),
        ],
        b"",
    )
    assert decoded(event(b"{}", "throttlingException", "exception"), error) == [
        WireEvent(b"{}", "exception/throttlingException"),
        WireEvent(b"it broke", "error/InternalFailure"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("a", HeaderType.TRUE, False),
        ("a", HeaderType.STRING, b"x"),
        ("a", HeaderType.BYTE, 128),
        ("a", HeaderType.BYTES, b"x" * 65536),
        ("a", HeaderType.TIMESTAMP, 5),
        ("a", HeaderType.UUID, "x"),
        ("n" * 256, HeaderType.TRUE, True),
    ],
)
def test_what_does_not_fit_is_not_encoded(wrong: Any) -> None:
    with pytest.raises(ValueError):
        encoded([wrong], b"")
