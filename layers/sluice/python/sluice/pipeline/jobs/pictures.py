"""Pictures for a client that is there: the whole of them when they are made, or the job that makes them.

    submit → wait → made      the pictures
                  → failed    the error
                  → too late  of a client that takes a job: the job. Of any other: the job is cancelled, so that
                              nothing is charged for what nobody sees

A client that goes away meanwhile, or cannot be told how its job is, has it cancelled as well, unless it has an
Idempotency-Key, with which it comes back: without one it would pay for two. What a repeated request waits for is
another request's job, which is that one's to cancel.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sluice.api.images_reply import PictureList
from sluice.api.images_request import ImagesRequest
from sluice.api.validation import validate
from sluice.errors import (
    InternalError,
    NotFoundError,
    OverloadedError,
    SluiceError,
    UpstreamTimeoutError,
)
from sluice.money import format_usd
from sluice.observability import logger
from sluice.pipeline.hashes import hashed
from sluice.pipeline.jobs.images_view import image_job, picture_list
from sluice.pipeline.jobs.media import Images
from sluice.pipeline.jobs.orders import job_id_of
from sluice.pipeline.jobs.owned import cancel
from sluice.pipeline.jobs.poll_headers import poll_headers
from sluice.pipeline.jobs.preference import APPLIED, Preference
from sluice.pipeline.jobs.shown import error_of, failure_shown
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.submit import Submission, submit
from sluice.pipeline.jobs.visit import Wanted
from sluice.pipeline.jobs.waiting import over
from sluice.pipeline.path import Call
from sluice.pipeline.route import PROVIDER
from sluice.pipeline.route_headers import COST
from sluice.pipeline.to_the_end import to_the_end
from sluice.stores.aws import AWSError
from sluice.stores.job_records import Job
from sluice.wire.header_text import header_text

ACCEPTED: Final = 202
OK: Final = 200


@dataclass(frozen=True, slots=True)
class PicturesReply:
    """A status with its JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    accepted: str | None = None
    """The id of the job that is to be looked at."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a client wants, and how."""

    call: Call
    wanted: Wanted
    preference: Preference

    @property
    def request(self) -> ImagesRequest:
        """Once it was taken: then it is known to be one."""
        return validate(ImagesRequest, self.wanted.members)

    @property
    def medium(self) -> Images:
        """It has the less time when its client waits."""
        return Images(waits=not self.preference.asynchronous)

    def patience(self, seconds: float) -> float:
        """How long its client waits, who waits for ``seconds`` at most."""
        return min(seconds, self.preference.wait_seconds) if self.preference.asynchronous else seconds


async def pictures(studio: Studio, call: Call, wanted: Wanted, preference: Preference) -> PicturesReply:
    """Have pictures made.

    Args:
        studio: the parts.
        call: the request; its headers are filled in.
        wanted: what it asks for, and whose it is.
        preference: how the client wants to be answered.

    Raises:
        SluiceError: there are none, and why.
    """
    wish = _Wish(call, wanted, preference)
    patience = wish.patience(studio.settings.image_timeout_seconds)
    deadline = asyncio.get_running_loop().time() + patience
    try:
        submission = await submit(studio, call, wanted, wish.medium)
        job = await _waited_for(studio, call, submission, deadline) if patience else None
        if job is None and not preference.asynchronous:
            job = await _given_up(studio, wish, submission)
    except asyncio.CancelledError:
        if not call.idempotency_key:
            await to_the_end(_abandoned(studio, call))
        raise
    if job is None:
        return await _accepted(studio, wish, submission.job)
    return await _over(studio, wish, job, submission)


async def _waited_for(studio: Studio, call: Call, submission: Submission, deadline: float) -> Job | None:
    """The job when it is over; None if it is not in time."""
    try:
        return await over(studio, submission.job.id, deadline)
    except Exception:  # whatever it is, its client hears of a failure, and may ask again
        if not call.idempotency_key:
            await to_the_end(_abandoned(studio, call))
        raise


async def _accepted(studio: Studio, wish: _Wish, job: Job) -> PicturesReply:
    if wish.preference.wait_seconds:
        with suppress(OverloadedError, AWSError):
            seen = await studio.jobs.get(job.id)
            # One that is over by now is told of when it is asked for: its files could not be told of this moment.
            if seen is not None and not seen.is_over:
                job = seen
    shown = await image_job(studio, job, wish.request)
    body, _ = await hashed(shown.model_dump(mode="json"), job.request_hash)
    headers = dict(poll_headers(job))
    if wish.preference.applied is not None:
        headers[APPLIED] = wish.preference.applied
    return PicturesReply(ACCEPTED, body, headers, job.id)


async def _over(studio: Studio, wish: _Wish, job: Job, submission: Submission) -> PicturesReply:
    call = wish.call
    failure = await failure_shown(studio, job)
    if failure is not None:
        raise _final(error_of(failure), call)
    made = await _made(studio, wish, job)
    body, _ = await hashed(made.model_dump(mode="json"), job.request_hash)
    call.record.provider = job.provider or None
    call.record.cost = 0 if submission.replayed else job.cost
    headers = {PROVIDER: header_text(job.provider)} if job.provider else {}
    if call.record.cost is not None:
        headers[COST] = format_usd(call.record.cost)
    return PicturesReply(OK, body, headers)


async def _made(studio: Studio, wish: _Wish, job: Job) -> PictureList:
    """The pictures, which are charged: who is told to ask again would pay for others.

    Raises:
        SluiceError: they cannot be told of now, but at the job's own address.
    """
    try:
        return await picture_list(studio, job, wish.request)
    except Exception as error:
        if wish.call.idempotency_key:  # who asks again is told of these
            raise
        logger.exception("the pictures of %s are made, and could not be sent", job.id)
        raise InternalError(
            f"The pictures were made, but could not be sent. They are those of the job '{job.id}'.",
            retriable=False,
        ) from error


def _final(error: SluiceError, call: Call) -> SluiceError:
    """A job has failed for good: who comes again with the same Idempotency-Key is told the same."""
    if call.idempotency_key:
        error.retriable = False
    return error


async def _given_up(studio: Studio, wish: _Wish, submission: Submission) -> Job:
    """The job that took too long, as it is then.

    Raises:
        UpstreamTimeoutError: it goes on, or nobody knows.
    """
    late = UpstreamTimeoutError("The pictures were not made within the request's deadline.")
    if submission.replayed:
        raise late
    try:
        return await cancel(studio, submission.job, "timeout")
    except (OverloadedError, AWSError) as error:  # its machine gives it up as well
        logger.warning("%s could not be cancelled", submission.job.id, exc_info=True)
        raise late from error


async def _abandoned(studio: Studio, call: Call) -> None:
    """Nobody waits for the job of this request, if it has one by now."""
    try:
        job = await studio.jobs.get(job_id_of(call.record.request_id, Images.KIND))
        if job is not None and not job.is_over:
            await cancel(studio, job)
    except (NotFoundError, OverloadedError, AWSError):
        logger.warning("the job of %s could not be cancelled", call.record.request_id, exc_info=True)
