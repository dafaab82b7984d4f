"""What no number of requests at once may do: spend more than a budget, or lose count of what is spent.

They are made over HTTP, on one key, to three processes that know nothing of each other.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from account import Account, watched
from chat_client import Answer, ask
from function_apps import FunctionName
from money_site import (
    ALL,
    HELD,
    Gateway,
    MoneySite,
    Tokens,
    chat_body,
    counters_after_writes,
    embeddings_body,
    text_body,
    text_to_chat_body,
)
from sdk_clients import Traffic, async_client
from sluice.accounting.admission import IN_FLIGHT_SECONDS

PROCESSES = 3

REQUESTS = 300
FITTING = 40

PATIENT_REQUESTS = 120
PATIENT_RETRIES = 10
MOST = Tokens(ALL.prompt * 9 // 10, ALL.completion * 9 // 10)


@dataclass(frozen=True, slots=True)
class Way:
    """An endpoint, and requests to it that use all that is held for them."""

    function: FunctionName
    path: str
    body: Callable[..., dict[str, Any]]
    tokens: Tokens = ALL


CHAT = Way("chat", "/v1/chat/completions", chat_body)
TEXT = Way("completions", "/v1/completions", text_body)
TEXT_TO_CHAT = Way("completions", "/v1/completions", text_to_chat_body)
EMBEDDINGS = Way("embeddings", "/v1/embeddings", embeddings_body, Tokens(ALL.prompt, 0))


@pytest.fixture
def way() -> Way:
    return CHAT


@pytest.fixture
async def gateways(site: MoneySite, way: Way) -> AsyncIterator[Sequence[Gateway]]:
    async with AsyncExitStack() as stack:
        serving = (site.gateway(function=way.function) for _ in range(PROCESSES))
        yield [await stack.enter_async_context(each) for each in serving]


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


@pytest.mark.parametrize(
    "way", [CHAT, TEXT, TEXT_TO_CHAT, EMBEDDINGS], ids=["chat", "text", "text to chat", "embeddings"]
)
async def test_of_many_at_once_exactly_those_succeed_that_the_budget_pays_for(
    site: MoneySite, gateways: Sequence[Gateway], way: Way
) -> None:
    cost = way.tokens.cost
    account = await site.account(FITTING * cost, rpm=10 * REQUESTS)

    async def request(number: int) -> Answer:
        body = way.body(account, stream=number // PROCESSES % 2 == 0, tokens=way.tokens)
        url = gateways[number % PROCESSES].url
        return await ask(site.client, url, account.secret, body, path=way.path)

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
    assert [(row.status, row.cost) for row in books.rows] == [("complete", cost)] * FITTING
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
