"""Pictures and their jobs as clients see them."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Final, get_args

from sluice.api.images_reply import (
    Background,
    ImageJob,
    OutputFormat,
    Picture,
    PictureList,
    PictureSize,
    Quality,
)
from sluice.api.images_request import ImagesRequest
from sluice.errors import InternalError, InvalidRequestError, OverloadedError
from sluice.observability import logger
from sluice.pipeline.jobs.owned import output_link
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.shown import failure_shown, status_of
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.bucket import output_key
from sluice.stores.job_records import Job, Output

MOST_INLINE_BYTES: Final = 32 * 1024 * 1024
"""Of all pictures of a reply that are in the reply itself; those beyond are linked to, whatever was asked for. In
base64, JSON and what is hashed of it a picture takes some five times as much memory."""

_BACKGROUNDS: Final[tuple[Background, ...]] = get_args(Background)
_QUALITIES: Final[tuple[Quality, ...]] = get_args(Quality)
_SIZES: Final[tuple[PictureSize, ...]] = get_args(PictureSize)
_FORMATS: Final[Mapping[str, OutputFormat]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
}


async def picture_list(studio: Studio, job: Job, request: ImagesRequest) -> PictureList:
    """What a completed job has made, in the form that its request wants.

    Raises:
        InternalError: a picture is not there.
    """
    made = {index: output for index, output in sorted(job.outputs.items()) if output.stored}
    inline = _inline(made) if request.format == "b64_json" else frozenset()
    pictures = await asyncio.gather(*(_picture(studio, job, index, inline=index in inline) for index in made))
    return PictureList(
        created=job.created_at // 1000,
        model=request.model,
        data=list(pictures),
        background=_one_of(_BACKGROUNDS, request.background),
        output_format=_format({output.content_type for output in made.values()}),
        quality=_one_of(_QUALITIES, request.quality),
        size=_one_of(_SIZES, job.size),
    )


async def image_job(studio: Studio, job: Job, request: ImagesRequest) -> ImageJob:
    """A job, with its pictures if it has made them.

    Raises:
        InternalError, OverloadedError: see ``picture_list``.
    """
    completed = job.state == "completed"
    made = sum(output.stored for output in job.outputs.values())
    return ImageJob(
        id=job.id,
        status=status_of(job),
        model=request.model,
        n=job.count,
        progress=100 if completed else 100 * made // (job.count + 1),
        created_at=job.created_at // 1000,
        completed_at=job.ended_at // 1000 if completed and job.ended_at is not None else None,
        expires_at=job.expires_at,
        result=await picture_list(studio, job, request) if completed else None,
        error=await failure_shown(studio, job),
    )


def request_shown(job: Job, file: RequestFile) -> ImagesRequest:
    """What was asked for with a job.

    Raises:
        InternalError: this version would not take it any more, which is no fault of who looks at the job.
    """
    try:
        return file.images
    except InvalidRequestError as error:
        logger.error("the request of %s would not be taken any more: %s", job.id, error.param)
        raise InternalError(InternalError.TOLD, retriable=False) from error


def _inline(made: Mapping[int, Output]) -> frozenset[int]:
    """The pictures that have room in a reply: as many as fit, the first ones first."""
    room, found = MOST_INLINE_BYTES, set()
    for index, output in made.items():
        if output.size <= room:
            room -= output.size
            found.add(index)
    return frozenset(found)


async def _picture(studio: Studio, job: Job, index: int, *, inline: bool) -> Picture:
    if not inline:
        return Picture(index=index, url=await output_link(studio, job, index))
    output = job.outputs[index]
    try:
        blob = await studio.bucket.get(output_key(output.digest), output.size)
    except OverloadedError:  # it is charged: who is told to try again would pay for another one
        return Picture(index=index, url=await output_link(studio, job, index))
    if blob is None:
        logger.error("a picture of %s is not in the bucket", job.id)
        raise InternalError("A picture that was made is not there any more.", retriable=False)
    text = await asyncio.to_thread(base64.b64encode, blob.content)
    return Picture(index=index, b64_json=text.decode())


def _format(content_types: set[str]) -> OutputFormat | None:
    """The format of all pictures."""
    formats = {_FORMATS.get(each) for each in content_types}
    return formats.pop() if len(formats) == 1 else None


def _one_of[Value: str](known: tuple[Value, ...], text: str | None) -> Value | None:
    """The text, if it is one of these."""
    return next((each for each in known if each == text), None)
