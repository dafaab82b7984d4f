"""Writes of which nobody knows whether they were carried out, and those that are when nobody waits for them any more."""

import asyncio

from account import Account, noted
from faults import Broken, Fault, Late, Trouble
from journeys import END, FAILED, FIRST, ROW, STREAMED, TAKE, Journey, Past, next_slot
from money_site import COST, HELD, Gateway, MoneySite
from sluice.stores.aws import ATTEMPTS
from sluice.stores.ledger_rows import RowStatus

HOLD_SECONDS = 4
SETTINGS = {
    "SLUICE_HOLD_SECONDS": str(HOLD_SECONDS),
    "SLUICE_TIMEOUT_SECONDS": str(HOLD_SECONDS - 1),
    "SLUICE_STREAM_TIMEOUT_SECONDS": str(HOLD_SECONDS - 1),
}
ATTEMPT_SECONDS = 1.0
TRIES = 5
ALL = 1_000

CARRIED_OUT, LOST = Broken(carried_out=True), Broken(carried_out=False)


def trouble(gateway: Gateway, account: Account, way: list[str], *faults: Fault) -> None:
    """Let the calls go wrong that come next."""
    gateway.proxy.judge = Trouble(account.names, way, faults).judge


async def check_next(site: MoneySite, account: Account, past: Past, *rows: RowStatus) -> None:
    """When the hold has expired, one more request finds nothing in its way, and the books balance."""
    await account.expired()
    async with site.gateway() as gateway:
        answer = await Journey("one more", past, ()).ask(site, gateway, account)
        assert answer.succeeded, answer
        books = await account.balanced_books()
    expected = [*([past.row] if past.row else []), *rows, "complete"]
    assert sorted(row.status for row in books.rows) == sorted(expected)
    assert {(row.status, row.cost) for row in books.rows} <= {("complete", COST), ("lost", 0)}


async def hold_that_cannot_be_given_back(site: MoneySite, journey: Journey) -> None:
    account = await site.account(journey.past.budget)
    async with site.gateway(attempt_seconds=ATTEMPT_SECONDS, settings=SETTINGS) as gateway:
        await journey.past.prepare(site, gateway, account)
        faults = [CARRIED_OUT] * ATTEMPTS + [LOST] * ATTEMPTS
        trouble(gateway, account, journey.way_to(TAKE), *faults)
        answer = await journey.ask(site, gateway, account)
        assert (answer.status, answer.code) == (503, "overloaded")
        assert site.provided(account) == journey.past.provided
        books = await account.books()
        assert books.used == books.spent + HELD
    await check_next(site, account, journey.past, "lost")


async def hold_that_cannot_be_released(site: MoneySite) -> None:
    account = await site.account(FAILED.past.budget)
    async with site.gateway(settings=SETTINGS) as gateway:
        await FAILED.past.prepare(site, gateway, account)
        trouble(gateway, account, FAILED.way_to(END), *[LOST] * ALL)
        answer = await FAILED.ask(site, gateway, account)
        assert (answer.status, answer.code) == (502, "upstream_error")
        books = await account.books()
        assert books.used == books.spent + HELD
    await check_next(site, account, FAILED.past, "lost")


async def admission_after_all_is_settled(site: MoneySite) -> None:
    for _ in range(TRIES):
        account = await site.account(STREAMED.past.budget)
        await (
            next_slot()
        )  # in which all of it has to happen: a late admission is of no account in a later one
        late = Late(asyncio.Event(), asyncio.Event())
        async with site.gateway(attempt_seconds=ATTEMPT_SECONDS, settings=SETTINGS) as gateway:
            await STREAMED.past.prepare(site, gateway, account)
            trouble(gateway, account, STREAMED.way_to(TAKE), late)
            answer = await STREAMED.ask(site, gateway, account)
            assert answer.succeeded, answer
            settled = await account.balanced_books()
            late.due.set()
            await late.done.wait()
        books = await account.books()
        if books != settled:
            break
    assert books.used == settled.used + HELD
    await check_next(site, account, STREAMED.past, "complete")


async def settlement_again(site: MoneySite, journey: Journey) -> None:
    async with site.gateway(attempt_seconds=ATTEMPT_SECONDS) as gateway:
        for step in (ROW, END):
            account = await site.account(journey.past.budget)
            await journey.past.prepare(site, gateway, account)
            late = Late(asyncio.Event(), asyncio.Event())
            trouble(gateway, account, journey.way_to(step), late)
            answer = await journey.ask(site, gateway, account)
            assert answer.succeeded, answer
            settled = await account.balanced_books()
            late.due.set()
            await late.done.wait()
            assert await account.books() == settled


async def test_nothing_of_it_is_lost_or_counted_twice(site: MoneySite) -> None:
    async with (
        asyncio.TaskGroup() as group
    ):  # at once, because most of the time is waiting until a hold expires
        for journey in (FIRST, STREAMED):
            group.create_task(noted(hold_that_cannot_be_given_back(site, journey), journey.name))
            group.create_task(noted(settlement_again(site, journey), journey.name))
        group.create_task(hold_that_cannot_be_released(site))
        group.create_task(admission_after_all_is_settled(site))
