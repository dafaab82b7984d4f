"""What a gateway leaves behind that is killed: nothing that the next request does not clear away.

For every call that a request makes, to DynamoDB and to the provider, a process of its own is killed before the call is
carried out, and another one after that. Then its hold expires, and one more request is made to another process.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from account import Account, noted, watched
from faults import Broken, Trouble
from journeys import (
    ASK,
    END,
    FAILED,
    FIRST,
    IN_THE_WAY,
    ROW,
    SEEN_AT_THE_END,
    STREAMED,
    TAKE,
    Journey,
    Step,
    next_slot,
)
from money_site import COST, Gateway, MoneySite
from sluice.stores.ledger_rows import RowStatus

JOURNEYS = (FIRST, STREAMED, FAILED, IN_THE_WAY, SEEN_AT_THE_END)

AT_ONCE = 6
HOLD_SECONDS = 4
SETTINGS = {
    "SLUICE_HOLD_SECONDS": str(HOLD_SECONDS),
    "SLUICE_TIMEOUT_SECONDS": str(HOLD_SECONDS - 1),
    "SLUICE_STREAM_TIMEOUT_SECONDS": str(HOLD_SECONDS - 1),
}
EVENTS = (1, 4)
"""How many events of a stream a gateway has got that is killed in its middle: the role; some words."""


@dataclass(frozen=True, slots=True)
class Death:
    """When a gateway is killed: at the call of this index, before or after it is carried out.

    In the middle of a stream that is when ``events`` of it have come from the provider, or when the client has ``read``
    some.
    """

    journey: Journey
    steps: tuple[Step, ...]
    index: int
    carried_out: bool
    events: int = 0
    read: bool = False

    def __str__(self) -> str:
        when = "after it" if self.carried_out else "before it"
        if self.events or self.read:
            when = "when the client reads" if self.read else f"at event {self.events}"
        return f"killed on the way of {self.journey.name!r}, at {self.steps[self.index].purpose!r}, {when}"

    @property
    def way(self) -> list[str]:
        """What the calls are called that are made until then."""
        return [step.call for step in self.steps[: self.index + 1]]

    @property
    def done(self) -> frozenset[Step]:
        """The steps that were carried out."""
        return frozenset(self.steps[: self.index + self.carried_out])

    @property
    def row(self) -> RowStatus | None:
        """What the ledger has of the request in the end."""
        if ROW in self.done:
            return "complete"
        return "lost" if TAKE in self.done and END not in self.done else None


def deaths(journey: Journey, steps: tuple[Step, ...]) -> Iterator[Death]:
    """All that there are on a way."""
    for index, step in enumerate(steps):
        yield Death(journey, steps, index, carried_out=False)
        yield Death(journey, steps, index, carried_out=True)
        if step is ASK and journey.stream:
            for events in EVENTS:
                yield Death(journey, steps, index, carried_out=True, events=events)
            yield Death(replace(journey, behaviour="stalled"), steps, index, carried_out=True, read=True)


async def die(site: MoneySite, account: Account, death: Death) -> None:
    """Make the request, and kill its gateway."""
    async with site.gateway(settings=SETTINGS) as gateway:
        await death.journey.past.prepare(site, gateway, account)
        if death.read:
            await death.journey.ask(site, gateway, account, at_first_byte=gateway.process.kill)
        else:
            blow = Broken(death.carried_out, death.events, then=gateway.process.kill)
            gateway.proxy.judge = Trouble(account.names, death.way, [blow]).judge
            await death.journey.ask(site, gateway, account)
        await gateway.process.killed()
        assert gateway.proxy.names[-1] == death.steps[death.index].call


async def survive(site: MoneySite, account: Account, death: Death, survivor: Gateway) -> None:
    """Make one more request when the hold has expired, and see what there is in the books then."""
    past = death.journey.past
    await account.expired()
    answer = await Journey("one more", past, ()).ask(site, survivor, account)
    assert answer.succeeded, answer
    books = await account.balanced_books()
    statuses = [status for status in (past.row, death.row, "complete") if status is not None]
    assert sorted((row.status, row.cost) for row in books.rows) == sorted(
        (status, 0 if status == "lost" else COST) for status in statuses
    )
    assert site.provided(account) == past.provided + (ASK in death.done) + 1


async def test_a_request_makes_these_calls_and_no_other(site: MoneySite) -> None:
    async def check(journey: Journey) -> None:
        account = await site.account(journey.past.budget)
        async with site.gateway() as gateway:
            await journey.past.prepare(site, gateway, account)
            await next_slot()  # a request has most often none before it in its slot
            before = len(gateway.proxy.calls)
            answer = await journey.ask(site, gateway, account)
            assert answer.succeeded == (journey.behaviour == "ok"), answer
            await account.balanced_books()
            assert gateway.proxy.names[before:] == [step.call for step in journey.steps_on(site.engine)]

    async with asyncio.TaskGroup() as group:
        for journey in JOURNEYS:
            group.create_task(noted(check(journey), journey.name))


async def test_the_next_request_clears_away_what_a_killed_gateway_leaves(site: MoneySite) -> None:
    cases = [
        (death, await site.account(journey.past.budget))
        for journey in JOURNEYS
        for death in deaths(journey, journey.steps_on(site.engine))
    ]
    room = asyncio.Semaphore(AT_ONCE)

    async def case(death: Death, account: Account, survivor: Gateway) -> None:
        async with room:
            await die(site, account, death)
        await survive(site, account, death, survivor)

    async with (
        site.gateway() as survivor,
        watched([account for _, account in cases]),
        asyncio.TaskGroup() as group,
    ):
        for death, account in cases:
            group.create_task(noted(case(death, account, survivor), str(death)))
