"""Step 2: may the request go on? One conditional write takes its request, its tokens and its money, or nothing.

What is known of a counter is remembered, so that the write can be made without a read. A memory that is behind costs a
failed write, which brings the counter as it is; where that happens, the next slot is begun with a read. Nobody is
refused, or given less than was asked for, but by a counter as it is, nor refused for holds that have expired; a refusal
that is sure to last is remembered.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from sluice.accounting.admission import Refusal, Taking, decide
from sluice.accounting.counter import NOTHING, Counter, Hold, Limits
from sluice.accounting.demand import Bound, Fit
from sluice.errors import OverloadedError
from sluice.pipeline.limits import limits_of
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.refusals import error_of
from sluice.stores.aws import ATTEMPTS as CALL_ATTEMPTS
from sluice.stores.aws import UnansweredError
from sluice.stores.counters import CounterStore, LostRaceError
from sluice.stores.keys import KeyRecord
from sluice.stores.memory import Memory
from sluice.stores.single_flight import SingleFlight

ATTEMPTS = 10
"""Each lost race is one that another request won, so many in a row mean a crowd that had better wait."""

RETRY_AFTER_SECONDS = 1.0

REFUSAL_SECONDS = 60.0
"""A refusal is remembered no longer than this, however sure it is: an operator may correct a counter meanwhile."""


@dataclass(frozen=True, slots=True)
class Admission:
    """An admitted request: what is held for it, and the output limit that makes the hold an upper bound.

    ``counter`` is the key's right after.
    """

    key: KeyRecord
    request_id: str
    limits: Limits
    hold: Hold
    fit: Fit
    counter: Counter


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal at the epoch second ``at``, and what it rests on."""

    at: float
    limits: Limits
    counter: Counter | None
    refusal: Refusal


class _OvertakenError(LostRaceError):
    """Another request of this process knows the counter better, as it was a moment ago."""


