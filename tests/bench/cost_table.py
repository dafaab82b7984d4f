"""DEPLOY.md's tables of costs, made of the template and of the prices and promises of ``make bench-cost``: ``make readme``.

What a request or a job consumes is what tests hold it to, so these figures change where that does. What only
measuring tells (the units of adding up the ledger, say) is given as the bounds that it lies in.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.bench import prices
from tests.bench.cost_cases import COUNTED_BY_ADDRESS
from tests.bench.job_cases import JOB_CASES

from sluice.local.blueprint import read_template
from sluice.local.server import TEMPLATE
from sluice.readme.features import line
from sluice.readme.parts import with_parts

GUIDE = TEMPLATE.parent / "DEPLOY.md"
MEMORY_MEGABYTES = 1024
ROLL_UP_UNITS = (2, 4)
"""Of a ledger row that is added up with a hundred others, and of one that is alone."""
RUN_SECONDS = Decimal(1)
SECONDS_A_MONTH = 31 * 86_400
UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
FREE_ALARM_METRICS = 10
GRADUALLY = "DeployGradually"
"""The condition of the alarm that tells nobody but CodeDeploy."""
KEYS = 1000
COUNTER_UNITS = 125
"""Read units of so many keys' counters, half a KB each."""

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")

type Template = Mapping[str, Any]


def at_rest(template: Template) -> str:
    """A Markdown table of what a month costs in which nobody calls."""
    return _table("A month, while nobody calls", list(_at_rest(template)))


def per_million(template: Template) -> str:
    """A Markdown table of what a million of something cost."""
    return _table("A million", list(_per_million(template)))


def _at_rest(template: Template) -> Iterator[tuple[str, str]]:
    runs = Decimal(sum(_runs(template)))
    cost = prices.invocations_cost(RUN_SECONDS, MEMORY_MEGABYTES) * runs / prices.MILLION
    yield f"schedules, {runs:,.0f} runs (of 1 s each, assumed)", _usd(cost)
    most = max(_runs(template))
    yield (
        f"of these, reading the counters of {KEYS:,} keys every quarter of an hour",
        _usd(prices.READ_UNIT.of(Decimal(COUNTER_UNITS * most))),
    )
    secrets = _count(template, "AWS::SecretsManager::Secret")
    yield f"the stack's own secret{'s' if secrets > 1 else ''}", _usd(prices.SECRET.of(Decimal(secrets)))
    yield "each provider's secret", _usd(prices.SECRET.dollars)
    yield (
        "a GB in tables (beyond the account's first 25), with its backup",
        _usd(prices.STORAGE.dollars + prices.BACKUP.dollars),
    )
    yield from _watching(template)
    yield from _firewall(template)
    if "KmsKeyArn" in template["Parameters"]:
        yield "with `KmsKeyArn`: the key", _usd(prices.KEY.dollars)


def _watching(template: Template) -> Iterator[tuple[str, str]]:
    alarms = _resources(template, "AWS::CloudWatch::Alarm")
    metrics = sum(_metrics_of(each) for each in alarms if each["Condition"] != GRADUALLY)
    if metrics:
        keys = _count(template, "AWS::KMS::Key")
        most = prices.ALARM_METRIC.of(Decimal(metrics)) + prices.KEY.of(Decimal(keys))
        least = prices.ALARM_METRIC.of(Decimal(max(0, metrics - FREE_ALARM_METRICS)))
        name = (
            f"alarms that look at {metrics} metrics (the first {FREE_ALARM_METRICS} of an account are free)"
        )
        yield f"{name}, and the key of their topic", f"{_usd(least)} to {_usd(most)}"
    watched = sum(_metrics_of(each) for each in alarms if each["Condition"] == GRADUALLY)
    if watched:
        name = (
            f"where `Deployment` is gradual: the alarm that takes it back, which looks at {watched} metrics"
        )
        yield name, _usd(prices.ALARM_METRIC.of(Decimal(watched)))
    if _count(template, "AWS::CloudWatch::Dashboard"):
        yield "the dashboard, beyond the account's first three", _usd(prices.DASHBOARD.dollars)
    yield "each metric that was written in the month", _usd(prices.METRIC.dollars)


