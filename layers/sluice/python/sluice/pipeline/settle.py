"""Step 7: what the request cost, written down once.

The ledger's row comes first, on condition that there is none; then the counter gives back what was held and not used,
on condition that the hold is still there. Each can be repeated, and a crash between them leaves a hold that settles to
the row (``pipeline.reclaim``). A request that failed has no row: its hold is released.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace

from sluice.accounting.costs import TokenCount
from sluice.accounting.counter import NOTHING, Counter
from sluice.errors import OverloadedError
from sluice.metrics import count_settle_failure
from sluice.observability import logger
from sluice.pipeline.admit import Admission
from sluice.pipeline.reclaim import Reclaimer, charge_of
from sluice.stores.aws import AWSError
from sluice.stores.counters import CounterStore
from sluice.stores.ledger import LedgerStore
from sluice.stores.ledger_rows import LedgerRow, RowStatus

INSIST_SECONDS = 15.0
"""How long past a request's deadline settling is tried again while DynamoDB throttles. A function's timeout leaves
30 s: for a slow reader, for this, and for the call that is under way then. What is answered early has longer."""

RELEASE_SECONDS = 3.0
"""The same for a request that failed, whose client waits for the error: a hold that is not ended expires."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an admitted request that is to be charged.

    ``cost`` is the tokens' true price in nano-USD, and ``search_cost``, the part of it for ``searches``, that of search
    engines which have answered. ``estimated`` says that the tokens are worked out from what was received, because the
    provider sent no usage.
    """

    status: RowStatus
    model: str
    provider: str
    tokens: TokenCount
    cost: int
    searches: int = 0
    search_cost: int = 0
    estimated: bool = False
    streamed: bool = False
    first_byte_ms: int | None = None
    duration_ms: int | None = None
    request_hash: str | None = None
    response_hash: str | None = None


class Settler:
    """Settles admitted requests.

    Args:
        counters: has the holds.
        ledger: takes the rows.
        reclaimer: ends expired holds of others that are seen on the way.
        clock: epoch seconds.
        note: told of each counter that is seen, by its key's id; whoever admits knows then what is free again.
    """

    def __init__(
        self,
        counters: CounterStore,
        ledger: LedgerStore,
        reclaimer: Reclaimer,
        *,
        clock: Callable[[], float],
        note: Callable[[str, Counter], None] = lambda _key_id, _counter: None,
    ) -> None:
        self._counters = counters
        self._ledger = ledger
        self._reclaimer = reclaimer
        self._clock = clock
        self._note = note

    async def settle(
        self, admission: Admission, outcome: Outcome, until: float | None = None
    ) -> LedgerRow | None:
        """Write down what a request cost, and end its hold; what does not succeed is in the log, and counted.

        Args:
            admission: the request's.
            outcome: what became of it.
            until: the time of the loop's clock up to which DynamoDB is asked again; by default for
                ``INSIST_SECONDS``.

        Returns:
            The row that stands; None if none could be written.
        """
        until = _from_now(INSIST_SECONDS) if until is None else until
        row = _row(admission, outcome, int(self._clock() * 1000))
        try:
            if row.cost > admission.hold.amount and admission.limits.budget is not None:
                admission, row = await insist(lambda: self._beyond_the_hold(admission, row), until)
            standing = await insist(lambda: self._ledger.put(row), until)
        except (OverloadedError, AWSError):
            logger.exception("a request could not be written to the ledger", extra={"row": asdict(row)})
            count_settle_failure(admission.request_id)
            return None
        is_lost = standing.status == "lost" != row.status
        if is_lost:
            logger.error("a request came to its end after its hold was reclaimed", extra={"row": asdict(row)})
        is_ended = await self._end(admission, standing, until)
        if is_lost or not is_ended:
            count_settle_failure(admission.request_id)
        return standing

    async def release(self, admission: Admission) -> None:
        """End the hold of a request that failed: it costs nothing, and its tokens count for nothing."""
        await self._end(admission, None, _from_now(RELEASE_SECONDS))

    async def _end(self, admission: Admission, row: LedgerRow | None, until: float) -> bool:
        """Whether the hold is ended; otherwise it expires."""
        key_id, request_id, hold = admission.key.id, admission.request_id, admission.hold
        charge = NOTHING if row is None else charge_of(row)
        try:
            counter = await insist(lambda: self._counters.settle(key_id, request_id, hold, charge), until)
        except (OverloadedError, AWSError):
            logger.exception("the hold of %s could not be ended; it will expire", request_id)
            return False
        if counter is not None:
            self._note(key_id, counter)
            await self._look_around(key_id, counter)
        return True

    async def _look_around(self, key_id: str, counter: Counter) -> None:
        """End the expired holds of others."""
        try:
            await self._reclaimer.reclaim_seen(key_id, counter)
        except Exception:  # whatever it is, this request has nothing to do with it
            logger.exception("the expired holds of key %s could not be reclaimed", key_id)

    async def _beyond_the_hold(self, admission: Admission, row: LedgerRow) -> tuple[Admission, LedgerRow]:
        """The provider reports more than the upper bound: hold the rest too, or else charge what is held.

        A budget is never exceeded, so what it cannot pay stays with the operator, who is told.
        """
        hold = admission.hold
        extended = replace(hold, amount=row.cost)
        covered = await self._counters.extend(
            admission.key.id, admission.request_id, hold, extended, admission.limits
        )
        logger.error(
            "a provider reports more than a request can have used, which the bound of its model has to allow for",
            extra={"row": asdict(row), "held": hold.amount, "covered": covered},
        )
        if covered:
            return replace(admission, hold=extended), row
        return admission, replace(row, cost=hold.amount, capped=True)


async def insist[Result](operation: Callable[[], Awaitable[Result]], until: float | None = None) -> Result:
    """Try an operation that is safe to repeat until it is done, or it is too late.

    Args:
        operation: is made anew for each attempt.
        until: by the loop's clock; by default ``INSIST_SECONDS`` from now.

    Raises:
        OverloadedError: DynamoDB throttled or was away all the time.
    """
    loop = asyncio.get_running_loop()
    deadline = _from_now(INSIST_SECONDS) if until is None else until
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return await operation()
        except OverloadedError:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _from_now(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _row(admission: Admission, outcome: Outcome, settled_at: int) -> LedgerRow:
    tokens = outcome.tokens
    return LedgerRow(
        key_id=admission.key.id,
        request_id=admission.request_id,
        owner=admission.key.owner,
        period=admission.hold.period,
        hold_expires_at=admission.hold.expires_at,
        status=outcome.status,
        settled_at=settled_at,
        model=outcome.model,
        provider=outcome.provider,
        cost=outcome.cost,
        prompt_tokens=tokens.prompt,
        cached_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_written,
        audio_tokens=tokens.audio,
        completion_tokens=tokens.completion,
        reasoning_tokens=tokens.reasoning,
        searches=outcome.searches,
        search_cost=outcome.search_cost,
        estimated=outcome.estimated,
        streamed=outcome.streamed,
        first_byte_ms=outcome.first_byte_ms,
        duration_ms=outcome.duration_ms,
        request_hash=outcome.request_hash,
        response_hash=outcome.response_hash,
    )
