"""What became of the message about a job, as clients and operators see it."""

from sluice.api.webhooks import DeliveryAttempt, DeliveryList
from sluice.stores.deliveries import Attempt, DeliveryLog
from sluice.stores.job_records import Job


def delivery_list(job: Job, log: DeliveryLog | None) -> DeliveryList:
    """The deliveries of a job's message; there is no log before the first attempt."""
    if log is None:
        state = "pending" if job.has_webhook else None
        return DeliveryList(state=state, attempts=0, next_attempt_at=None, data=[])
    return DeliveryList(
        state=log.outcome,
        attempts=log.count,
        next_attempt_at=log.next_at,
        data=[_shown(attempt) for attempt in log.attempts],
    )


def _shown(attempt: Attempt) -> DeliveryAttempt:
    return DeliveryAttempt(
        created_at=attempt.at // 1000,
        milliseconds=attempt.milliseconds,
        status=attempt.status,
        failure=attempt.failure,
    )
