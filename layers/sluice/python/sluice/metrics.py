"""Metrics: one line for each request, in CloudWatch's embedded metric format, which CloudWatch makes metrics of.

Written only where ``POWERTOOLS_METRICS_NAMESPACE`` is set. The one dimension is ``service``, the function that
answered: no key, model or path, of which there may be any number. CloudWatch charges 0.30 USD a month for each metric
and value of its dimension (us-east-1; second-hand, https://c3x.dev/blog/aws-cloudwatch-metrics-cost/, of November
2026): 3.30 USD for a function that has all eleven. What did not happen is not written, and costs nothing.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from sluice.config import metrics_namespace
from sluice.money import NANO_PER_USD
from sluice.observability import RequestRecord


def count_request(record: RequestRecord, service: str) -> None:
    """Write the line of a request that has come to its end and is logged; ``service`` is the function's name."""
    namespace = metrics_namespace()
    if namespace is None:
        return
    # One for each request: many are in flight on one loop, and the usual Metrics shares its values.
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    metrics.add_metadata("request_id", record.request_id)
    for name, value in _counts(record).items():
        if value:
            metrics.add_metric(name, MetricUnit.Count, value)
    for name, milliseconds in _times(record).items():
        if milliseconds is not None:
            metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)
    if record.cost:
        metrics.add_metric("Cost", MetricUnit.NoUnit, record.cost / NANO_PER_USD)
    metrics.flush_metrics()


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
