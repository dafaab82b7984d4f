"""Refusals: what is remembered of them costs nothing, and is true of each request and at each time."""

from dataclasses import replace

import pytest

from admissions import READ, WRITE, admitted, another, calls_of, demand
from bookkeeping import Bookkeeping, key_that_spent
from key_records import key_record
from sluice.accounting.admission import IN_FLIGHT_SECONDS
from sluice.errors import BudgetExceededError, BudgetInFlightError, RateLimitError, SluiceError
from sluice.money import format_usd

KEY = key_record("sk-refused", id="key_refused", rpm=100, tpm=10_000, tpd=100_000, budget_nano_usd=10_000)


@pytest.fixture
def books() -> Bookkeeping:
    return Bookkeeping()


@pytest.mark.parametrize(
    ("limits", "tokens", "kind"),
    [
        ({"rpm": 1}, 10, RateLimitError),
        ({"tpm": 15}, 10, RateLimitError),
        ({"tpd": 15}, 10, RateLimitError),
        ({"tpm": 9}, 10, RateLimitError),
        ({"budget_nano_usd": 15}, 10, BudgetExceededError),
    ],
)
async def test_a_sure_refusal_costs_a_read_and_then_nothing(
    books: Bookkeeping, limits: dict[str, int], tokens: int, kind: type[SluiceError]
) -> None:
    key = key_record("sk-full", id="key_full", **limits)
    if limits != {"tpm": 9}:
        await books.settle(await admitted(books, key, "req_1"), 10)
    before = books.database.tables["CountersTable"].copy()
    assert WRITE not in await calls_of(books, admitted(books, key, "req_2", tokens))
    for number in range(3):
        with pytest.raises(kind):
            await admitted(books, key, f"req_more_{number}", tokens)
    assert await calls_of(books, admitted(books, key, "req_3", tokens + 5)) == ()
    assert books.database.tables["CountersTable"] == before
    assert await calls_of(books, another(books).admit(key, demand(tokens), "req_4")) == (READ,)


async def test_a_refusal_that_may_pass_at_once_is_asked_again(books: Bookkeeping) -> None:
    key = replace(KEY, budget_nano_usd=15)
    first = await admitted(books, key, "req_1")
    for _ in range(2):
        with pytest.raises(BudgetInFlightError) as caught:
            await admitted(books, key, "req_2")
        assert caught.value.retry_after == IN_FLIGHT_SECONDS
    await books.settler.release(first)
    assert (await admitted(books, key, "req_3")).hold.amount == 10


async def test_a_smaller_request_and_other_limits_are_asked_of_the_table(books: Bookkeeping) -> None:
    key = await key_that_spent(books, 9)
    key = replace(key, budget_nano_usd=15)
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_1", 7)
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_2", 8)
    assert (await admitted(books, key, "req_3", 6)).counter.used == 15
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_4", 7)
    assert (await admitted(books, replace(key, budget_nano_usd=22), "req_5", 7)).counter.used == 22


@pytest.mark.parametrize(("budget", "tokens"), [(15, 6), (20, 7)], ids=["smaller", "other limits"])
async def test_what_was_held_at_a_refusal_is_not_held_against_them(
    books: Bookkeeping, budget: int, tokens: int
) -> None:
    key = replace(await key_that_spent(books, 9), budget_nano_usd=15)
    held = await admitted(books, key, "req_held", 5)
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_1", 7)
    await books.settler.release(held)
    key = replace(key, budget_nano_usd=budget)
    assert (await admitted(books, key, "req_2", tokens)).counter.used == 9 + tokens


async def test_a_remembered_refusal_tells_what_is_left_now(books: Bookkeeping) -> None:
    key = replace(await key_that_spent(books, 2), budget_nano_usd=15)
    for name, left in (("req_1", 13), ("req_3", 9)):
        with pytest.raises(BudgetExceededError) as caught:
            await admitted(books, key, name, 14)
        assert f" has {format_usd(left)} USD left" in caught.value.message
        await books.settle(await admitted(books, key, f"{name}_small", 4), 4)
        books.admitter.note(key.id, await books.counters.read(key.id))  # as a gateway's settler does


async def test_a_refusal_is_not_remembered_for_ever(books: Bookkeeping) -> None:
    """What is spent for good may be set right by an operator."""
    key = replace(await key_that_spent(books, 9), budget_nano_usd=10, budget_period=None)
    key = replace(key, id="key_lifetime")
    await books.settle(await admitted(books, key, "req_1", 9), 9)
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_2", 5)
    books.shift(key, -9)
    books.now += 59
    with pytest.raises(BudgetExceededError):
        await admitted(books, key, "req_3", 5)
    books.now += 1
    assert (await admitted(books, key, "req_4", 5)).counter.used == 5


async def test_a_remembered_refusal_tells_each_request_when_it_would_fit(books: Bookkeeping) -> None:
    key = key_record("sk-tokens", id="key_tokens", tpm=100)
    for number, tokens in enumerate((20, 60)):
        books.now += 8 * number
        await books.settle(await admitted(books, key, f"req_{number}", tokens), tokens)
    waits = []
    for tokens in (21, 40, 41, 100):
        with pytest.raises(RateLimitError) as caught:
            await admitted(books, key, "req_more", tokens)
        waits.append(caught.value.retry_after)
    assert waits == [60, 60, 68, 68]
    with pytest.raises(RateLimitError, match="101 tokens") as caught:
        await admitted(books, key, "req_more", 101)
    assert caught.value.retriable is False


@pytest.mark.parametrize("tokens", [21, 40, 41, 100])
async def test_who_comes_again_when_told_is_admitted(books: Bookkeeping, tokens: int) -> None:
    key = key_record("sk-tokens", id="key_tokens", tpm=100)
    for number, taken in enumerate((20, 60)):
        books.now += 8.3 * number
        await books.settle(await admitted(books, key, f"req_{number}", taken), taken)
    with pytest.raises(RateLimitError) as caught:
        await admitted(books, key, "req_more", tokens)
    assert caught.value.retry_after is not None
    start = books.now
    books.now = start + caught.value.retry_after - 0.001
    with pytest.raises(RateLimitError):
        await admitted(books, key, "req_soon", tokens)
    books.now = start + caught.value.retry_after
    assert (await admitted(books, key, "req_then", tokens)).hold.tokens == tokens
