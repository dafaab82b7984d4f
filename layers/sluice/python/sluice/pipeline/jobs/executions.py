"""What EventBridge tells of a job's execution that ended otherwise than it should: it failed, or was ended.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sluice.observability import logger
from sluice.pipeline.jobs.failures import FailureCode
from sluice.stores.job_records import LEADS

EXECUTION_ENDED: Final = "Step Functions Execution Status Change"

CODES: Final[Mapping[str, FailureCode]] = {
    "FAILED": "server_error",
    "ABORTED": "cancelled",
    "TIMED_OUT": "timeout",
}
"""How the job of an execution fails that has ended so."""


class EndedExecution(NamedTuple):
    """An execution that has ended badly.

    Attributes:
        job: the id of its job, None where it is no job's.
        status: Step Functions' word for how.
    """

    job: str | None
    status: str


def ended_execution(event: Any) -> EndedExecution | None:
    """What an event tells of an execution's end; None where it is about something else."""
    if not isinstance(event, Mapping) or event.get("detail-type") != EXECUTION_ENDED:
        return None
    name, status = str(event["detail"]["name"]), str(event["detail"]["status"])
    if name.startswith(tuple(LEADS.values())):
        return EndedExecution(name, status)
    logger.warning("an execution that is no job's has ended: %.100s", name)
    return EndedExecution(None, status)
