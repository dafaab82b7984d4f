"""What is taken down of a reply while it is sent, and when it is stored."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from sluice.errors import OverloadedError
from sluice.pipeline.recording import EVENT_STREAM, JSON, KeptSlot, Slot
from sluice.stores.aws import AWSError
from sluice.stores.idempotency_records import Claim
from sluice.stores.kept_replies import KeptReply, PackedReply, unpacked
from sluice.wire import sse
from sluice.wire.sse import Frame

CLAIM = Claim(id="i", request_id="req_1", body_hash="b", begun_at=1, running_until=2, expires_at=3)
FIRST = Frame(b"data: 1\n\n")
END = Frame(b"data: 2\n\n" + sse.DONE, last=True)
FAILURE = Frame(b'data: {"error": {}}\n\n', last=True)


class Store:
    """Keeps replies in memory. ``gate`` holds a reply until it is set."""

    def __init__(self) -> None:
        self.kept: list[KeptReply] = []
        self.error: Exception | None = None
        self.owned = True
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def finish(self, claim: Claim, reply: PackedReply) -> bool:
        assert claim == CLAIM
        self.asked.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.owned:
            self.kept.append(unpacked(reply))
        return self.owned


class Frames:
    """A stream whose next frame comes when the test says so."""

    def __init__(self, *frames: Frame | Exception) -> None:
        self.closed = False
        self.made = 0
        self._frames = frames

    async def stream(self) -> AsyncGenerator[Frame]:
        try:
            for frame in self._frames:
                if isinstance(frame, Exception):
                    raise frame
                self.made += 1
                yield frame
        finally:
            self.closed = True


@pytest.fixture
def store() -> Store:
    return Store()


def slot_of(store: Store, content_type: str = EVENT_STREAM) -> KeptSlot:
    return KeptSlot(store, CLAIM, content_type)


async def test_a_whole_reply_is_stored_after_it_was_sent(store: Store) -> None:
    slot = slot_of(store, JSON)
    async with slot.keeping():
        assert slot.whole(b"{}") == b"{}"
        assert store.kept == []
    assert store.kept == [KeptReply(JSON, b"{}")]
    assert not slot.open


async def test_a_stream_is_stored_with_every_byte(store: Store) -> None:
    slot = slot_of(store)
    async with slot.keeping():
        sent = [frame async for frame in slot.recorded(Frames(FIRST, Frame(sse.KEEP_ALIVE), END).stream())]
    assert sent == [FIRST, Frame(sse.KEEP_ALIVE), END]
    assert store.kept == [KeptReply(EVENT_STREAM, b"".join(frame.data for frame in sent))]


async def test_each_frame_passes_before_the_next_is_made(store: Store) -> None:
    source = Frames(FIRST, FIRST, END)
    passed = 0
    async for _ in slot_of(store).recorded(source.stream()):
        passed += 1
        assert source.made == passed


async def test_a_stream_whose_last_bytes_did_not_reach_the_client_is_whole(store: Store) -> None:
    slot, source = slot_of(store), Frames(FIRST, END)
    frames = slot.recorded(source.stream())
    async with slot.keeping():
        assert [await anext(frames), await anext(frames)] == [FIRST, END]
        await frames.aclose()
    assert source.closed
    assert store.kept == [KeptReply(EVENT_STREAM, FIRST.data + END.data)]


async def test_a_stream_that_was_not_made_to_its_end_is_not_stored(store: Store) -> None:
    slot, source = slot_of(store), Frames(FIRST, END)
    frames = slot.recorded(source.stream())
    async with slot.keeping():
        await anext(frames)
        await frames.aclose()
    assert source.closed
    assert store.kept == []
    assert slot.open


async def test_a_stream_that_ended_in_an_error_is_not_stored(store: Store) -> None:
    slot = slot_of(store)
    async with slot.keeping():
        assert [frame async for frame in slot.recorded(Frames(FIRST, FAILURE).stream())] == [FIRST, FAILURE]
    assert store.kept == []
    assert slot.open


async def test_a_request_that_failed_has_nothing_to_store(store: Store) -> None:
    slot = slot_of(store)
    with pytest.raises(OverloadedError):
        async with slot.keeping():
            async for _ in slot.recorded(Frames(FIRST, OverloadedError("busy")).stream()):
                pass
    assert store.kept == []


async def test_what_is_whole_is_stored_though_sending_it_failed(store: Store) -> None:
    slot = slot_of(store, JSON)
    with pytest.raises(ConnectionError):
        async with slot.keeping():
            slot.whole(b"{}")
            raise ConnectionError
    assert store.kept == [KeptReply(JSON, b"{}")]


async def test_a_request_that_is_cancelled_while_its_reply_is_stored_goes_on_to_store_it(
    store: Store,
) -> None:
    slot = slot_of(store, JSON)
    store.gate.clear()

    async def answer() -> None:
        async with slot.keeping():
            slot.whole(b"{}")

    answering = asyncio.create_task(answer())
    await store.asked.wait()
    answering.cancel()
    await asyncio.sleep(0)
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert store.kept == [KeptReply(JSON, b"{}")]
    assert not slot.open


@pytest.mark.parametrize("error", [OverloadedError("busy"), AWSError("PutItem", "AccessDenied", "no")])
async def test_a_reply_that_cannot_be_stored_harms_nobody_and_keeps_its_turn_from_others_for_a_while(
    store: Store, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    slot = slot_of(store, JSON)
    store.error = error
    async with slot.keeping():
        slot.whole(b"{}")
    assert not slot.open
    assert "the reply to req_1 could not be kept" in caplog.text


async def test_a_turn_that_was_taken_over_is_not_given_up(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    slot = slot_of(store, JSON)
    store.owned = False
    async with slot.keeping():
        slot.whole(b"{}")
    assert not slot.open
    assert "taken over" in caplog.text


async def test_without_a_key_everything_just_passes() -> None:
    slot, source = Slot(), Frames(FIRST, END).stream()
    async with slot.keeping():
        assert slot.whole(b"{}") == b"{}"
        assert slot.recorded(source) is source
    await source.aclose()
