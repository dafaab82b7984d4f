"""The legs of a plan, asked in turn until one answers, inside the request's one deadline.

A leg that fails before the client's first byte is followed by the next one. After that byte there is no way back: the
client has a part of an answer, which another model would not go on with.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Collection, Iterator, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.errors import SluiceError
from sluice.observability import RequestRecord
from sluice.pipeline.answer import Work, answer
from sluice.pipeline.call import OutOfTimeError, expired
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.health_monitor import Afterwards, Watch
from sluice.pipeline.hold import Held
from sluice.pipeline.leg import Leg
from sluice.pipeline.measure import Meter
from sluice.pipeline.recording import Slot
from sluice.pipeline.reply import Reply
from sluice.pipeline.route_headers import tell_answer, tell_attempts, tell_limit
from sluice.pipeline.search import Found
from sluice.pipeline.turns import Turn, Turns
from sluice.pipeline.verdict import Verdict, most_telling, verdict_on
from sluice.providers.contract import ProviderCall


@dataclass(frozen=True, slots=True)
class Errand[Request: ModelRequest, Whole: ReplyShape]:
    """An admitted request, whoever will answer it.

    Attributes:
        endpoint: that was asked.
        name: that the client asked for.
        legs: who may answer.
        deadline: by the loop's clock.
        request_hash: of the body as it came.
        limited: whether the key's limits bound the answer.
        hold: what is held for it.
        turn: may keep the reply.
        watch: sees how the models do.
        record: takes down what becomes of it.
        headers: go with the reply.
        afterwards: takes what is to be done once the client has it.
        found: what was searched for before, None if nothing was.
    """

    gateway: Gateway
    endpoint: Endpoint[Request, Whole]
    name: str
    legs: Sequence[Leg[Request]]
    deadline: float
    request_hash: str
    limited: bool
    hold: Held
    turn: Slot
    watch: Watch
    record: RequestRecord
    headers: MutableMapping[str, str]
    afterwards: Afterwards
    found: Found | None


@asynccontextmanager
async def answered_by_any[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole],
) -> AsyncGenerator[Reply]:
    """The reply of the first leg that answers; it lasts as long as the context.

    Raises:
        SluiceError: on entry, when none does.
    """
    try:
        async with AsyncExitStack() as stack:
            leg, reply = await _asked_in_turn(errand, stack)
            with _seen_to_the_end(errand, leg):
                yield reply
    finally:
        _exchange_news(errand)


async def _asked_in_turn[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], stack: AsyncExitStack
) -> tuple[Leg[Request], Reply]:
    clock = asyncio.get_running_loop().time
    turns = _turns(errand)
    failures: list[tuple[str, SluiceError]] = []
    while (turn := turns.next(clock())) is not None:
        if turn.at > clock():
            await asyncio.sleep(turn.at - clock())
        attempt = _Attempt(errand, turn.leg)
        try:
            reply = await stack.enter_async_context(answer(_work(errand, turn), errand.endpoint))
        except SluiceError as error:
            verdict = attempt.failed(error)
            if verdict == "final":
                raise
            failure = turn.leg.candidate.provider, error
            if isinstance(error, OutOfTimeError) and clock() >= errand.deadline:
                failures = [failure]
                break
            failures.append(failure)
            turns.failed(turn.leg, error, verdict, clock())
        except (
            BaseException
        ):  # the client has gone, or a mistake of ours: neither says anything of the provider
            attempt.ends()
            raise
        else:
            attempt.answered(reply)
            return turn.leg, reply
    raise most_telling(failures, _names(errand)) if failures else expired()


def _names[Request: ModelRequest, Whole: ReplyShape](errand: Errand[Request, Whole]) -> Collection[str]:
    """Who was asked, each once."""
    return dict.fromkeys(each.provider for each in errand.record.tries)


def _turns[Request: ModelRequest, Whole: ReplyShape](errand: Errand[Request, Whole]) -> Turns[Request]:
    settings, routing = errand.gateway.settings, errand.gateway.routing
    return Turns(
        errand.legs,
        routing.circuits,
        retries=settings.retries,
        deadline=errand.deadline,
        first_byte_seconds=settings.first_byte_seconds,
        random=routing.chance,
    )


class _Attempt[Request: ModelRequest, Whole: ReplyShape]:
    """One leg's turn, which its circuit, the log and the reply's headers are told of."""

    def __init__(self, errand: Errand[Request, Whole], leg: Leg[Request]) -> None:
        self._errand = errand
        self._leg = leg
        self._circuits = errand.gateway.routing.circuits
        self._before = len(errand.record.tries)
        self._begun = asyncio.get_running_loop().time()
        self._circuits.asks(leg.name)
        errand.watch.turns_to(leg.row.id)
        self._another = errand.name not in leg.row.names
        errand.record.turns_to(leg.row.id, errand.name if self._another else None, leg.candidate.provider)

    def failed(self, error: SluiceError) -> Verdict:
        """It has failed before the client's first byte; what that means for the others."""
        errand, record = self._errand, self._errand.record
        asked = len(record.tries) > self._before
        if asked:
            record.tries[-1].ends(error)
            errand.watch.fails(error)
            self._circuits.failed(self._leg.name, error)
            if isinstance(error, OutOfTimeError):  # it takes so long at least; else it would stay the fastest
                self._takes((asyncio.get_running_loop().time() - self._begun) * 1000)
            tell_attempts(errand.headers, record.tries)
        else:
            self.ends()
        return verdict_on(error, asked=asked)

    def answered(self, reply: Reply) -> None:
        """It has begun to answer, or has done so in whole."""
        errand, leg = self._errand, self._leg
        errand.record.tries[-1].ends()
        another = leg.row.id if self._another else None
        errand.turn.told(tell_answer(errand.headers, errand.record.tries, another, reply))
        if (latency := errand.watch.latency_ms) is not None:
            self._takes(latency)

    def _takes(self, milliseconds: float) -> None:
        latencies = self._errand.gateway.routing.latencies
        latencies.heard(self._leg.name, milliseconds, streams=self._leg.request.streams)

    def ends(self) -> None:
        """It was given up."""
        self._circuits.leaves(self._leg.name)


