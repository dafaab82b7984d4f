"""The ways of a request through a gateway: which calls it makes, in their order, and what each of them is for."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from account import Account, until
from chat_client import Answer, ask
from engines import Engine
from faults import PROVIDER
from money_site import ALL, COST, COUNT, HELD, RATES, SOME, Gateway, MoneySite, chat_body
from sluice.accounting.demand import Demand
from sluice.accounting.windows import MINUTE
from sluice.pipeline.admit import Admission, Admitter
from sluice.pipeline.reclaim import Reclaimer
from sluice.stores.ledger_rows import LedgerRow, RowStatus

BUDGET = HELD + 2 * COST
"""Pays for two requests and then for a third, but not for what is held for two."""

OTHER_REQUEST = "req_of_a_dead_process"
DEAD_FOR_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One call: what it is for, and what it is called."""

    purpose: str
    call: str


KEY = Step("read the key", "GetItem KeysTable")
COUNTER = Step("read the counter", "GetItem CountersTable")
TAKE = Step("admit", COUNT)
ASK = Step("ask the provider", PROVIDER)
ROW = Step("write the row", "PutItem LedgerTable")
END = Step("end the hold", COUNT)
OTHER_ROW = Step("write the row of the other's hold", "PutItem LedgerTable")
OTHER_ROW_READ = Step("read the row that is there", "GetItem LedgerTable")
OTHER_END = Step("end the other's hold", COUNT)
COUNTER_AGAIN = Step("read the counter again", "GetItem CountersTable")


@dataclass(frozen=True, slots=True)
class Past:
    """What an account has been through before.

    ``prepare`` makes it so; ``row`` is what the ledger has of it in the end, ``provided`` whether the provider does.
    """

    prepare: Callable[[MoneySite, Gateway, Account], Awaitable[object]]
    row: RowStatus | None
    provided: bool = False
    budget: int = BUDGET


@dataclass(frozen=True, slots=True)
class Journey:
    """A request. Of ``steps`` those of ``only_without_items`` are made on engines that do not return failed items."""

    name: str
    past: Past
    steps: tuple[Step, ...]
    stream: bool = False
    behaviour: str = "ok"
    only_without_items: frozenset[Step] = frozenset()

    def steps_on(self, engine: Engine) -> tuple[Step, ...]:
        """The calls that it makes, if nothing goes wrong."""
        left_out = self.only_without_items if engine.returns_failed_items else frozenset()
        return tuple(step for step in self.steps if step not in left_out)

    def way_to(self, step: Step) -> list[str]:
        """What its calls are called, up to that of a step."""
        return [passed.call for passed in self.steps[: self.steps.index(step) + 1]]

    async def ask(
        self,
        site: MoneySite,
        gateway: Gateway,
        account: Account,
        at_first_byte: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Make the request."""
        body = chat_body(account, stream=self.stream, behaviour=self.behaviour)
        return await ask(site.client, gateway.url, account.secret, body, at_first_byte)


async def _new(_: MoneySite, __: Gateway, ___: Account) -> None:
    pass


async def _known(site: MoneySite, gateway: Gateway, account: Account) -> None:
    answer = await ask(site.client, gateway.url, account.secret, chat_body(account))
    assert answer.succeeded, answer
    await gateway.done_with(account)


async def _abandoned(_: MoneySite, __: Gateway, account: Account) -> Admission:
    return await reserved(account, OTHER_REQUEST, _back_then)


async def _half_settled(site: MoneySite, gateway: Gateway, account: Account) -> None:
    hold = (await _abandoned(site, gateway, account)).hold
    await account.ledger.put(
        LedgerRow(
            key_id=account.id,
            request_id=OTHER_REQUEST,
            period=hold.period,
            status="complete",
            hold_expires_at=hold.expires_at,
            settled_at=int(_back_then() * 1000),
            cost=COST,
            prompt_tokens=SOME.prompt,
            completion_tokens=SOME.completion,
        )
    )


async def reserved(account: Account, request_id: str, clock: Callable[[], float] = time.time) -> Admission:
    """Admit a request to another process, whose clock this is, and hold ``HELD`` for it."""
    reclaimer = Reclaimer(account.counters, account.ledger, clock=clock)
    admitter = Admitter(account.counters, reclaimer, hold_seconds=DEAD_FOR_SECONDS / 2, size=1, clock=clock)
    demand = Demand(ALL.prompt, 1, ALL.completion, adjustable=False, rates=RATES)
    return await admitter.admit(account.record, demand, request_id)


def _back_then() -> float:
    return time.time() - DEAD_FOR_SECONDS


async def next_slot() -> None:
    """Wait until the windows of a minute have begun a new slot."""
    slot = MINUTE.slot_at(time.time())

    async def has_begun() -> bool:
        return MINUTE.slot_at(time.time()) > slot

    await until(has_begun, "time stands still")


NEW = Past(_new, None)
KNOWN = Past(_known, "complete", provided=True)
"""The process knows the key, and its counter as it was when the first request was settled."""
ABANDONED = Past(_abandoned, "lost")
"""A process died before it had written its row. Its hold stands in the way of the next request."""
HALF_SETTLED = Past(_half_settled, "complete", budget=2 * BUDGET)
"""A process died between its two writes. Its hold does not stand in the way: it is seen when the next one is settled."""

FIRST = Journey("a new key", NEW, (KEY, COUNTER, TAKE, ASK, ROW, END))
STREAMED = Journey("a known key, streamed", KNOWN, (TAKE, ASK, ROW, END), stream=True)
FAILED = Journey("a known key, failed", KNOWN, (TAKE, ASK, END), behaviour="server_error")
IN_THE_WAY = Journey(
    "a hold in the way",
    ABANDONED,
    (KEY, COUNTER, OTHER_ROW, OTHER_END, COUNTER_AGAIN, TAKE, ASK, ROW, END),
)
SEEN_AT_THE_END = Journey(
    "a hold that is seen at the end",
    HALF_SETTLED,
    (KEY, COUNTER, TAKE, ASK, ROW, END, OTHER_ROW, OTHER_ROW_READ, OTHER_END),
    only_without_items=frozenset({OTHER_ROW_READ}),
)
