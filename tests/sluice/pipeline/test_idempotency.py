"""One answer and one turn for each Idempotency-Key."""

import asyncio
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import (
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    OverloadedError,
    headers,
)
from sluice.pipeline.idempotency import (
    LONGEST_WAIT_SECONDS,
    SETTLING_SECONDS,
    STORING_SECONDS,
    Attempt,
    Idempotency,
    replayed,
    retry_after,
)
from sluice.pipeline.recording import EVENT_STREAM, JSON, KeptSlot, Slot
from sluice.stores.aws import AWSError, UnansweredError
from sluice.stores.idempotency_records import Beginning, Begun, Claim, Done, OtherBody, Running
from sluice.stores.kept_replies import KeptReply, PackedReply, unpacked

NOW = 1_795_219_201.5
SECONDS = 1000
REPLY = KeptReply(JSON, b'{"id":1}')


class Store:
    """A table in memory. A call that is ``held`` is carried out when the gate opens, whoever still waits for it."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}
        self.replies: dict[str, KeptReply] = {}
        self.calls: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.held = ""
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    async def begin(self, claim: Claim) -> Beginning:
        return await asyncio.shield(asyncio.create_task(self._begin(claim)))

    async def _begin(self, claim: Claim) -> Beginning:
        await self._called("begin")
        standing = self.claims.setdefault(claim.id, claim)
        self._answer("begin")
        if standing == claim:
            return Begun()
        if standing.body_hash != claim.body_hash:
            return OtherBody()
        if claim.id in self.replies:
            return Done(self.replies[claim.id])
        return Running(standing.begun_at, standing.running_until)

    async def finish(self, claim: Claim, reply: PackedReply) -> bool:
        await self._called("finish")
        self._answer("finish")
        self.replies[claim.id] = unpacked(reply)
        return True

    async def forget(self, claim: Claim) -> None:
        await self._called("forget")
        self._answer("forget")
        if self.claims.get(claim.id) == claim:
            del self.claims[claim.id]

    async def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if operation == self.held:
            self.asked.set()
            await self.gate.wait()

    def _answer(self, operation: str) -> None:
        if operation in self.errors:
            raise self.errors[operation]


class World:
    """Requests with the same Idempotency-Key, unless they say otherwise."""

    def __init__(self) -> None:
        self.store = Store()
        self.now = NOW
        self.idempotency = Idempotency(self.store, seconds=SECONDS, clock=lambda: self.now)
        self._requests = 0

    def attempt(self, **members: Any) -> Attempt:
        self._requests += 1
        defaults: dict[str, Any] = {
            "key_id": "key_1",
            "idempotency_key": "once",
            "path": "/v1/chat/completions",
            "request_hash": "a" * 64,
            "request_id": f"req_{self._requests}",
            "streams": False,
            "deadline": asyncio.get_running_loop().time() + 30,
        }
        return Attempt(**(defaults | members))

    async def answer(self, **members: Any) -> None:
        """Make a request and answer it, as the path does."""
        async with self.idempotency.turn(self.attempt(**members)) as slot:
            assert isinstance(slot, KeptSlot)
            async with slot.keeping():
                slot.whole(REPLY.body)

    async def ask(self, **members: Any) -> KeptReply | Slot:
        """Make a request; what it gets, it leaves at once."""
        async with self.idempotency.turn(self.attempt(**members)) as turn:
            return turn


@pytest.fixture
def world() -> World:
    return World()


async def test_a_reply_is_given_again(world: World) -> None:
    await world.answer()
    assert await world.ask() == REPLY
    assert world.store.calls == ["begin", "finish", "begin"]


@pytest.mark.parametrize("absent", [None, ""])
async def test_without_a_key_nothing_is_asked_or_kept(world: World, absent: str | None) -> None:
    assert type(await world.ask(idempotency_key=absent)) is Slot
    assert world.store.calls == []


@pytest.mark.parametrize("key", ["!", "~" * 255, "stainless-python-retry-0a2f", '"quoted"'])
async def test_visible_ascii_is_a_key(world: World, key: str) -> None:
    await world.answer(idempotency_key=key)
    assert await world.ask(idempotency_key=key) == REPLY


@pytest.mark.parametrize("key", ["a" * 256, "a b", "ä", "a\t", "\x7f", "a\n", " "])
async def test_anything_else_is_refused_in_words(world: World, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="255 visible ASCII") as caught:
        await world.ask(idempotency_key=key)
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, None, None)
    assert world.store.calls == []


@pytest.mark.parametrize("other", [{"request_hash": "b" * 64}, {"path": "/v1/chat"}])
async def test_a_key_is_for_one_body_and_path(world: World, other: dict[str, str]) -> None:
    await world.answer()
    with pytest.raises(IdempotencyKeyReusedError):
        await world.ask(**other)


async def test_a_key_of_one_client_is_none_of_anothers(world: World) -> None:
    await world.answer()
    assert isinstance(await world.ask(key_id="key_2", request_hash="b" * 64), KeptSlot)
    # Nor do two pairs look alike because their ends meet elsewhere.
    assert isinstance(await world.ask(key_id="key_1o", idempotency_key="nce"), KeptSlot)


async def test_what_is_stored_of_a_request(world: World) -> None:
    await world.answer()
    (claim,) = world.store.claims.values()
    assert claim == Claim(
        id=hashlib.sha256(b"key_1\nonce").hexdigest(),
        request_id="req_1",
        body_hash=hashlib.sha256(b"/v1/chat/completions\n" + b"a" * 64).hexdigest(),
        begun_at=int(NOW),
        running_until=int(NOW) + 1 + 30 + SETTLING_SECONDS,
        expires_at=int(NOW) + 1 + SECONDS,
    )


@pytest.mark.parametrize(("streams", "content_type"), [(False, JSON), (True, EVENT_STREAM)])
async def test_a_reply_has_its_kind(world: World, streams: bool, content_type: str) -> None:
    await world.answer(streams=streams)
    assert await world.ask(streams=streams) == KeptReply(content_type, REPLY.body)


async def test_while_one_runs_the_others_are_told_when_to_come_again(world: World) -> None:
    async with world.idempotency.turn(world.attempt()):
        world.now += 12
        with pytest.raises(IdempotencyInProgressError) as caught:
            await world.ask()
    assert headers(caught.value)["retry-after"] == "13"
    assert world.store.calls == ["begin", "begin", "forget"]  # by the first one only


async def test_a_request_without_a_whole_reply_makes_room_for_the_next(world: World) -> None:
    with pytest.raises(OverloadedError):
        async with world.idempotency.turn(world.attempt()):
            raise OverloadedError("busy")
    assert isinstance(await world.ask(), KeptSlot)


async def test_a_request_that_is_cancelled_makes_room_though_it_is_cancelled_again(world: World) -> None:
    world.store.held = "forget"
    began = asyncio.Event()

    async def run() -> None:
        async with world.idempotency.turn(world.attempt()):
            began.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await began.wait()
    running.cancel()
    await world.store.asked.wait()
    await cancelled(world, running)
    assert world.store.claims == {}


async def test_a_turn_that_a_cancelled_request_may_still_get_is_given_up(world: World) -> None:
    world.store.held = "begin"
    running = asyncio.create_task(world.ask())
    await world.store.asked.wait()
    await cancelled(world, running)
    assert world.store.calls == ["begin", "forget"]
    assert world.store.claims == {}


async def cancelled(world: World, running: asyncio.Task[Any]) -> None:
    """Cancel a request whose call is held, and let that be carried out a while later."""
    running.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    world.store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_turn_that_nobody_knows_of_is_given_up(world: World) -> None:
    world.store.errors["begin"] = UnansweredError("busy", retry_after=1)
    with pytest.raises(OverloadedError):
        await world.ask()
    assert world.store.claims == {}


async def test_where_turns_cannot_be_had_nothing_begins(world: World) -> None:
    world.store.errors["begin"] = OverloadedError("busy", retry_after=1)
    with pytest.raises(OverloadedError):
        await world.answer()
    assert world.store.calls == ["begin"]


@pytest.mark.parametrize("error", [OverloadedError("busy"), AWSError("DeleteItem", "AccessDenied", "no")])
async def test_a_turn_that_cannot_be_given_up_harms_nobody_else(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.errors["forget"] = error
    assert isinstance(await world.ask(), KeptSlot)
    assert "the turn of req_1 could not be given up" in caplog.text
    assert "once" not in caplog.text


async def test_a_reply_that_cannot_be_kept_is_not_in_the_way(world: World) -> None:
    world.store.errors["finish"] = OverloadedError("busy")
    await world.answer()
    assert world.store.calls == ["begin", "finish"]
    with pytest.raises(IdempotencyInProgressError):  # for a while: to run it anew would charge it again
        await world.ask()


@given(elapsed=st.integers(0, 4 * 400).map(lambda quarters: quarters / 4), duration=st.integers(1, 300))
def test_a_wait_is_one_that_sdks_keep_and_not_longer_than_it_has_to_be(elapsed: float, duration: int) -> None:
    running = Running(int(NOW), int(NOW) + duration + SETTLING_SECONDS)
    now = running.begun_at + elapsed
    wait = retry_after(running, now)
    assert 1 <= wait <= LONGEST_WAIT_SECONDS
    if elapsed < duration:
        until_it_is_over = duration + STORING_SECONDS - elapsed
        assert min(elapsed, LONGEST_WAIT_SECONDS, until_it_is_over) <= wait <= until_it_is_over


@pytest.mark.parametrize(
    ("gave_up", "retries", "answered"),
    [
        (0.0, 2, 10.0),  # the connection broke at once
        (5.0, 1, 10.5),  # a client timed out
        (20.0, 1, 30.0),  # the same, and the answer takes all of the time that it may
        (60.0, 1, 120.0),  # a stream broke off
        (100.0, 2, 220.0),
    ],
)
def test_an_sdk_that_keeps_the_wait_gets_an_answer_that_takes_so_long(
    gave_up: float, retries: int, answered: float
) -> None:
    """It comes back half a second after it gave up, and has then so many attempts left beside that one."""
    deadline = 30 if answered <= 30 else 300
    running = Running(int(NOW), int(NOW) + deadline + SETTLING_SECONDS)
    now = running.begun_at + gave_up + 0.5
    for _ in range(retries):
        now += retry_after(running, now)
    assert now >= running.begun_at + answered


@pytest.mark.parametrize("size", [1, 64 * 1024, 64 * 1024 + 1, 300_000])
async def test_a_stream_is_replayed_to_its_last_byte_and_no_further(size: int) -> None:
    frames = [frame async for frame in replayed(KeptReply(EVENT_STREAM, bytes(size)))]
    assert b"".join(frame.data for frame in frames) == bytes(size)
    assert [frame.last for frame in frames] == [False] * (len(frames) - 1) + [True]
