"""What was written to keys' counters, in plain lists, and what then has to be true of the counters themselves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulation import Request, World, Write
from sluice.accounting.counter import Counter, Hold
from sluice.accounting.demand import Fit
from sluice.accounting.periods import period_at
from sluice.stores.counters import counter_of
from sluice.stores.keys import KeyRecord
from sluice.stores.ledger_rows import LedgerRow, row_of

SLACK = 3
"""Clocks are up to 2 s apart, and a reply may be on its way for a moment."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A hold that was seen to be written; ``at`` is when that was asked for, by the world's clock."""

    at: float
    request_id: str
    hold: Hold


class PlainAccount:
    """The account of a world, from its first write on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rows: dict[str, LedgerRow] = {}
        """By request id, as they were when first seen."""
        self._admitted: defaultdict[str, list[Admitted]] = defaultdict(list)
        self._ended: set[tuple[str, int | None]] = set()
        """The holds that were seen to end: request and expiry."""
        self._settled: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        """By key, when tokens were counted for good, and how many."""

    def note(self, write: Write) -> None:
        """Take down what a write has done to a counter."""
        before = counter_of(write.before).holds if write.before else {}
        after = counter_of(write.after).holds
        self.check_rows()
        for request_id in after.keys() - before.keys():
            self._admitted[write.key_id].append(Admitted(write.call.made_at, request_id, after[request_id]))
        for request_id in before.keys() - after.keys():
            hold = before[request_id]
            self._ended.add((request_id, hold.expires_at))
            row = self.rows.get(request_id)
            if row is not None and row.hold_expires_at == hold.expires_at:
                tokens = row.prompt_tokens + row.completion_tokens
                self._settled[write.key_id].append((self._world.now, tokens))

    def counter(self, key: KeyRecord) -> Counter | None:
        """A key's counter as it is."""
        item = self._world.counter_item(key.id)
        return counter_of(item) if item else None

    def holds(self, key: KeyRecord) -> Mapping[str, Hold]:
        """A key's holds as they are."""
        counter = self.counter(key)
        return counter.holds if counter else {}

    def rows_of(self, key: KeyRecord) -> Iterator[LedgerRow]:
        """A key's rows."""
        return (row for row in self.rows.values() if row.key_id == key.id)

    def check(self, key: KeyRecord) -> None:
        """Whatever was done, this has to be true."""
        counter = self.counter(key)
        if counter is not None:
            self._check_money(key, counter)
            self._check_windows(key, counter)

    def check_rows(self) -> None:
        """No row ever changes."""
        for (_, request_id), item in self._world.database.tables["LedgerTable"].items():
            row = row_of(item)
            assert self.rows.setdefault(request_id, row) == row

    def _check_money(self, key: KeyRecord, counter: Counter) -> None:
        """The counter says what is spent and held, and in no period is that more than the budget."""
        spent: defaultdict[str, int] = defaultdict(int)
        charged: defaultdict[str, int] = defaultdict(int)
        for row in self.rows_of(key):
            charged[row.period] += row.cost
            if (row.request_id, row.hold_expires_at) in self._ended:
                spent[row.period] += row.cost
        for hold in counter.holds.values():
            spent[hold.period] += hold.amount
        assert counter.used == spent[counter.period]
        if key.budget_nano_usd is not None:
            assert max(spent.values(), default=0) <= key.budget_nano_usd
            assert max(charged.values(), default=0) <= key.budget_nano_usd

    def _check_windows(self, key: KeyRecord, counter: Counter) -> None:
        """What is not settled of a total is held, and no minute and no day has more than the limit."""
        held = sum(hold.tokens for hold in counter.holds.values())
        windows = (counter.requests, counter.minute_tokens, counter.day_tokens)
        assert [window.held for window in windows] == [0, held, held]
        history = [(each.at, 1, self._tokens(each)) for each in self._admitted[key.id]]
        for limit, seconds, column in ((key.rpm, 60, 1), (key.tpm, 60, 2), (key.tpd, 86_400, 2)):
            if limit is not None:
                for start, *_ in history:
                    within = [each[column] for each in history if start <= each[0] < start + seconds]
                    assert sum(within) <= limit

    def _tokens(self, admitted: Admitted) -> int:
        """What a request has taken of the token limits, as far as is known."""
        row = self.rows.get(admitted.request_id)
        if row is not None and row.hold_expires_at == admitted.hold.expires_at:
            return row.prompt_tokens + row.completion_tokens
        ended = (admitted.request_id, admitted.hold.expires_at) in self._ended
        return 0 if ended else admitted.hold.tokens

    def fits(self, request: Request) -> bool:
        """Whether a request would have to be admitted now, whatever anyone remembers."""
        key, least = request.key, request.demand.least
        counter = self.counter(key)
        if counter is None:
            return _fits_alone(key, least)
        now = request.environment.clock()
        if counter.expired(now):
            return False  # it may be in the way, or not
        period = max(period_at(key.budget_period, now), counter.period)
        used = counter.used if period == counter.period else 0
        if key.budget_nano_usd is not None and used + least.amount > key.budget_nano_usd:
            return False
        since = self._world.now - 70 - SLACK
        if key.rpm is not None and sum(each.at > since for each in self._admitted[key.id]) >= key.rpm:
            return False
        held = sum(hold.tokens for hold in counter.holds.values())
        for limit, seconds in ((key.tpm, 70 + SLACK), (key.tpd, 90_000 + SLACK)):
            counted = sum(tokens for at, tokens in self._settled[key.id] if at > self._world.now - seconds)
            if limit is not None and held + counted + least.tokens > limit:
                return False
        return True


def _fits_alone(key: KeyRecord, least: Fit) -> bool:
    """Whether a key that was never used can have a request at all."""
    wanted = (
        (key.budget_nano_usd, least.amount),
        (key.rpm, 1),
        (key.tpm, least.tokens),
        (key.tpd, least.tokens),
    )
    return all(limit is None or amount <= limit for limit, amount in wanted)