class Admitter:
    """Admits requests.

    Args:
        counters: the store.
        reclaimer: ends expired holds that stand in the way.
        hold_seconds: how long a hold lasts that nobody ends.
        size: how many keys' counters are remembered.
        clock: epoch seconds.
    """

    def __init__(
        self,
        counters: CounterStore,
        reclaimer: Reclaimer,
        *,
        hold_seconds: float,
        size: int,
        clock: Callable[[], float],
    ) -> None:
        self._counters = counters
        self._reclaimer = reclaimer
        self._hold_seconds = hold_seconds
        self._clock = clock
        self._seen = Memory[Counter](size)
        self._refused = Memory[_Refused](size)
        self._turns = Memory[asyncio.Lock](size)
        self._shared = Memory[str](size)
        self._reads = SingleFlight[Counter | None]()

    async def admit(
        self, key: KeyRecord, demand: Bound, request_id: str, hold_seconds: float | None = None
    ) -> Admission:
        """Admit a request, or refuse it and change nothing.

        Args:
            key: whose it is.
            demand: what it may take.
            request_id: what its hold goes by.
            hold_seconds: how long the hold lasts that nobody ends, where that is longer than a function can run.

        Raises:
            BudgetExceededError, BudgetInFlightError, RateLimitError: it does not fit; when it will, they say.
            OverloadedError: the counter could not be read or written.
        """
        limits = limits_of(key)
        self._refuse_again(key.id, limits, demand)
        expires_at = math.ceil(self._clock() + (hold_seconds or self._hold_seconds))
        counter = self._seen.get(key.id)
        certain = counter is None
        if counter is None:
            counter = await self._read(key.id)
        races = 0
        while races < ATTEMPTS:
            now = self._clock()
            decision = decide(counter, limits, demand, now)
            is_all = _is_all(decision, demand)
            if not certain and (not is_all or self._may_be_late(key.id, decision)):
                remembered = counter
                counter, certain = await self._read(key.id), True
                if counter == remembered:
                    self._shared.forget(key.id)
                continue
            may_wait = races == 0 or isinstance(decision, Refusal)
            if not is_all and may_wait and counter is not None and counter.expired(now):
                await self._reclaimer.reclaim_seen(key.id, counter)
                counter = await self._read(key.id)
                races += 1
                continue
            match decision:
                case Refusal() as refusal:
                    self._refused.put(key.id, _Refused(now, limits, counter, refusal))
                    raise error_of(refusal, limits, now)
                case Taking() as taking:
                    # Different for each write that is tried, of which any may be carried out much later.
                    expires = expires_at + races * CALL_ATTEMPTS
                    try:
                        return await self._admitted(key, request_id, limits, taking, expires)
                    except LostRaceError as error:
                        counter, certain = error.counter, not isinstance(error, _OvertakenError)
                        races += certain
                        if certain and taking.rolls:
                            self._shared.put(key.id, key.id)
                case unknown:
                    assert_never(unknown)
        raise OverloadedError(
            "Too many requests of this key at once; try again.", retry_after=RETRY_AFTER_SECONDS
        )

    async def _admitted(
        self, key: KeyRecord, request_id: str, limits: Limits, taking: Taking, expires_at: int
    ) -> Admission:
        hold = Hold(taking.fit.amount, taking.fit.tokens, expires_at, taking.period)
        after = await self._take(key.id, request_id, hold, taking, limits)
        self.note(key.id, after)
        return Admission(key, request_id, limits, after.holds[request_id], taking.fit, after)

    def _may_be_late(self, key_id: str, decision: Taking | Refusal) -> bool:
        """Whether another environment has probably begun the slot: it was so the last time.

        To look first costs a fifth of a write that fails, and no second write before the provider is called.
        """
        return isinstance(decision, Taking) and decision.rolls and self._shared.get(key_id) is not None

    def note(self, key_id: str, counter: Counter | None) -> None:
        """Remember a counter as it was just read or written, unless a later one is known."""
        known = self._seen.get(key_id)
        if counter is not None and (known is None or _age(counter) >= _age(known)):
            self._seen.put(key_id, counter)

    async def standing(self, key: KeyRecord) -> Counter | None:
        """A key's counter as last seen, or else as it is: for a reply to what is not admitted."""
        return self._seen.get(key.id) or await self._read(key.id)

    async def _read(self, key_id: str) -> Counter | None:
        counter = await self._reads.get(key_id, lambda: self._counters.read(key_id))
        self._correct(key_id, counter)
        return counter

    def _correct(self, key_id: str, counter: Counter | None) -> None:
        """Remember a counter also in the place of one that looks later: it may have been lost, and made anew."""
        if counter is None:
            self._seen.forget(key_id)
        else:
            self._seen.put(key_id, counter)

    async def _take(
        self, key_id: str, request_id: str, hold: Hold, taking: Taking, limits: Limits
    ) -> Counter:
        if not taking.rolls:
            return await self._write(key_id, request_id, hold, taking, limits)
        # Only one of many can begin a slot; the others of this process need not try, and lose, beside it.
        turn = self._turns.get(key_id) or self._turns.put(key_id, asyncio.Lock())
        async with turn:
            known = self._seen.get(key_id)
            if known is not None and known != taking.seen:
                raise _OvertakenError(known)
            after = await self._write(key_id, request_id, hold, taking, limits)
            self.note(key_id, after)
            return after

    async def _write(
        self, key_id: str, request_id: str, hold: Hold, taking: Taking, limits: Limits
    ) -> Counter:
        try:
            return await self._counters.take(key_id, request_id, hold, taking, limits, int(self._clock()))
        except LostRaceError as error:
            self._correct(key_id, error.counter)
            standing = error.counter.holds.get(request_id) if error.counter else None
            if error.counter is None or standing is None:
                raise
            if replace(standing, expires_at=hold.expires_at) == hold:
                # An earlier attempt of the same call went through, only its reply was lost.
                return error.counter
            # It was decided on when less or more was left, given up, and carried out since.
            counter = await self._counters.settle(key_id, request_id, standing, NOTHING)
            raise LostRaceError(counter) from error
        except UnansweredError:
            # It may have been carried out. What could be held now is given back; if that fails too, it expires.
            with contextlib.suppress(OverloadedError):
                await self._counters.settle(key_id, request_id, hold, NOTHING)
            raise

    def _refuse_again(self, key_id: str, limits: Limits, demand: Bound) -> None:
        """Refuse without a write what was surely refused before: a failed condition costs write units too."""
        known = self._refused.get(key_id)
        if known is None or known.limits != limits:
            return
        now = self._clock()
        needed = demand.least.amount if known.refusal.reason == "budget" else demand.least.tokens
        if (
            now >= min(known.refusal.sure_until, known.at + REFUSAL_SECONDS)
            or needed < known.refusal.at_least
        ):
            return
        # The request may need more than the one that was refused, and so have to wait longer; and others may have been
        # admitted since, which had room.
        match decide(self._seen.get(key_id) or known.counter, limits, demand, now):
            case Refusal() as refusal:
                raise error_of(refusal, limits, now)
            case Taking():
                pass


def _age(counter: Counter) -> tuple[int, int]:
    """Grows with each admission."""
    return counter.requests.slot, counter.requests.now


def _is_all(decision: Taking | Refusal, demand: Bound) -> bool:
    """Whether a request gets all that it asks for."""
    return isinstance(decision, Taking) and decision.fit.output_tokens == demand.output_tokens
