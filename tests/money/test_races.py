"""What others do to a key's counter just before a gateway writes it."""

import time
from collections.abc import Awaitable, Callable

import pytest

from account import Account
from faults import Preceded, Trouble
from journeys import END, FIRST, STREAMED, TAKE, Journey, Step, reserved
from money_site import COST, HELD, Gateway, MoneySite
from sluice.accounting.costs import TokenCount
from sluice.accounting.windows import MINUTE
from sluice.pipeline.admit import ATTEMPTS, Admission
from sluice.pipeline.reclaim import Reclaimer
from sluice.pipeline.settle import Outcome, Settler

ENOUGH = 3 * ATTEMPTS * HELD


def settler(account: Account) -> Settler:
    reclaimer = Reclaimer(account.counters, account.ledger, clock=time.time)
    return Settler(account.counters, account.ledger, reclaimer, clock=time.time)


def disturb(
    gateway: Gateway, account: Account, journey: Journey, step: Step, *by: Callable[[], Awaitable[object]]
) -> None:
    """Have something happen before a call of the request that comes next, and before each one that repeats it."""
    faults = [Preceded(event) for event in by]
    gateway.proxy.judge = Trouble(account.names, journey.way_to(step), faults).judge


async def check_spent(account: Account, requests: int) -> None:
    """All is given back but what these many answers have cost."""
    books = await account.balanced_books()
    assert [(row.status, row.cost) for row in books.rows] == [("complete", COST)] * requests


@pytest.mark.parametrize("journey", [FIRST, STREAMED], ids=lambda journey: journey.name)
@pytest.mark.parametrize("ahead", [0, 2 * MINUTE.slot_seconds], ids=["in the same slot", "in a later slot"])
async def test_another_is_admitted_first(site: MoneySite, journey: Journey, ahead: int) -> None:
    account = await site.account(ENOUGH)
    admissions: list[Admission] = []

    async def another() -> None:
        admissions.append(await reserved(account, "req_other", lambda: time.time() + ahead))

    async with site.gateway() as gateway:
        await journey.past.prepare(site, gateway, account)
        disturb(gateway, account, journey, TAKE, another)
        answer = await journey.ask(site, gateway, account)
        assert answer.succeeded, answer
        await settler(account).release(*admissions)
        await check_spent(account, site.provided(account))


@pytest.mark.parametrize("spent", [False, True], ids=["held", "spent"])
async def test_another_takes_what_was_left(site: MoneySite, spent: bool) -> None:
    account = await site.account(STREAMED.past.budget)
    admissions: list[Admission] = []

    async def another() -> None:
        admission = await reserved(account, "req_other")
        if spent:
            outcome = Outcome("complete", "metered", "openai", TokenCount(admission.hold.tokens, 0), HELD)
            await settler(account).settle(admission, outcome)
        else:
            admissions.append(admission)

    async with site.gateway() as gateway:
        await STREAMED.past.prepare(site, gateway, account)
        disturb(gateway, account, STREAMED, TAKE, another)
        refused = await STREAMED.ask(site, gateway, account)
        again = await STREAMED.ask(site, gateway, account)
        assert site.provided(account) == 1
        if spent:
            assert (refused.code, again.code) == ("budget_exceeded", "budget_exceeded")
        else:
            assert (refused.code, again.code) == ("budget_in_flight", "budget_in_flight")
            await settler(account).release(*admissions)
            assert (await STREAMED.ask(site, gateway, account)).succeeded
            await check_spent(account, 2)


async def test_others_are_always_faster(site: MoneySite) -> None:
    account = await site.account(ENOUGH)
    admissions: list[Admission] = []

    async def another() -> None:
        # Each begins a slot: what is known of the one before is outdated.
        ahead = (len(admissions) + 1) * MINUTE.slot_seconds
        admission = await reserved(account, f"req_{len(admissions)}", lambda: time.time() + ahead)
        admissions.append(admission)

    async with site.gateway() as gateway:
        await STREAMED.past.prepare(site, gateway, account)
        disturb(gateway, account, STREAMED, TAKE, *[another] * 2 * ATTEMPTS)
        answer = await STREAMED.ask(site, gateway, account)
        assert (answer.status, answer.code) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        assert len(admissions) == ATTEMPTS
        assert site.provided(account) == 1
    for admission in admissions:
        await settler(account).release(admission)
    await check_spent(account, 1)


async def test_the_counter_changes_while_a_request_is_in_flight(site: MoneySite) -> None:
    account = await site.account(ENOUGH)
    admissions: list[Admission] = []

    async def correct(by: int) -> None:
        counter = await account.counters.read(account.id)
        assert counter is not None
        assert await account.counters.correct(account.id, counter, by)

    async def others() -> None:
        later = time.time() + 2 * MINUTE.slot_seconds
        admissions.append(await reserved(account, "req_other", lambda: later))
        await correct(+5)

    async with site.gateway() as gateway:
        disturb(gateway, account, FIRST, END, others)
        assert (await FIRST.ask(site, gateway, account)).succeeded
        await gateway.done_with(account)
    await settler(account).release(*admissions)
    await correct(-5)
    await check_spent(account, 1)
