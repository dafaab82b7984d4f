"""What a request costs on AWS, and a job: ``make bench-cost``.

The deployed chat function runs over DynamoDB Local, AWS's own, which says what each call consumes; over dynalite where
Java is missing. What adds up the ledger runs over moto, since no other one takes transactions of 100 actions. The prices
are those of ``tests.bench.prices``, with their sources.
"""

import asyncio
import logging
from decimal import Decimal

from tests.bench import prices
from tests.bench.cost_cases import CASES, COUNTED_BY_ADDRESS
from tests.bench.cost_figures import COUNTER, LEDGER_ROW, Mean, measured, roll_up_units, sizes
from tests.bench.job_cost import job_figures, print_jobs

from engine_processes import EngineName, java_runs
from engines import Engine, running_engine

BATCHES = (1, 100)
"""Rows that a stream delivers together."""

REPLY_SECONDS = Decimal(3)
MEMORY_MEGABYTES = 1024
"""The template's default."""
ROLL_UP_SECONDS = Decimal("0.2")
INDEX_BYTES = 100
"""What storing an item takes beside it, by AWS's guide to item sizes."""
RUNS_A_MONTH = 4 * 24 * 31
"""Of the schedule that looks for lost holds."""
RUN_SECONDS = Decimal(1)
READ_UNIT_BYTES = 4096
KEYS = 1000

LEFT_OUT = """\
Not in these: the provider, log lines, traces, data sent to clients, AWS WAF, secrets, cold starts, and what a free tier
gives. Lambda charges a request's whole duration, so that term is what the provider's speed makes of it."""
AT_REST = """\
At rest it costs what is stored (tables and their backups, log lines, the providers' secrets), and {runs:.2f} USD a month for
the schedule that looks for lost holds (1 s a run is assumed) with {reads:.2f} USD for each {keys:,} keys that it reads.
A million settled requests are {size:.2f} GB of ledger: {kept:.2f} USD a month with its backup, where the account's 25
free GB are used up."""


def print_cases(means: dict[str, Mean]) -> None:
    """The table of all cases."""
    print(f"{'':44}   writes      write         read   USD per million")
    print(f"{'a request':44}   before later units  reads units    (DynamoDB)")
    for name, each in means.items():
        print(
            f"{name:44} {each.writes_before:6.2g} {each.writes_later:5.2g} {each.write_units:7.2f}"
            f" {each.reads:5.2g} {each.read_units:5.2g} {each.dollars:13.3f}"
        )
        print(f"    {each.calls or 'nothing'}")


def print_total(request: Mean, roll_up: dict[int, Decimal]) -> None:
    """What a million requests cost in all."""
    largest = max(BATCHES)
    apart = prices.units_cost(roll_up[1], Decimal(0))
    lines = (
        ("DynamoDB, a whole or streamed reply, its address counted", request.dollars),
        (
            f"DynamoDB, roll-up of {largest} rows at a time (one by one: {apart:.2f})",
            prices.units_cost(roll_up[largest], Decimal(0)),
        ),
        (
            f"Lambda, roll-up, {ROLL_UP_SECONDS} s for {largest} rows (assumed)",
            prices.invocations_cost(ROLL_UP_SECONDS, MEMORY_MEGABYTES) / largest,
        ),
        ("DynamoDB stream, read by Lambda", prices.STREAM_READ.dollars),
        ("API Gateway", prices.API_REQUEST.dollars),
        (
            f"Lambda, {REPLY_SECONDS} s at {MEMORY_MEGABYTES} MB (assumed)",
            prices.invocations_cost(REPLY_SECONDS, MEMORY_MEGABYTES),
        ),
    )
    print("a million requests, USD")
    for name, dollars in (*lines, ("in all", Decimal(sum(dollars for _, dollars in lines)))):
        print(f"  {name:70} {dollars:8.2f}")


def print_at_rest(bytes_of: dict[str, int]) -> None:
    """What it costs while nobody calls it."""
    stored = Decimal(bytes_of[LEDGER_ROW] + INDEX_BYTES) * prices.MILLION / prices.GIGABYTE
    read_units = -(-KEYS * bytes_of[COUNTER] // READ_UNIT_BYTES)
    print(
        AT_REST.format(
            runs=prices.invocations_cost(RUN_SECONDS, MEMORY_MEGABYTES) * RUNS_A_MONTH / prices.MILLION,
            reads=prices.READ_UNIT.of(Decimal(read_units * RUNS_A_MONTH)),
            keys=KEYS,
            size=stored,
            kept=prices.STORAGE.of(stored) + prices.BACKUP.of(stored),
        )
    )


def print_prices() -> None:
    """Each price with its source."""
    print("\nprices in us-east-1, USD, and who says so; ask AWS before you rely on one")
    for price in prices.PRICES:
        per = "" if price.per == 1 else f" per {price.per:,}"
        print(f"  {price.unit}: {price.dollars}{per}\n      {price.told}\n      {price.address}")


async def main(engine: Engine, transacting: Engine) -> None:
    """Measure, and print."""
    print(f"units as {engine.name} tells them", flush=True)
    bytes_of = await sizes(engine)
    means = {case.name: await measured(engine, case) for case in CASES}
    roll_up = {rows: await roll_up_units(transacting, rows) for rows in BATCHES}
    jobs = await job_figures(engine)
    print_cases(means)
    print("\nadding up the ledger, write units a row")
    for rows, units in roll_up.items():
        print(f"  {rows:3} at a time: {units:.2f}")
    print("\nbytes of an item, of which each 1,024 begun is a write unit")
    for name, size in bytes_of.items():
        print(f"  {name:70} {size:6}")
    print()
    print_total(means[COUNTED_BY_ADDRESS.name], roll_up)
    print(f"\n{LEFT_OUT}")
    print_at_rest(bytes_of)
    print_jobs(jobs)
    print_prices()


if __name__ == "__main__":
    logging.disable()
    name: EngineName = "dynamodb-local" if java_runs() else "dynalite"
    with running_engine(name) as telling, running_engine("moto") as transacting:
        asyncio.run(main(telling, transacting))
