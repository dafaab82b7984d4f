"""Framing must not depend on how the network splits the bytes."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.wire import sse
from sluice.wire.events import FramingError, WireEvent
from sluice.wire.sse import SSEDecoder

STREAM = (
    "\ufeff: hello\r\n"
    'data: {"text":"a\u2028b\u0085c — 🦊"}\n\n'
    "event: named\rdata:no space\rdata:  two spaces\r\r"
    "id: 7\nretry: 5\ndata: [DONE]\r\n\r\n"
    "event: no data\n\n"
).encode()
EVENTS = [
    WireEvent('{"text":"a\u2028b\u0085c — 🦊"}'.encode()),
    WireEvent(b"no space\n two spaces", "named"),
    WireEvent(b"[DONE]"),
]


def decode(*pieces: bytes) -> list[WireEvent]:
    decoder = SSEDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.flush()


@pytest.mark.parametrize("position", range(len(STREAM) + 1))
def test_a_split_anywhere_changes_nothing(position: int) -> None:
    assert decode(STREAM[:position], STREAM[position:]) == EVENTS


def test_single_bytes_change_nothing() -> None:
    assert decode(*(STREAM[position : position + 1] for position in range(len(STREAM)))) == EVENTS


@given(st.data())
def test_random_splits_change_nothing(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(STREAM)), max_size=20)))
    pieces = [STREAM[start:end] for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    assert decode(*pieces) == EVENTS


line = st.binary().filter(lambda data: not set(data) & {10, 13})


@given(st.lists(st.lists(line, min_size=1)), st.sampled_from([b"\n", b"\r", b"\r\n"]), st.integers(1, 7))
def test_what_is_framed_is_read_back(events: list[list[bytes]], end: bytes, size: int) -> None:
    raw = b"".join(b"".join(b"data: " + part + end for part in parts) + end for parts in events)
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert [event.data for event in decode(*pieces)] == [b"\n".join(parts) for parts in events]


def test_an_event_leaves_at_its_blank_line_and_not_at_the_next_event() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: one\n\n") == [WireEvent(b"one")]
    assert decoder.feed(b"data: two\n") == []
    assert decoder.feed(b"\n") == [WireEvent(b"two")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_an_event_leaves_with_its_last_byte_whatever_ends_its_lines(end: bytes) -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: one" + end + end[:1]) == [WireEvent(b"one")]
    assert decoder.feed(end[1:] + b"data: two" + end + end) == [WireEvent(b"two")]


def test_the_end_completes_an_event_without_its_blank_line() -> None:
    assert decode(b"data: [DONE]") == [WireEvent(b"[DONE]")]
    assert decode(b"data: [DONE]\r") == [WireEvent(b"[DONE]")]
    assert decode(b"data: [DONE]\n") == [WireEvent(b"[DONE]")]


def test_an_endless_line_is_refused() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    with pytest.raises(FramingError, match="exceeds"):
        for _ in range(sse.MAX_EVENT_BYTES // 2**20 + 1):
            decoder.feed(b"x" * 2**20)


class Counting:
    """Counts the bytes in which line ends are looked for."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern = pattern
        self.bytes = 0

    def finditer(self, data: bytes) -> Iterator[re.Match[bytes]]:
        self.bytes += len(data)
        return self.pattern.finditer(data)


def test_no_byte_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(sse._LINE_END)
    monkeypatch.setattr(sse, "_LINE_END", counting)
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    for _ in range(1_000):
        decoder.feed(b"x" * 100)
    (event,) = decoder.feed(b"\n\n")
    assert len(event.data) == 100_000
    assert counting.bytes == 6 + 100_000 + 2


def test_endless_empty_data_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000)
    with pytest.raises(FramingError, match="exceeds"):
        SSEDecoder().feed(b"data:\n" * 1_002)


def test_endless_data_lines_are_refused() -> None:
    decoder = SSEDecoder()
    with pytest.raises(FramingError, match="exceeds"):
        for _ in range(sse.MAX_EVENT_BYTES // 2**20 + 1):
            decoder.feed(b"data: " + b"x" * 2**20 + b"\n")


def test_our_frames_are_read_back() -> None:
    assert sse.frame('{"a":"\u2028\u2029\u0085"}'.encode()) == b'data: {"a":"\\u2028\\u2029\\u0085"}\n\n'
    assert decode(sse.KEEP_ALIVE, sse.frame(b'{"a":1}'), sse.DONE) == [
        WireEvent(b'{"a":1}'),
        WireEvent(b"[DONE]"),
    ]
