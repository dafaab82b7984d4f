"""Metrics: lines in CloudWatch's embedded metric format, which CloudWatch makes metrics of.

    a request    one line once it has come to its end; ``service`` is the function that answered
    a job        one line once it is over, whoever has ended it; ``service`` is the function that took it
    a webhook    one line once it is delivered or given up; ``service`` is the function that delivers
    a sweep      one line if there was anything to sweep; ``service`` is the function that ends jobs
    a settling   one line if it failed; ``service`` is ``settle``, whichever function it was
    a reclaiming one line if there was anything to reclaim; ``service`` is ``reclaim``, by a request or by the schedule
    a reconciling one line in any case, so that silence is not taken for health; ``service`` is the function

Written only where ``POWERTOOLS_METRICS_NAMESPACE`` is set. The one dimension is ``service``: no key, model or path, of
which there may be any number. CloudWatch charges 0.30 USD a month for each metric and value of its dimension
(us-east-1; second-hand, https://c3x.dev/blog/aws-cloudwatch-metrics-cost/, of November 2026): 3.30 USD for a function
that has all eleven of requests, 1.50 USD more for one that takes jobs, 0.90 USD for those of webhooks and sweeps. It is
charged by the hours in which a metric is written: the five of a reconciling a day are 6 cents a month. What did not
happen is not written, and costs nothing.

A job is counted by the one write that ends it. Where the reply to that write is lost it is in the ledger, but not here.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from sluice.config import metrics_namespace
from sluice.money import NANO_PER_USD
from sluice.observability import RequestRecord

CANCELLED: Final = "cancelled"
"""The failure of jobs that clients did not want any more, which is nobody's fault."""

TAKES: Final[Mapping[Literal["image", "video"], str]] = {"image": "images", "video": "videos"}
"""The function that takes jobs of a kind."""
DELIVERS: Final = "deliver_webhook"
SWEEPS: Final = "end_jobs"
RECONCILES: Final = "reconcile_budgets"

SETTLES: Final = "settle"
RECLAIMS: Final = "reclaim"
"""Steps that several functions take, under one name each, so that an alarm watches one metric and not many."""


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job has ended.

    Attributes:
        job_id: the job's, which goes with the line, but is no dimension.
        kind: of what it makes.
        failure: why it has failed; None where it is completed.
        cost: in nano-USD.
        milliseconds: from when it was taken to when its end was decided.
    """

    job_id: str
    kind: Literal["image", "video"]
    failure: str | None
    cost: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What a run that compares counters with the ledger has found, in keys.

    Attributes:
        differences: whose counter is wrong.
        exceeded: who have spent more than their budget, which never happens.
        reconciled: of whom it is known now whether the counter is right.
        busy: of whom no more can be said than that their requests explain what their counters say: they were used all
            the time.
        left: whom it did not get to, or could not read.
    """

    differences: int
    exceeded: int
    reconciled: int
    busy: int
    left: int


def count_request(record: RequestRecord, service: str) -> None:
    """Write the line of a request that has come to its end and is logged; ``service`` is the function's name."""
    metrics = _line(service, "request_id", record.request_id)
    if metrics is None:
        return
    for name, value in _counts(record).items():
        if value:
            metrics.add_metric(name, MetricUnit.Count, value)
    for name, milliseconds in _times(record).items():
        if milliseconds is not None:
            metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)
    if record.job is None:  # what a job costs its own line says, also if nobody waits for it
        _add_cost(metrics, record.cost)
    metrics.flush_metrics()


def count_job(end: JobEnd) -> None:
    """Write the line of a job that is over. Of failed and cancelled ones the time tells nothing, so it is left out."""
    metrics = _line(TAKES[end.kind], "job_id", end.job_id)
    if metrics is None:
        return
    if end.failure is None:
        metrics.add_metric("JobsCompleted", MetricUnit.Count, 1)
        metrics.add_metric("JobTime", MetricUnit.Seconds, end.milliseconds / 1000)
        _add_cost(metrics, end.cost)
    else:
        metrics.add_metric("JobsCancelled" if end.failure == CANCELLED else "JobsFailed", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_webhook(job_id: str, outcome: Literal["delivered", "given_up"]) -> None:
    """Write the line of a message that is delivered, or will never be."""
    metrics = _line(DELIVERS, "job_id", job_id)
    if metrics is not None:
        name = "WebhooksDelivered" if outcome == "delivered" else "WebhooksGivenUp"
        metrics.add_metric(name, MetricUnit.Count, 1)
        metrics.flush_metrics()


def count_swept(jobs: int) -> None:
    """Write the line of a run of the schedule that has found so many jobs which nobody else ends."""
    metrics = _line(SWEEPS) if jobs else None
    if metrics is not None:
        metrics.add_metric("JobsSwept", MetricUnit.Count, jobs)
        metrics.flush_metrics()


def count_settle_failure(request_id: str) -> None:
    """Write the line of a request that a provider has answered, and that could not be settled as it should.

    Its row is missing, or its hold was reclaimed before, or its hold is left to be reclaimed: the log says which. Who
    tries again after a crash may count it again.
    """
    metrics = _line(SETTLES, "request_id", request_id)
    if metrics is not None:
        metrics.add_metric("SettleFailures", MetricUnit.Count, 1)
        metrics.flush_metrics()


def count_reclaimed(holds: int) -> None:
    """Write the line of so many holds that dead processes have left. Where two end one at once, both count it."""
    metrics = _line(RECLAIMS) if holds else None
    if metrics is not None:
        metrics.add_metric("HoldsReclaimed", MetricUnit.Count, holds)
        metrics.flush_metrics()


def count_reconciling(found: Reconciling) -> None:
    """Write the line of a run that compares counters with the ledger, what is zero too."""
    metrics = _line(RECONCILES)
    if metrics is None:
        return
    for name, keys in {
        "BudgetDifferences": found.differences,
        "BudgetsExceeded": found.exceeded,
        "KeysReconciled": found.reconciled,
        "KeysBusy": found.busy,
        "KeysLeft": found.left,
    }.items():
        metrics.add_metric(name, MetricUnit.Count, keys)
    metrics.flush_metrics()


def _line(service: str, name: str | None = None, value: str = "") -> EphemeralMetrics | None:
    """A line to be filled in, about what has this name and value; None where nobody asks for metrics."""
    namespace = metrics_namespace()
    if namespace is None:
        return None
    # One for each line: many requests are in flight on one loop, and the usual Metrics shares its values.
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    if name is not None:
        metrics.add_metadata(name, value)
    return metrics


def _add_cost(metrics: EphemeralMetrics, cost: int | None) -> None:
    if cost:
        metrics.add_metric("Cost", MetricUnit.NoUnit, cost / NANO_PER_USD)


def _counts(record: RequestRecord) -> dict[str, int | None]:
    status = record.status
    return {
        "Requests": 1,
        "ClientErrors": 400 <= status < 500,  # 499 among them, a client that did not wait
        "ServerErrors": record.is_server_fault,
        "Throttled": status == 429,
        "BudgetRefused": status == 402,
        "Fallbacks": record.fallbacks,
        "PromptTokens": record.prompt_tokens,
        "CompletionTokens": record.completion_tokens,
    }


def _times(record: RequestRecord) -> dict[str, float | None]:
    """In all, and to a stream's first byte, which for a whole reply would be the same again."""
    return {"Latency": record.duration_ms, "FirstByte": record.first_byte_ms if record.stream else None}
