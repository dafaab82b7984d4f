"""What is said of an execution that has ended."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from function_handlers import sample_events
from sluice.local.execution_events import status_event

ARN = "arn:aws:states:eu-west-1:123456789012"


def event(status: str, output: Any = None, error: str | None = None) -> dict[str, Any]:
    execution = SimpleNamespace(
        account_id="123456789012",
        region_name="eu-west-1",
        exec_arn=f"{ARN}:execution:sluice-videos:video_1",
        state_machine_arn=f"{ARN}:stateMachine:sluice-videos",
        name="video_1",
        status=status,
        start_date=datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC),
        stop_date=datetime(2026, 11, 21, 12, 0, 5, 250_000, tzinfo=UTC),
        input_data={"job": "video_1"},
        output=output,
        error=error,
        cause=None,
    )
    found: dict[str, Any] = json.loads(json.dumps(status_event(execution)))
    return found


def test_it_says_which_execution_ended_when_and_how() -> None:
    found = event("FAILED", error="UnexpectedError")
    detail = found["detail"]
    assert (found["source"], found["time"]) == ("aws.states", "2026-11-21T12:00:05Z")
    assert (detail["name"], detail["status"], detail["error"]) == ("video_1", "FAILED", "UnexpectedError")
    assert json.loads(detail["input"]) == {"job": "video_1"}
    assert detail["stopDate"] - detail["startDate"] == 5250
    assert event("SUCCEEDED", output={"a": 1})["detail"]["output"] == '{"a": 1}'


@pytest.mark.parametrize("sample", ["failed", "aborted", "timed_out"])
def test_it_has_what_eventbridges_has(sample: str) -> None:
    expected = sample_events("end_jobs")[sample]
    found = event(expected["detail"]["status"])
    assert found.keys() == expected.keys()
    assert found["detail"].keys() == expected["detail"].keys()
    assert (found["source"], found["detail-type"]) == (expected["source"], expected["detail-type"])
