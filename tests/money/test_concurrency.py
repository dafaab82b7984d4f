"""What no number of requests at once may do: spend more than a budget, or lose count of what is spent.

They are made over HTTP, on one key, to three processes that know nothing of each other.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import openai
import pytest

from account import Account, watched
from chat_client import Answer, ask
from money_site import ALL, HELD, Gateway, MoneySite, Tokens, chat_body, counters_after_writes
from sdk_clients import Traffic, async_client
from sluice.accounting.admission import IN_FLIGHT_SECONDS

PROCESSES = 3

REQUESTS = 300
FITTING = 40

PATIENT_REQUESTS = 120
PATIENT_RETRIES = 10
MOST = Tokens(ALL.prompt * 9 // 10, ALL.completion * 9 // 10)


@pytest.fixture
async def gateways(site: MoneySite) -> AsyncIterator[Sequence[Gateway]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(site.gateway()) for _ in range(PROCESSES)]


def check_every_write(gateways: Sequence[Gateway], account: Account) -> None:
    """No write ever left a counter that is beyond the budget."""
    used = [counter.used for gateway in gateways for counter in counters_after_writes(gateway, account)]
    assert used
    assert max(used) <= account.budget


def check_refusal(answer: Answer) -> None:
    """It is one of the two that a budget gives, and says whether to try again."""
    match answer.code:
        case "budget_exceeded":
            assert (answer.status, answer.headers["x-should-retry"]) == (402, "false")
        case "budget_in_flight":
            assert (answer.status, answer.headers["retry-after"]) == (429, f"{IN_FLIGHT_SECONDS:.0f}")
            assert "x-should-retry" not in answer.headers
        case unknown:
            raise AssertionError(unknown)
    assert answer.headers["x-ratelimit-limit-rpm"] == str(10 * REQUESTS)


async def test_of_many_at_once_exactly_those_succeed_that_the_budget_pays_for(
    site: MoneySite, gateways: Sequence[Gateway]
) -> None:
    account = await site.account(FITTING * HELD, rpm=10 * REQUESTS)

    async def request(number: int) -> Answer:
        body = chat_body(account, stream=number // PROCESSES % 2 == 0, tokens=ALL)
        return await ask(site.client, gateways[number % PROCESSES].url, account.secret, body)

    async with watched([account]) as seen:
        answers = await asyncio.gather(*(request(number) for number in range(REQUESTS)))
        books = await account.balanced_books()
    assert len(seen) > 1
    check_every_write(gateways, account)

    assert sum(answer.succeeded for answer in answers) == FITTING
    for answer in answers:
        if not answer.succeeded:
            check_refusal(answer)
    assert site.provided(account) == FITTING
    assert [(row.status, row.cost) for row in books.rows] == [("complete", HELD)] * FITTING
    assert books.used == account.budget
    assert (await request(0)).code == "budget_exceeded"


async def test_clients_that_try_again_spend_the_budget_as_far_as_it_goes(
    site: MoneySite, gateways: Sequence[Gateway]
) -> None:
    account = await site.account(FITTING * MOST.cost)

    async def request(client: openai.AsyncOpenAI, number: int) -> bool:
        body = chat_body(account, stream=number // PROCESSES % 2 == 0, tokens=MOST)
        try:
            reply = await client.chat.completions.create(**body)
            if body["stream"]:
                async for _ in reply:
                    pass
        except openai.APIStatusError as error:
            assert error.status_code in {402, 429}, error
            return False
        return True

    async with AsyncExitStack() as stack:
        traffic = Traffic()
        clients = [
            await stack.enter_async_context(
                async_client(f"{gateway.url}/v1", account.secret, traffic, max_retries=PATIENT_RETRIES)
            )
            for gateway in gateways
        ]
        async with watched([account]) as seen:
            succeeded = await asyncio.gather(
                *(request(clients[number % PROCESSES], number) for number in range(PATIENT_REQUESTS))
            )
            books = await account.balanced_books()
    assert len(seen) > 1
    check_every_write(gateways, account)

    assert account.budget - HELD < books.used <= account.budget
    assert sum(succeeded) == len(books.rows) == site.provided(account)
    assert {(row.status, row.cost) for row in books.rows} == {("complete", MOST.cost)}