def _firewall(template: Template) -> Iterator[tuple[str, str]]:
    lists = [each["Properties"] for each in _resources(template, "AWS::WAFv2::WebACL")]
    for rules in (each["Rules"] for each in lists):
        yield (
            f"with AWS WAF: the list, and each of its {len(rules)} rules that is on",
            f"{_usd(prices.FIREWALL_LIST.dollars)}, and {_usd(prices.FIREWALL_RULE.dollars)}",
        )


def _per_million(template: Template) -> Iterator[tuple[str, str]]:
    writes = Decimal(sum(COUNTED_BY_ADDRESS.writes))
    yield f"requests: DynamoDB, {writes} write units each", _usd(prices.units_cost(writes, Decimal(0)))
    least, most = (_usd(prices.units_cost(Decimal(units), Decimal(0))) for units in ROLL_UP_UNITS)
    yield "adding them up: DynamoDB, {} to {} write units each".format(*ROLL_UP_UNITS), f"{least} to {most}"
    yield "requests: API Gateway", _usd(prices.API_REQUEST.dollars)
    yield "requests: Lambda, to begin with", _usd(prices.LAMBDA_REQUEST.dollars)
    second = prices.invocations_cost(Decimal(1), MEMORY_MEGABYTES) - prices.LAMBDA_REQUEST.dollars
    yield f"seconds that they last: Lambda, {MEMORY_MEGABYTES:,} MB", _usd(second)
    yield "KB that they log: CloudWatch", _usd(prices.LOG.of(Decimal(1)))
    yield "traces that are recorded, one a second and 5 % of the rest: X-Ray", _usd(prices.TRACE.dollars)
    yield "requests: AWS WAF, where it is used", _usd(prices.FIREWALL_REQUEST.dollars)
    if "KmsKeyArn" in template["Parameters"]:
        yield "calls of KMS, where `KmsKeyArn` is set", _usd(prices.KEY_REQUEST.of(Decimal(prices.MILLION)))
    for case in JOB_CASES:
        cost = prices.STATE_TRANSITION.of(Decimal(case.transitions * prices.MILLION))
        yield f"jobs, {case.name}: Step Functions, {case.transitions} transitions each", _usd(cost)


def _runs(template: Template) -> Iterator[int]:
    """How often each schedule runs in a month."""
    for function in _resources(template, "AWS::Serverless::Function"):
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] == "Schedule":
                found = _RATE.fullmatch(event["Properties"]["Schedule"])
                assert found is not None, event
                yield SECONDS_A_MONTH // (int(found[1]) * UNITS[found[2]])


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    queries = alarm["Properties"].get("Metrics")
    return 1 if queries is None else sum("MetricStat" in query for query in queries)


def _resources(template: Template, kind: str) -> list[Mapping[str, Any]]:
    return [each for each in template["Resources"].values() if each["Type"] == kind]


def _count(template: Template, kind: str) -> int:
    return len(_resources(template, kind))


def _usd(dollars: Decimal) -> str:
    return f"{dollars:,.2f}"


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([line([title, "USD"]), line(["---", "--:"]), *map(line, rows)])


def rendered(text: str) -> str:
    """The page with both tables as they are now."""
    template = read_template(TEMPLATE)
    return with_parts(text, {"at rest": at_rest(template), "per million": per_million(template)})


if __name__ == "__main__":
    before = GUIDE.read_text(encoding="utf-8")
    after = rendered(before)
    GUIDE.write_text(after, encoding="utf-8")
    sys.stdout.write(f"{GUIDE.name}'s costs are {'unchanged' if after == before else 'written'}\n")
