"""The figures of ``make bench-cost``: what requests consume, what adding them up does, and how large their items are."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from tests.bench import prices
from tests.bench.capacity import WRITE_UNIT_BYTES, Trace, item_bytes, traced
from tests.bench.cost_cases import AT_ONCE, Case
from tests.bench.gateways import World, in_flight, standing_clock

from engines import Engine
from made_settings import TABLES
from sluice.stores.aws import AWS, Item
from sluice.stores.counters import LEAD
from sluice.stores.ledger import LedgerStore
from sluice.stores.usage import UsageStore

USAGE_TABLE = "UsageTable"
COUNTER = "a key's counter, after a day of use"
LEDGER_ROW = "a ledger row"


@dataclass(frozen=True, slots=True)
class Mean:
    """What a request of a case consumes on the average."""

    writes_before: Decimal
    writes_later: Decimal
    write_units: Decimal
    reads: Decimal
    read_units: Decimal
    calls: str

    @property
    def dollars(self) -> Decimal:
        """Of a million such requests."""
        return prices.units_cost(self.write_units, self.read_units)


def mean(traces: Sequence[Trace]) -> Mean:
    """The mean of some requests."""

    def of(figure: Callable[[Trace], float]) -> Decimal:
        return Decimal(sum(map(figure, traces))) / len(traces)

    before = of(lambda trace: trace.count(writes=True, stage="before"))
    return Mean(
        writes_before=before,
        writes_later=of(lambda trace: trace.count(writes=True)) - before,
        write_units=of(lambda trace: trace.units(writes=True)),
        reads=of(lambda trace: trace.count(writes=False)),
        read_units=of(lambda trace: trace.units(writes=False)),
        calls=calls_of(traces),
    )


def calls_of(traces: Sequence[Trace]) -> str:
    """The calls of a request on the average, by operation and table, with their units."""
    times: Counter[tuple[str, str, bool]] = Counter()
    units: defaultdict[tuple[str, str, bool], float] = defaultdict(float)
    for call in (call for trace in traces for call in trace.calls):
        for table, consumed in call.units.items():
            times[call.operation, table, call.failed] += 1
            units[call.operation, table, call.failed] += consumed
    count = len(traces)
    return ", ".join(
        f"{times[name] / count:g} {'failed ' if name[2] else ''}{name[0]} {name[1].removesuffix('Table')}"
        f" = {units[name] / count:g}"
        for name in times
    )


async def measured(engine: Engine, case: Case) -> Mean:
    """Run a case."""
    with standing_clock() as clock, closing(AWS(engine.endpoint)) as aws:
        world = World(aws, clock, **case.limits)
        await world.begin()
        return mean(await case.run(world))


async def roll_up_units(engine: Engine, rows: int) -> Decimal:
    """The write units that adding up one ledger row takes, of so many that come together."""
    with standing_clock() as clock, closing(AWS(engine.endpoint)) as aws:
        world = World(aws, clock)
        await world.begin()
        environment = await world.warm()
        for _ in range(rows):
            await environment.ask()
        ledger = LedgerStore(aws, TABLES["ledger_table"])
        batch = [row async for row in ledger.rows(world.key.id)][-rows:]
        with traced() as trace:
            await UsageStore(world.metered, USAGE_TABLE, TABLES["ledger_table"]).add(batch)
        return Decimal(trace.units(writes=True)) / rows


async def sizes(engine: Engine) -> dict[str, int]:
    """The bytes of the items that a request writes, by name."""
    for table in TABLES.values():
        engine.empty(table)
    with standing_clock() as clock, closing(AWS(engine.endpoint)) as aws:
        world = World(aws, clock)
        await world.begin()
        environment = await world.warm(ip_rpm=1000)
        counter = item_bytes(await world.counter())
        async with in_flight(world, environment, AT_ONCE):
            hold = (item_bytes(await world.counter()) - counter) // AT_ONCE
        await environment.ask(idempotency_key="1")
        addresses = [item for item in await items(aws, "counters_table") if not is_of_key(item)]
        rows, replies = await items(aws, "ledger_table"), await items(aws, "idempotency_table")
    return {
        COUNTER: counter,
        f"  a request in flight in it; {(WRITE_UNIT_BYTES - counter) // hold} fit in the first KB": hold,
        "a client's address": max(map(item_bytes, addresses)),
        LEDGER_ROW: max(map(item_bytes, rows)),
        "a request with an Idempotency-Key, with its short reply": max(map(item_bytes, replies)),
    }


async def items(aws: AWS, setting: str) -> Sequence[Item]:
    """What is in a small table, by the setting that names it."""
    found = await aws.dynamodb.call("Scan", TableName=TABLES[setting], ConsistentRead=True)
    return found["Items"]  # type: ignore[no-any-return] # the client is of no type here


def is_of_key(counter: Item) -> bool:
    """Whether an item of the counters table is a key's."""
    return str(counter["id"]["S"]).startswith(LEAD)
