"""What a gateway makes of a DynamoDB that throttles, fails, or does not answer: all is billed that is given.

Each call of a request goes wrong once, and as often as the gateway tries it at a stretch. What comes before the
provider then ends in an error that says when to try again, and the provider is not asked; what comes after it is
done later.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from account import noted
from faults import Broken, Call, Fault, Trouble, Unanswered, aws_error
from journeys import ASK, COUNTER, END, FAILED, FIRST, KEY, ROW, STREAMED, TAKE, Journey, Step
from money_site import COST, HELD, Gateway, MoneySite
from sluice.stores.aws import ATTEMPTS

BUDGET = 10 * HELD
"""Would pay for all that could be taken twice."""

AT_ONCE = 32
ATTEMPT_SECONDS = 1.0
MANY = ATTEMPTS + 1

FAULTS: dict[str, Fault] = {
    "throttled": aws_error("ThrottlingException"),
    "beyond its throughput": aws_error("ProvisionedThroughputExceededException"),
    "failed": aws_error("InternalServerError", 500),
    "failed, but carried out": aws_error("InternalServerError", 500, carried_out=True),
    "lost": Broken(carried_out=False),
    "carried out, its reply lost": Broken(carried_out=True),
    "unanswered": Unanswered(carried_out=False),
    "unanswered, but carried out": Unanswered(carried_out=True),
}

STEPS = ((FIRST, (KEY, COUNTER, TAKE)), (STREAMED, (TAKE, ROW, END)), (FAILED, (END,)))
"""The calls that go wrong: one of each kind."""


@dataclass(frozen=True, slots=True)
class Case:
    """A call of a request that goes wrong a number of times."""

    journey: Journey
    step: Step
    fault: str
    times: int

    def __str__(self) -> str:
        return f"{self.journey.name!r}: {self.step.purpose!r} is {self.fault}, {self.times} times"

    @property
    def for_too_long(self) -> bool:
        """Whether the gateway gives up, because a client waits: then the hold has to expire."""
        unanswered = isinstance(FAULTS[self.fault], Unanswered)
        return unanswered and self.times == MANY and self.journey is FAILED

    @property
    def refused(self) -> bool:
        """Whether it has to end in an error."""
        steps = self.journey.steps
        return self.times == MANY and steps.index(self.step) < steps.index(ASK)


def cases() -> Iterator[Case]:
    for journey, steps in STEPS:
        for step, fault, times in itertools.product(steps, FAULTS, (1, MANY)):
            case = Case(journey, step, fault, times)
            if not case.for_too_long:
                yield case


class Court:
    """A judge of calls for many requests at once."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []

    def judge(self, call: Call) -> Fault | None:
        decided = (trouble.judge(call) for trouble in self.troubles)
        return next((fault for fault in decided if fault is not None), None)


async def run(case: Case, site: MoneySite, gateway: Gateway, court: Court) -> None:
    journey = case.journey
    account = await site.account(BUDGET)
    await journey.past.prepare(site, gateway, account)
    faults = [FAULTS[case.fault]] * case.times
    court.troubles.append(Trouble(account.names, journey.way_to(case.step), faults))

    answer = await journey.ask(site, gateway, account)
    books = await account.balanced_books()
    rows = [journey.past.row] if journey.past.row else []
    if case.refused:
        assert (answer.status, answer.code) == (503, "overloaded"), answer
        assert answer.headers["retry-after"] == "1"
    elif journey.behaviour == "ok":
        assert answer.succeeded, answer
        rows.append("complete")
    else:
        assert (answer.status, answer.code) == (502, "upstream_error"), answer
    assert [(row.status, row.cost) for row in books.rows] == [(status, COST) for status in rows]
    assert site.provided(account) == journey.past.provided + (not case.refused)


async def test_all_is_billed_that_is_given(site: MoneySite) -> None:
    court = Court()
    room = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case, gateway: Gateway) -> None:
        async with room:
            await run(case, site, gateway, court)

    async with (
        site.gateway(court.judge, attempt_seconds=ATTEMPT_SECONDS) as gateway,
        asyncio.TaskGroup() as group,
    ):
        for case in cases():
            group.create_task(noted(one(case, gateway), str(case)))
