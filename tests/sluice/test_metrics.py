"""What CloudWatch is told of requests and jobs; tests of the functions hold it against real ones."""

from typing import Literal

import pytest

from embedded_metrics import Measured, measured
from sluice.metrics import (
    JobEnd,
    Reconciling,
    count_job,
    count_reclaimed,
    count_reconciling,
    count_request,
    count_settle_failure,
    count_swept,
    count_webhook,
)
from sluice.observability import RequestRecord

ALWAYS = {"Requests": 1, "Latency": 12.5}


@pytest.fixture(autouse=True)
def _asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "stack")


def told(capsys: pytest.CaptureFixture[str], **members: object) -> Measured:
    record = RequestRecord("req_1", "POST", "/v1/chat/completions", status=200, duration_ms=12.5)
    for name, value in members.items():
        setattr(record, name, value)
    count_request(record, "chat")
    (line,) = capsys.readouterr().out.splitlines()
    found = measured(line)
    assert (found.namespace, found.dimensions) == ("stack", {"service": "chat"})
    return found


@pytest.mark.parametrize(
    ("status", "error", "more"),
    [
        (200, None, {}),
        (204, None, {}),
        (304, None, {}),
        (400, "invalid_json", {"ClientErrors": 1}),
        (402, "budget_exceeded", {"ClientErrors": 1, "BudgetRefused": 1}),
        (429, "rate_limit_exceeded", {"ClientErrors": 1, "Throttled": 1}),
        (499, None, {"ClientErrors": 1}),
        (500, "server_error", {"ServerErrors": 1}),
        (504, "upstream_timeout", {"ServerErrors": 1}),
        (200, "upstream_error", {"ServerErrors": 1}),
    ],
)
def test_each_end_counts_as_what_it_is(
    capsys: pytest.CaptureFixture[str], status: int, error: str | None, more: dict[str, int]
) -> None:
    assert told(capsys, status=status, error=error).values == ALWAYS | more


def test_money_tokens_and_times_have_their_units(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(
        capsys, stream=True, first_byte_ms=3.5, prompt_tokens=7, completion_tokens=9, cost=1_500_000_000
    )
    assert found.values == ALWAYS | {
        "FirstByte": 3.5,
        "PromptTokens": 7,
        "CompletionTokens": 9,
        "Cost": 1.5,
    }
    assert found.units == {
        "Requests": "Count",
        "PromptTokens": "Count",
        "CompletionTokens": "Count",
        "Latency": "Milliseconds",
        "FirstByte": "Milliseconds",
        "Cost": "None",
    }


def test_what_clients_choose_and_whose_key_it_is_goes_into_no_metric(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = told(capsys, key_id="key_1", model="m", provider="p", error="e", path="/secret")
    assert set(found.document) == {"_aws", "service", "request_id", "Requests", "Latency", "ServerErrors"}


def test_what_a_job_costs_is_not_its_requests_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Cost" not in told(capsys, job="image_1", cost=40_000_000).values


def line(capsys: pytest.CaptureFixture[str]) -> Measured:
    (written,) = capsys.readouterr().out.splitlines()
    return measured(written)


@pytest.mark.parametrize(
    ("kind", "service", "failure", "values"),
    [
        ("image", "images", None, {"JobsCompleted": 1, "JobTime": 12.5, "Cost": 0.4}),
        ("video", "videos", None, {"JobsCompleted": 1, "JobTime": 12.5, "Cost": 0.4}),
        ("image", "images", "timeout", {"JobsFailed": 1}),
        ("video", "videos", "server_error", {"JobsFailed": 1}),
        ("video", "videos", "cancelled", {"JobsCancelled": 1}),
    ],
)
def test_a_job_counts_as_what_became_of_it(
    capsys: pytest.CaptureFixture[str],
    kind: Literal["image", "video"],
    service: str,
    failure: str | None,
    values: dict[str, float],
) -> None:
    count_job(JobEnd("image_1", kind, failure, 0 if failure else 400_000_000, 12_500))
    found = line(capsys)
    assert (found.namespace, found.dimensions) == ("stack", {"service": service})
    assert found.values == values
    units = {"JobTime": "Seconds", "Cost": "None"}
    assert found.units == {name: units.get(name, "Count") for name in values}
    assert set(found.document) == {"_aws", "service", "job_id", *values}


def test_a_webhook_counts_once_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    count_webhook("image_1", "delivered")
    found = line(capsys)
    assert (found.dimensions, found.values) == ({"service": "deliver_webhook"}, {"WebhooksDelivered": 1})
    count_webhook("image_1", "given_up")
    assert line(capsys).values == {"WebhooksGivenUp": 1}


def test_a_sweep_counts_what_it_finds(capsys: pytest.CaptureFixture[str]) -> None:
    count_swept(3)
    found = line(capsys)
    assert (found.dimensions, found.values) == ({"service": "end_jobs"}, {"JobsSwept": 3})
    count_swept(0)
    assert capsys.readouterr().out == ""


def test_what_goes_wrong_with_money_counts_under_one_name_whichever_function_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count_settle_failure("req_1")
    found = line(capsys)
    assert (found.dimensions, found.values) == ({"service": "settle"}, {"SettleFailures": 1})
    assert found.document["request_id"] == "req_1"
    count_reclaimed(3)
    found = line(capsys)
    assert (found.dimensions, found.values) == ({"service": "reclaim"}, {"HoldsReclaimed": 3})
    count_reclaimed(0)
    assert capsys.readouterr().out == ""


def test_a_comparison_says_what_is_zero_too(capsys: pytest.CaptureFixture[str]) -> None:
    count_reconciling(Reconciling(differences=0, exceeded=0, reconciled=0, busy=0, left=0))
    assert set(line(capsys).values.values()) == {0}
    count_reconciling(Reconciling(differences=1, exceeded=2, reconciled=3, busy=4, left=5))
    found = line(capsys)
    assert found.dimensions == {"service": "reconcile_budgets"}
    assert found.values == {
        "BudgetDifferences": 1,
        "BudgetsExceeded": 2,
        "KeysReconciled": 3,
        "KeysBusy": 4,
        "KeysLeft": 5,
    }
    assert set(found.units.values()) == {"Count"}


def test_nothing_is_written_where_nobody_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    count_request(RequestRecord("req_1", "GET", "/", status=200, duration_ms=1.0), "chat")
    count_job(JobEnd("image_1", "image", None, 1, 1))
    count_webhook("image_1", "given_up")
    count_swept(1)
    count_settle_failure("req_1")
    count_reclaimed(1)
    count_reconciling(Reconciling(0, 0, 0, 0, 0))
    assert capsys.readouterr().out == ""
