"""How a request can end, by its provider's fault or by its client's leaving: what fails costs nothing, what came is paid."""

import asyncio
from dataclasses import dataclass

import pytest

from account import Account, noted, until
from chat_client import ask
from faults import Preceded, Trouble, aws_error
from journeys import END, FAILED, FIRST, TAKE
from money_site import COST, HELD, MoneySite, chat_body
from sluice.stores.aws import ATTEMPTS
from sluice.stores.ledger_rows import RowStatus

SETTINGS = {"SLUICE_TIMEOUT_SECONDS": "1", "SLUICE_STREAM_TIMEOUT_SECONDS": "1"}


@dataclass(frozen=True, slots=True)
class Ending:
    """What a provider does, what the client gets (``status``), and what is charged (``row``)."""

    behaviour: str
    status: int
    row: RowStatus | None = None


WHOLE = (
    Ending("ok", 200, "complete"),
    Ending("server_error", 502),
    Ending("disconnected", 502),
    Ending("cut_whole", 502),
    Ending("held", 504),
    Ending("half_a_body_then_held", 504),
)
STREAMED = (
    Ending("ok", 200, "complete"),
    Ending("server_error", 502),
    Ending("disconnected", 502),
    Ending("done_only", 502),
    Ending("headers_then_held", 504),
    Ending("cut", 200, "broken"),
    Ending("ended_early", 200, "broken"),
    Ending("error_event", 200, "broken"),
    Ending("malformed_event", 200, "broken"),
    Ending("stalled", 200, "broken"),
)


async def check_charged(account: Account, status: RowStatus | None) -> None:
    books = await account.balanced_books()
    assert [row.status for row in books.rows] == ([status] if status else [])
    for row in books.rows:
        assert row.estimated == (status != "complete")
        assert 0 < row.cost < HELD


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_what_a_provider_makes_of_it(site: MoneySite, stream: bool) -> None:
    async def check(ending: Ending, url: str) -> None:
        account = await site.account(HELD)
        body = chat_body(account, stream=stream, behaviour=ending.behaviour)
        answer = await ask(site.client, url, account.secret, body)
        assert answer.status == ending.status, answer
        assert answer.succeeded == (ending.row == "complete")
        await check_charged(account, ending.row)

    async with site.gateway(settings=SETTINGS) as gateway, asyncio.TaskGroup() as group:
        for ending in STREAMED if stream else WHOLE:
            group.create_task(noted(check(ending, gateway.url), ending.behaviour))


@pytest.mark.parametrize(
    ("behaviour", "stream", "row"),
    [
        ("held", False, None),
        ("half_a_body_then_held", False, None),
        ("headers_then_held", True, None),
        ("stalled", True, "cancelled"),
    ],
)
async def test_a_client_leaves(site: MoneySite, behaviour: str, stream: bool, row: RowStatus | None) -> None:
    account = await site.account(HELD)
    begun = asyncio.Event()

    async def is_asked() -> bool:
        return begun.is_set() if row else site.provided(account) == 1

    async with site.gateway() as gateway:
        body = chat_body(account, stream=stream, behaviour=behaviour)
        asking = asyncio.create_task(ask(site.client, gateway.url, account.secret, body, begun.set))
        await until(is_asked, "the provider does not begin")
        asking.cancel()
        await asyncio.wait({asking})
        await check_charged(account, row)


async def test_a_client_leaves_while_it_is_admitted(site: MoneySite) -> None:
    account = await site.account(HELD)
    admitting, gone = asyncio.Event(), asyncio.Event()

    async def leave() -> None:
        admitting.set()
        await gone.wait()

    async with site.gateway() as gateway:
        trouble = Trouble(account.names, FIRST.way_to(TAKE), [Preceded(leave)])
        gateway.proxy.judge = trouble.judge
        asking = asyncio.create_task(FIRST.ask(site, gateway, account))
        await admitting.wait()
        asking.cancel()
        await asyncio.wait({asking})
        gone.set()
        await gateway.done_with(account)
        await check_charged(account, None)
    assert site.provided(account) == 0


async def test_a_client_leaves_while_its_hold_is_given_back(site: MoneySite) -> None:
    account = await site.account(HELD + COST)

    async with site.gateway() as gateway:
        await FAILED.past.prepare(site, gateway, account)
        throttled = [aws_error("ThrottlingException")] * 2 * ATTEMPTS
        gateway.proxy.judge = Trouble(account.names, FAILED.way_to(END), throttled).judge
        asking = asyncio.create_task(FAILED.ask(site, gateway, account))

        async def is_given_back() -> bool:
            return gateway.proxy.names[-2:] == [END.call] * 2

        await until(is_given_back, "the hold is not given back")
        asking.cancel()
        await asyncio.wait({asking})
        await check_charged(account, "complete")  # the request before it
