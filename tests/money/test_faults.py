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
from faults import Broken, Fault, Trouble, Unanswered, aws_error
from journeys import ASK, COUNTER, END, FAILED, FIRST, KEY, ROW, STREAMED, TAKE, Journey, Step
from money_site import COST, HELD, Gateway, MoneySite
from sluice.stores.aws import ATTEMPTS

BUDGET = 10 * HELD
"""Would pay for all that could be taken twice."""

AT_ONCE = 8
"""How many accounts get their past at once; what goes wrong with them mostly takes waiting."""

ATTEMPT_SECONDS = 1.5
"""How long a gateway waits for what is not answered."""

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
    def unanswered(self) -> bool:
        """Whether the gateway has to wait until it knows."""
        return isinstance(FAULTS[self.fault], Unanswered)

    @property
    def for_too_long(self) -> bool:
        """Whether the gateway gives up, because a client waits: then the hold has to expire."""
        return self.unanswered and self.times == MANY and self.journey is FAILED

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


async def run(case: Case, site: MoneySite, gateway: Gateway, room: asyncio.Semaphore) -> None:
    journey = case.journey
    account = await site.account(BUDGET)
    async with room:
        await journey.past.prepare(site, gateway, account)
    faults = [FAULTS[case.fault]] * case.times
    gateway.proxy.judges.append(Trouble(account.names, journey.way_to(case.step), faults).judge)

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
    room = asyncio.Semaphore(AT_ONCE)
    async with (
        site.gateway() as patient,
        site.gateway(attempt_seconds=ATTEMPT_SECONDS) as impatient,
        asyncio.TaskGroup() as group,
    ):
        for case in cases():
            gateway = impatient if case.unanswered else patient
            group.create_task(noted(run(case, site, gateway, room), str(case)))
