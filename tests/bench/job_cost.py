"""What a job costs on AWS, as a part of ``make bench-cost``."""

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from tests.bench import prices
from tests.bench.cost_figures import Mean, mean
from tests.bench.gateways import standing_clock
from tests.bench.job_cases import JOB_CASES, PICTURE_SECONDS, JobCase, looks_within
from tests.bench.job_site import JobSite, Usage

from engines import Engine
from sluice.stores.aws import AWS

MEMORY_MEGABYTES = 1024
REQUEST_SECONDS = Decimal("0.1")
TASK_SECONDS = Decimal("0.3")
"""Of every task but the one that waits for a picture."""
WAITS = "generate"

LEFT_OUT = """\
Assumed: {request} s a request and {task} s a task, but {picture} s for the one that waits for a picture, at {memory} MB. Not
in these: the provider, who costs far more; the adding up of its ledger row; webhooks; what is stored, and sent to clients.
Who waits {picture} s for a picture in the reply looks {looks} times in one request, not by requests of its own: that is
{reads:.2f} USD of reads a million, and {waiting:.2f} USD of Lambda."""


@dataclass(frozen=True, slots=True)
class JobFigures:
    """What a job has used, and what its calls of DynamoDB come to."""

    case: JobCase
    usage: Usage
    dynamodb: Mean

    @property
    def parts(self) -> dict[str, Decimal]:
        """USD of a million such jobs, by service."""
        usage, million = self.usage, Decimal(prices.MILLION)
        written, read = (
            Decimal(sum(usage.objects[name] for name in names))
            for names in (("put", "keys"), ("get", "size"))
        )
        waiting = usage.tasks[WAITS]
        others = usage.tasks.total() - waiting
        return {
            "DynamoDB": self.dynamodb.dollars,
            "S3": prices.OBJECT_WRITE.of(written * million) + prices.OBJECT_READ.of(read * million),
            "Step Functions": prices.STATE_TRANSITION.of(usage.transitions * million),
            "Lambda": usage.requests * prices.invocations_cost(REQUEST_SECONDS, MEMORY_MEGABYTES)
            + others * prices.invocations_cost(TASK_SECONDS, MEMORY_MEGABYTES)
            + waiting * prices.invocations_cost(Decimal(PICTURE_SECONDS), MEMORY_MEGABYTES),
            "API Gateway": prices.API_REQUEST.of(usage.requests * million),
        }


async def job_figures(engine: Engine) -> list[JobFigures]:
    """Have each kind of job made, once its key is known."""
    with standing_clock() as clock, closing(AWS(engine.endpoint)) as aws:
        site = JobSite(aws, clock)
        await site.begin()
        found = []
        for case in JOB_CASES:
            await case.run(site)
            usage = await case.run(site)
            found.append(JobFigures(case, usage, mean([usage.trace])))
        await site.close()
        return found


def print_jobs(figures: list[JobFigures]) -> None:
    """What each kind of job has used, and what that costs."""
    print("\na job, its looks counted")
    for each in figures:
        usage = each.usage
        tasks = ", ".join(f"{count} {name}" for name, count in usage.tasks.items())
        objects = ", ".join(f"{count} {name}" for name, count in usage.objects.items())
        print(f"  {each.case.name}, looked at {each.case.looks} times")
        print(f"      {usage.requests} requests; tasks: {tasks}; {usage.transitions} state transitions")
        print(f"      DynamoDB: {each.dynamodb.calls}; S3: {objects}")
    print(f"\n{'a million jobs, USD':34}" + "".join(f"{name:>16}" for name in (*figures[0].parts, "in all")))
    for each in figures:
        parts = each.parts
        cells = "".join(f"{dollars:16.2f}" for dollars in (*parts.values(), sum(parts.values())))
        print(f"  {each.case.name:32}{cells}")
    looks = looks_within(PICTURE_SECONDS)
    print(
        LEFT_OUT.format(
            request=REQUEST_SECONDS,
            task=TASK_SECONDS,
            picture=PICTURE_SECONDS,
            memory=MEMORY_MEGABYTES,
            looks=looks,
            reads=prices.units_cost(Decimal(0), Decimal(looks)),
            waiting=prices.invocations_cost(Decimal(PICTURE_SECONDS), MEMORY_MEGABYTES),
        )
    )
