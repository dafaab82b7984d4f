"""A request with an Idempotency-Key is answered and charged once, however often its client has to send it.

    async with idempotency.turn(…) as turn:        the reply kept before: replay it. Or else a slot:
        async with held(…) as hold:                    admit
            async with turn.keeping():                     call the provider, answer the client
                …                                          the whole reply is stored
                                                       settle
                                                   without a whole reply, the turn is given up

The reply is stored BEFORE the request is settled in the ledger. A process that dies between the two leaves a reply that
is replayed for nothing; the other way round it would leave a charge, and a retry would make a second one.

Only whole, successful replies are kept: after an error a retry runs anew. Of a stream that is every byte up to
``[DONE]``; a client that left before its end gets the whole of it when it comes back.
"""

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, assert_never

from sluice.errors import (
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    OverloadedError,
)
from sluice.observability import logger
from sluice.pipeline.recording import EVENT_STREAM, JSON, KeptSlot, ReplyStore, Slot
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.aws import AWSError, UnansweredError
from sluice.stores.idempotency_records import Beginning, Begun, Claim, Done, OtherBody, Running
from sluice.stores.kept_replies import KeptReply
from sluice.wire.sse import Frame

HEADER = "idempotency-key"
REPLAYED = {"idempotent-replayed": "true"}
"""The header of a reply that was made for an earlier request."""

MAX_KEY_LENGTH = 255

SETTLING_SECONDS = 60
"""How long past its deadline a request's turn lasts: longer than what a function's timeout leaves it to store the reply
and to settle, so that a turn which is taken over belongs to a process that is dead, a few seconds of wrong clocks
included."""

# When a request is to come again that finds an earlier one running. The OpenAI SDKs try twice more, and one of the two
# is gone if what failed first was a timeout: two short waits would use them up on an answer that takes its time. How
# long that will be nobody knows, but what has run for ten seconds is likelier to need ten more than one. So: as long as
# it has run by now, which doubles with each attempt; no less than most answers take; and no longer than until its
# deadline, when it is over either way. SDKs wait for a minute; most versions ignore a header that asks for more.
SHORTEST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
STORING_SECONDS = 1.0
"""From the deadline until the reply can be had."""

FRAME_BYTES = 64 * 1024
"""A stored stream is sent in pieces, so that a slow client fills no buffer with all of it."""

_VISIBLE = re.compile(r"[!-~]+")


class TurnStore(ReplyStore, Protocol):
    """Where turns and replies are kept: ``stores.idempotency.IdempotencyStore``, which says what each method does."""

    async def begin(self, claim: Claim) -> Beginning:
        """Take a turn, or find out who had it before."""
        ...

    async def forget(self, claim: Claim) -> None:
        """Give up a turn."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request that may have an Idempotency-Key.

    Attributes:
        key_id: of the API key; its clients share no Idempotency-Key with those of others.
        idempotency_key: the header's value; None without one.
        path: the request's.
        request_hash: of its body.
        request_id: its own; sorts by time.
        streams: whether the reply is a stream.
        deadline: by the loop's clock.
    """

    key_id: str
    idempotency_key: str | None
    path: str
    request_hash: str
    request_id: str
    streams: bool
    deadline: float


class Idempotency:
    """Gives requests their turns.

    Args:
        store: of turns and replies.
        seconds: how long a reply is kept.
        clock: epoch seconds.
    """

    def __init__(self, store: TurnStore, *, seconds: int, clock: Callable[[], float]) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock

    @asynccontextmanager
    async def turn(self, attempt: Attempt) -> AsyncGenerator[KeptReply | Slot]:
        """Find the reply that is kept for a request, or take its turn.

        A turn that ends without a reply that is kept is given up, also if the request's task is cancelled.

        Raises:
            InvalidRequestError: the Idempotency-Key is none.
            IdempotencyKeyReusedError: it belongs to a request for something else.
            IdempotencyInProgressError: its first request is still being answered.
            OverloadedError: DynamoDB throttles or cannot be reached. Nothing is begun then.
        """
        if not attempt.idempotency_key:
            yield Slot()
            return
        claim = self._claim(attempt, checked(attempt.idempotency_key))
        match await self._begun(claim):
            case Begun(earlier):
                slot = KeptSlot(self._store, claim, EVENT_STREAM if attempt.streams else JSON, earlier)
                try:
                    yield slot
                finally:
                    if slot.open:
                        await to_the_end(self._forgotten(claim))
            case Done(reply):
                yield reply
            case Running() as running:
                raise IdempotencyInProgressError(
                    "The first request with this Idempotency-Key is still being answered.",
                    retry_after=retry_after(running, self._clock()),
                )
            case OtherBody():
                raise IdempotencyKeyReusedError(
                    "This Idempotency-Key belongs to an earlier request with another body or path."
                )
            case unknown:
                assert_never(unknown)

    async def _begun(self, claim: Claim) -> Beginning:
        """Ask for the turn; when that is given up half way, it may have been taken all the same."""
        try:
            return await to_the_end(self._store.begin(claim))
        except (UnansweredError, asyncio.CancelledError):
            await to_the_end(self._forgotten(claim))
            raise

    async def _forgotten(self, claim: Claim) -> None:
        try:
            await self._store.forget(claim)
        except (OverloadedError, AWSError):
            logger.warning(
                "the turn of %s could not be given up; its Idempotency-Key is taken until it expires",
                claim.request_id,
                exc_info=True,
            )

    def _claim(self, attempt: Attempt, idempotency_key: str) -> Claim:
        now = self._clock()
        left = max(0.0, attempt.deadline - asyncio.get_running_loop().time())
        return Claim(
            id=_digest(attempt.key_id, idempotency_key),
            request_id=attempt.request_id,
            body_hash=_digest(attempt.path, attempt.request_hash),
            begun_at=int(now),
            running_until=math.ceil(now + left) + SETTLING_SECONDS,
            expires_at=math.ceil(now) + self._seconds,
        )


def checked(idempotency_key: str) -> str:
    """The value of an Idempotency-Key header, if it is one.

    Raises:
        InvalidRequestError: it is not.
    """
    if len(idempotency_key) > MAX_KEY_LENGTH or not _VISIBLE.fullmatch(idempotency_key):
        raise InvalidRequestError(
            f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} visible ASCII characters and no space."
        )
    return idempotency_key


def retry_after(running: Running, now: float) -> float:
    """Seconds after which a request that finds another one running may come again."""
    deadline = running.running_until - SETTLING_SECONDS
    end = deadline + STORING_SECONDS if now < deadline else running.running_until
    likely = min(max(now - running.begun_at, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
    return max(1.0, min(likely, end - now))


async def replayed(reply: KeptReply) -> AsyncGenerator[Frame]:
    """The frames of a stream that is kept: the same bytes, at once, cut elsewhere."""
    body = reply.body
    for start in range(0, len(body), FRAME_BYTES):
        end = start + FRAME_BYTES
        yield Frame(body[start:end], last=end >= len(body))


def _digest(*texts: str) -> str:
    """None of the texts holds a line end, so that no two sequences of them look alike."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