@contextmanager
def _seen_to_the_end[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], leg: Leg[Request]
) -> Iterator[None]:
    """Have the leg's circuit told how its reply has ended."""
    circuits, watch = errand.gateway.routing.circuits, errand.watch
    try:
        yield
    finally:
        if watch.error is not None and not isinstance(watch.error, OutOfTimeError):
            circuits.failed(leg.name, watch.error)
        elif watch.finished:
            circuits.answered(leg.name, leg.candidate.provider)
        else:
            circuits.leaves(leg.name)


def _exchange_news[Request: ModelRequest, Whole: ReplyShape](errand: Errand[Request, Whole]) -> None:
    if len(errand.legs) < 2:
        return  # where there is no choice, nobody needs to know more
    news = errand.gateway.routing.news
    if news.has_some:
        errand.afterwards(news.tell)
    if news.is_due(leg.candidate.provider for leg in errand.legs):
        errand.afterwards(news.read)


def _work[Request: ModelRequest, Whole: ReplyShape](
    errand: Errand[Request, Whole], turn: Turn[Request]
) -> Work[Request, Whole]:
    """What one leg has to do, within what was admitted and within its own output limit."""
    leg, endpoint, gateway = turn.leg, errand.endpoint, errand.gateway
    output_tokens = min(errand.hold.admission.fit.output_tokens, leg.demand.output_tokens)
    sent = endpoint.limited(leg.request, output_tokens, leg.row) if errand.limited else leg.request
    filled = leg.demand.adjustable and sent is not leg.request
    tell_limit(errand.headers, output_tokens if filled else None)
    most = leg.demand.most(output_tokens)
    return Work(
        upstream=gateway.upstream,
        provider=leg.provider,
        call=ProviderCall(sent, leg.target, id=f"{endpoint.ID_PREFIX}{uuid.uuid4().hex}", now=time.time()),
        patience=turn.patience,
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
            errand.record,
            errand.found,
        ),
        turn=errand.turn,
        watch=errand.watch,
    )
