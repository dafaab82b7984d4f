"""Delivers the message that a job is over: one attempt at a time, as often as the schedule has it.

When the next attempt is made the log says, not the caller: an event that comes twice, or too early, makes no attempt. A
receiver gets the message at least once: again, under the same id, where its answer or the note of it was lost.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from sluice.config import WebhookSettings
from sluice.metrics import count_webhook
from sluice.observability import logger
from sluice.pipeline.jobs.request_file import MOST_BYTES, RequestFile, RequestFileError, request_in
from sluice.pipeline.jobs.webhooks.message import message_of, secret_for
from sluice.pipeline.jobs.webhooks.schedule import is_taken, next_delay
from sluice.stores.aws import AWS
from sluice.stores.bucket import Bucket, request_key
from sluice.stores.credentials import CredentialStore
from sluice.stores.deliveries import Attempt, DeliveryLog, DeliveryStore
from sluice.stores.job_records import Job
from sluice.stores.jobs import JobStore
from sluice.upstream.client import tls_context
from sluice.upstream.public import Answer, NoAnswerError, PublicCaller
from sluice.wire.standard_webhooks import signed_headers

CONTENT_TYPE: Final = "application/json"

SOON_SECONDS: Final = 1
LATE_SECONDS: Final = 300
"""How often a job is looked at whose end is decided, but not carried out."""


@dataclass(frozen=True, slots=True)
class Next:
    """What its caller has to do: nothing, if it is over, or to come again after so many seconds, 1 or more."""

    over: bool
    seconds: int = SOON_SECONDS


OVER: Final = Next(over=True)


@dataclass(frozen=True, slots=True)
class Courier:
    """The parts that deliveries take; ``clock`` is in epoch seconds, ``chance`` between 0 and 1."""

    settings: WebhookSettings
    jobs: JobStore
    bucket: Bucket
    logs: DeliveryStore
    credentials: CredentialStore
    caller: PublicCaller
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random

    @classmethod
    def open(cls, settings: WebhookSettings) -> Self:
        """Build all parts; nothing leaves yet."""
        tls = tls_context()
        aws = AWS(tls=lambda: tls)
        return cls(
            settings=settings,
            jobs=JobStore(aws, settings.jobs_table),
            bucket=Bucket(aws, settings.jobs_bucket),
            logs=DeliveryStore(aws, settings.jobs_table),
            credentials=CredentialStore(settings, aws),
            caller=PublicCaller.open(settings.webhook_hosts, tls),
        )


async def deliver(courier: Courier, job_id: str) -> Next:
    """Attempt to deliver the message about a job, if it is time.

    Raises:
        OverloadedError: AWS throttles or cannot be reached; the attempt may have been made.
    """
    job = await courier.jobs.get(job_id)
    now = courier.clock()
    if job is None or not job.has_webhook or job.expires_at <= now:
        return OVER
    if not job.is_over:
        return Next(over=False, seconds=_until_looked_at(job, now))
    log = await courier.logs.get(job_id) or DeliveryLog(job_id=job_id, expires_at=job.expires_at)
    if log.outcome != "pending" or (log.next_at is not None and now < log.next_at):
        return _next(log, now)
    request = await _request(courier, job_id)
    if request is None or request.webhook_url is None or request.key_digest is None:
        return OVER  # it is being deleted
    answer = await _attempt(courier, job, request.webhook_url, request.key_digest)
    return await _noted(courier, log, now, answer)


def _until_looked_at(job: Job, now: float) -> int:
    """A job is over soon after its end is decided; where that takes long, it is looked at less and less often."""
    decided = now if job.ended_at is None else job.ended_at / 1000
    return max(SOON_SECONDS, min(int(now - decided), LATE_SECONDS))


def _next(log: DeliveryLog, now: float) -> Next:
    if log.outcome != "pending" or log.next_at is None:
        return OVER
    return Next(over=False, seconds=max(SOON_SECONDS, math.ceil(log.next_at - now)))


async def _request(courier: Courier, job_id: str) -> RequestFile | None:
    """Who wants to be told, and how it is signed; None where nobody knows: neither will another attempt."""
    found = await courier.bucket.get(request_key(job_id), MOST_BYTES)
    try:
        return None if found is None else request_in(found.content)
    except RequestFileError:
        logger.error("the request of %s cannot be read, so nobody is told that it is over", job_id)
        return None


async def _attempt(courier: Courier, job: Job, address: str, key_digest: str) -> Answer | NoAnswerError:
    """Send the message; what came back, or why nothing did."""
    master = await courier.credentials.get(courier.settings.webhook_secret)
    if not isinstance(master, str):
        return NoAnswerError("no_secret")
    message = message_of(job)
    secret = secret_for(master, key_digest)
    headers = signed_headers(message.id, int(courier.clock()), message.body, [secret])
    try:
        return await courier.caller.post(address, message.body, {"content-type": CONTENT_TYPE, **headers})
    except NoAnswerError as error:
        return error


async def _noted(courier: Courier, log: DeliveryLog, began: float, answer: Answer | NoAnswerError) -> Next:
    """Note an attempt, and say what follows from it."""
    now = courier.clock()
    status, failure = (None, answer.failure) if isinstance(answer, NoAnswerError) else (answer.status, None)
    attempt = Attempt(
        at=int(began * 1000),
        milliseconds=max(0, int((now - began) * 1000)),
        status=status,
        failure=failure,
    )
    if status is not None and is_taken(status):
        log = log.after(attempt, "delivered", None)
    else:
        answered = None if isinstance(answer, NoAnswerError) else answer
        delay = next_delay(courier.settings.webhook_delays, log.count + 1, answered, courier.chance())
        log = log.after(attempt, *(("given_up", None) if delay is None else ("pending", int(now) + delay)))
    stands = await courier.logs.note(log)
    _tell(stands, attempt)
    if stands is log and log.outcome != "pending":  # another one's is that one's to count
        count_webhook(log.job_id, log.outcome)
    return _next(stands, now)


def _tell(log: DeliveryLog, attempt: Attempt) -> None:
    """Without the address: it may have a secret of its owner's in it."""
    logger.info(
        "a webhook was called",
        extra={
            "job_id": log.job_id,
            "attempt": log.count,
            "status": attempt.status,
            "failure": attempt.failure,
            "duration_ms": attempt.milliseconds,
            "outcome": log.outcome,
        },
    )
