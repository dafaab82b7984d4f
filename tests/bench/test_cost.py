"""The promise about writes that the figures of ``make bench-cost`` rest on, and how they are added up."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from tests.bench import prices
from tests.bench.capacity import Call, Stage, Trace
from tests.bench.cost import MEMORY_MEGABYTES, RUNS_A_MONTH
from tests.bench.cost_cases import CASES, Case, streamed, whole
from tests.bench.cost_figures import mean
from tests.bench.gateways import World, standing_clock
from tests.bench.job_cases import JOB_CASES, JobCase, looks_within
from tests.bench.job_cost import MEMORY_MEGABYTES as JOB_MEGABYTES
from tests.bench.job_cost import JobFigures
from tests.bench.job_site import JobSite
from tests.bench.site import ROOT

from sluice.stores.aws import AWS

TEMPLATE = (ROOT / "template.yaml").read_text(encoding="utf-8")
DAYS_A_MONTH = 31

on_one_engine = pytest.mark.parametrize("engine", ["dynalite"], indirect=True)
"""What is counted here is the same on each; what it comes to in units is tested on those that tell."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait before a provider is asked again."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _: sleep(0))


async def traces_of(case: Case, aws: AWS) -> Sequence[Trace]:
    with standing_clock() as clock:
        world = World(aws, clock, **case.limits)
        await world.begin()
        return await case.run(world)


@on_one_engine
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_request_makes_the_writes_that_are_promised_and_no_more(
    engine_aws: AWS, case: Case
) -> None:
    traces = await traces_of(case, engine_aws)
    assert traces
    for trace in traces:
        before = trace.count(writes=True, stage="before")
        assert (before, trace.count(writes=True) - before) == case.writes, trace.calls


@on_one_engine
@pytest.mark.parametrize("case", [case for case in CASES if case.run in {whole, streamed}])
async def test_a_warm_request_reads_nothing_and_has_its_client_wait_for_one_write(
    engine_aws: AWS, case: Case
) -> None:
    for trace in await traces_of(case, engine_aws):
        assert [(call.operation, call.stage) for call in trace.calls] == [
            ("UpdateItem", "before"),
            ("PutItem", "after"),
            ("UpdateItem", "after"),
        ]


@on_one_engine
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.writes == (0, 0)], ids=lambda case: case.name
)
async def test_a_refusal_costs_one_read_at_most(engine_aws: AWS, case: Case) -> None:
    for trace in await traces_of(case, engine_aws):
        assert len(trace.calls) <= ("again" not in case.name)


@on_one_engine
@pytest.mark.parametrize("case", JOB_CASES, ids=lambda case: case.name)
async def test_each_job_makes_the_writes_and_transitions_that_are_promised_and_no_more(
    engine_aws: AWS, case: JobCase
) -> None:
    with standing_clock() as clock:
        site = JobSite(engine_aws, clock)
        await site.begin()
        await case.run(site)
        usage = await case.run(site)
        await site.close()
    assert usage.trace.count(writes=True) == case.writes, usage.trace.calls
    assert usage.transitions == case.transitions
    assert usage.requests == 1 + case.looks
    figures = JobFigures(case, usage, mean([usage.trace]))
    assert figures.parts["Step Functions"] == case.transitions * 25
    assert figures.parts["API Gateway"] == usage.requests * Decimal("3.50")
    written, read = (
        sum(usage.objects[name] for name in names) for names in (("put", "keys"), ("get", "size"))
    )
    assert figures.parts["S3"] == written * 5 + read * Decimal("0.40")


def test_who_waits_looks_less_and_less_often() -> None:
    assert [looks_within(seconds) for seconds in (0, 0.2, 0.21, 8, 9.5)] == [1, 2, 3, 12, 13]


def made(*calls: tuple[str, Stage, Mapping[str, float]]) -> Trace:
    return Trace([Call(operation, stage, units) for operation, stage, units in calls])


def test_the_mean_of_requests_is_told_by_reads_and_writes() -> None:
    found = mean(
        [
            made(("GetItem", "before", {"KeysTable": 1}), ("UpdateItem", "before", {"CountersTable": 2})),
            made(("UpdateItem", "before", {"CountersTable": 1}), ("PutItem", "after", {"LedgerTable": 3})),
        ]
    )
    half = Decimal("0.5")
    assert (found.writes_before, found.writes_later) == (Decimal(1), half)
    assert (found.write_units, found.reads, found.read_units) == (Decimal(3), half, half)
    assert found.calls == "0.5 GetItem Keys = 0.5, 1 UpdateItem Counters = 1.5, 0.5 PutItem Ledger = 1.5"
    assert found.dollars == 3 * Decimal("0.625") + half * Decimal("0.125")


def test_a_millions_invocations_cost_their_requests_and_their_gigabyte_seconds() -> None:
    assert prices.invocations_cost(Decimal(3), 512) == Decimal("0.20") + Decimal("1.5") * Decimal("13.3334")


def test_every_price_says_who_says_so() -> None:
    for price in prices.PRICES:
        assert price.address.startswith("https://")
        assert re.search(r"20\d\d|undated", price.told)


def test_what_is_assumed_of_the_template_is_so() -> None:
    memory = re.search(r"MemorySize:\n +Type: Number\n +Default: (\d+)\n", TEMPLATE)
    schedule = re.search(r"Schedule: rate\((\d+) minutes\)", TEMPLATE)
    assert memory
    assert schedule
    assert int(memory[1]) == MEMORY_MEGABYTES == JOB_MEGABYTES
    assert RUNS_A_MONTH * int(schedule[1]) == DAYS_A_MONTH * 24 * 60
