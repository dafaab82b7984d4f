"""Steps 2 and 7 around all others: what is admitted is settled, whatever happens in between.

    async with held(…) as hold:      admit, or refuse
        …                            call the provider, answer the client
        hold.outcome = …             how what is to be charged will be known
                                     settle to the outcome; without one the request failed and is released

It is the structure of the code, not a callback, so no path forgets it. A cancelled request settles too: the writes go
on in a task of their own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sluice.accounting.demand import Bound
from sluice.errors import SluiceError
from sluice.metrics import count_settle_failure
from sluice.observability import logger
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.settle import INSIST_SECONDS, Outcome, Settler
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger_rows import LedgerRow


@dataclass(slots=True)
class Held:
    """An admitted request.

    ``outcome`` is asked once, at the end; None from it, or none there, is a request that failed. ``row`` is what was
    settled then. ``deadline`` is the request's, by the loop's clock.
    """

    admission: Admission
    deadline: float | None = None
    outcome: Callable[[], Outcome | None] | None = None
    row: LedgerRow | None = None


@asynccontextmanager
async def held(
    admitter: Admitter,
    settler: Settler,
    key: KeyRecord,
    demand: Bound,
    request_id: str,
    deadline: float | None = None,
) -> AsyncGenerator[Held]:
    """Admit a request, and settle it in the end.

    Args:
        admitter: admits.
        settler: settles.
        key: the client's.
        demand: the most that the request can use.
        request_id: the request's.
        deadline: when it has to be answered, by the loop's clock; settling may take some seconds more.

    Raises:
        BudgetExceededError, BudgetInFlightError, RateLimitError, OverloadedError: see ``Admitter.admit``; nothing is
            held then.
    """
    hold = Held(await _admitted(admitter, settler, key, demand, request_id), deadline)
    try:
        yield hold
    finally:
        await to_the_end(_settled(settler, hold))


async def _settled(settler: Settler, hold: Held) -> None:
    try:
        outcome = hold.outcome() if hold.outcome is not None else None
    except Exception:  # whatever it is: what cannot be measured is not charged, and must not stay held
        await settler.release(hold.admission)
        count_settle_failure(hold.admission.request_id)
        raise
    if outcome is None:
        await settler.release(hold.admission)
    else:
        now = asyncio.get_running_loop().time()
        until = max(now, hold.deadline or now) + INSIST_SECONDS
        hold.row = await settler.settle(hold.admission, outcome, until)


async def _admitted(
    admitter: Admitter, settler: Settler, key: KeyRecord, demand: Bound, request_id: str
) -> Admission:
    """Admit, and hold nothing where that is given up half way."""
    admitting = asyncio.ensure_future(admitter.admit(key, demand, request_id))
    try:
        return await asyncio.shield(admitting)
    except asyncio.CancelledError:
        # The write may be on its way. It is waited for, since a hold can only be released once it is there.
        await to_the_end(_given_back(admitting, settler))
        raise


async def _given_back(admitting: asyncio.Future[Admission], settler: Settler) -> None:
    try:
        admission = await admitting
    except SluiceError:
        return
    except Exception:  # whatever it is: there is nobody left to tell but the operator
        logger.exception("an admission failed that nobody waits for")
        return
    await settler.release(admission)
