"""The legs of a plan, asked one after the other until one answers, inside the request's one deadline.

A leg that fails before the client's first byte is followed by the next one. After that byte there is no way back: the
client has a part of an answer, which another model would not go on with.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.errors import InvalidRequestError, ModelNotFoundError, SluiceError, UnsupportedParameterError
from sluice.observability import RequestRecord
from sluice.pipeline.answer import Work, answer
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.health_monitor import Watch
from sluice.pipeline.hold import Held
from sluice.pipeline.measure import Meter
from sluice.pipeline.plan import Leg
from sluice.pipeline.recording import Slot
from sluice.pipeline.reply import Reply
from sluice.pipeline.search import Found
from sluice.providers.contract import ProviderCall

MAX_TOKENS = "x-sluice-max-tokens"
"""Tells a client that set no output limit which one its key's limits made of it."""


@dataclass(frozen=True, slots=True)
class Errand[Request: ModelRequest, Whole: ReplyShape]:
    """An admitted request, whoever will answer it.

    Attributes:
        endpoint: that was asked.
        deadline: by the loop's clock.
        request_hash: of the body as it came.
        limited: whether the key's limits bound the answer.
        hold: what is held for it.
        turn: may keep the reply.
        watch: sees how the providers do.
        record: takes down what becomes of it.
        headers: go with the reply.
        found: what was searched for before, None if nothing was.
    """

    gateway: Gateway
    endpoint: Endpoint[Request, Whole]
    deadline: float
    request_hash: str
    limited: bool
    hold: Held
    turn: Slot
    watch: Watch
    record: RequestRecord
    headers: MutableMapping[str, str]
    found: Found | None = None


@asynccontextmanager
async def answered_by_any[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], legs: Sequence[Leg[Request]]
) -> AsyncGenerator[Reply]:
    """The reply of the first leg that answers; it lasts as long as the context.

    Raises:
        SluiceError: on entry, when none does.
    """
    async with AsyncExitStack() as stack:
        yield await _asked_in_turn(errand, legs, stack)


async def _asked_in_turn[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], legs: Sequence[Leg[Request]], stack: AsyncExitStack
) -> Reply:
    *others, last = legs
    for leg in others:
        try:
            return await stack.enter_async_context(answer(_work(errand, leg), errand.endpoint))
        except SluiceError as error:
            if _is_final(error) or asyncio.get_running_loop().time() >= errand.deadline:
                raise
    return await stack.enter_async_context(answer(_work(errand, last), errand.endpoint))


def _is_final(error: SluiceError) -> bool:
    """Whether the client is at fault, so that another provider would say the same."""
    return isinstance(error, InvalidRequestError) and not isinstance(
        error, ModelNotFoundError | UnsupportedParameterError
    )


def _work[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], leg: Leg[Request]
) -> Work[Request, Whole]:
    """What one leg has to do, within what was admitted and within its own output limit."""
    endpoint, gateway, record = errand.endpoint, errand.gateway, errand.record
    output_tokens = min(errand.hold.admission.fit.output_tokens, leg.demand.output_tokens)
    sent = endpoint.limited(leg.request, output_tokens, leg.row) if errand.limited else leg.request
    if leg.demand.adjustable and sent is not leg.request:
        errand.headers[MAX_TOKENS] = str(output_tokens)
    else:
        errand.headers.pop(MAX_TOKENS, None)
    record.model, record.provider = leg.row.id, leg.candidate.provider
    most = leg.demand.most(output_tokens)
    return Work(
        upstream=gateway.upstream,
        provider=leg.provider,
        call=ProviderCall(sent, leg.target, id=f"{endpoint.ID_PREFIX}{uuid.uuid4().hex}", now=time.time()),
        patience=errand.deadline,
        deadline=errand.deadline,
        keep_alive_seconds=gateway.settings.keep_alive_seconds,
        hold=errand.hold,
        meter=Meter(
            endpoint,
            sent,
            most,
            leg.row,
            leg.candidate.provider,
            errand.request_hash,
            record,
            errand.found,
        ),
        turn=errand.turn,
        watch=errand.watch,
    )
