"""Videos as clients see them."""

import asyncio
from collections.abc import Mapping
from typing import Final

from sluice.api.videos_reply import UNKNOWN_SIZE, TaskStatus, Video, VideoList, VideoResult, VideoTask
from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, NotFoundError, UnsupportedParameterError
from sluice.pipeline.jobs.owned import listed, output_link, request_of
from sluice.pipeline.jobs.pages import Page
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.shown import failure_shown, status_of
from sluice.pipeline.jobs.studio import Studio
from sluice.stores.job_records import Job, JobState
from sluice.stores.keys import KeyRecord
from sluice.wire.sigv4 import ReadMethod

WHOLE_VIDEO: Final = "video"
"""The one variant of a video's content that there is; OpenAI also has a thumbnail and a sprite sheet."""

READERS: Final = 16
"""How many requests of a list's videos are read at once."""

_TASK: Final[Mapping[JobState, TaskStatus]] = {"completed": "OK", "failed": "FAILED"}


async def video(studio: Studio, job: Job, request: VideosRequest | None) -> Video:
    """A video, with what was asked for, which is None where nobody knows that any more.

    Raises:
        OverloadedError: why it has failed could not be read.
    """
    completed = job.state == "completed"
    return Video(
        id=job.id,
        model=job.model if request is None else request.model,
        status=status_of(job),
        progress=100 if completed else job.progress,
        created_at=job.created_at // 1000,
        completed_at=job.ended_at // 1000 if completed and job.ended_at is not None else None,
        expires_at=job.expires_at,
        prompt=None if request is None else request.prompt,
        seconds=str(job.seconds),
        size=job.size or UNKNOWN_SIZE,
        error=await failure_shown(studio, job),
    )


async def video_list(studio: Studio, key: KeyRecord, page: Page) -> VideoList:
    """Some of the videos of the key's owner.

    Raises:
        InvalidRequestError: the page begins after what is no video's id.
        OverloadedError: they could not be read.
    """
    jobs, more = await listed(
        studio, key, "video", after=page.after, limit=page.limit, newest_first=page.newest_first
    )
    room = asyncio.Semaphore(READERS)

    async def shown(job: Job) -> Video:
        async with room:
            try:
                request = request_shown(await request_of(studio, job))
            except NotFoundError:  # it is being deleted, and was listed a moment ago
                request = None
            return await video(studio, job, request)

    videos = list(await asyncio.gather(*map(shown, jobs)))
    return VideoList(
        data=videos,
        first_id=videos[0].id if videos else None,
        last_id=videos[-1].id if videos else None,
        has_more=more,
    )


def request_shown(file: RequestFile) -> VideosRequest | None:
    """What was asked for; None where this version would not take it any more."""
    try:
        return file.videos
    except InvalidRequestError:
        return None


async def content_link(studio: Studio, job: Job, variant: str, method: ReadMethod) -> str:
    """Where the file of a video is, for a while and for this method.

    Raises:
        UnsupportedParameterError: that variant of it is never made.
        NotFoundError: there is no file yet, or never will be: OpenAI answers the same.
        OverloadedError: the address could not be made.
    """
    if variant != WHOLE_VIDEO:
        raise UnsupportedParameterError(
            f"There is no variant of a video but '{WHOLE_VIDEO}'.", param="variant"
        )
    match status_of(job):
        case "completed":
            return await output_link(studio, job, 0, method)
        case "failed":
            raise NotFoundError("The video has failed, so there is no file of it.")
        case status:
            raise NotFoundError(f"The video is not ready yet: it is {status.replace('_', ' ')}.")


def video_task(job: Job) -> VideoTask:
    """A task that was taken."""
    return VideoTask(task_id=job.id, hash_val=job.input_hash)


async def video_result(studio: Studio, job: Job) -> VideoResult:
    """How a task is.

    Raises:
        OverloadedError: it could not be read.
    """
    return VideoResult(
        task_id=job.id,
        hash_val=job.input_hash,
        status=_TASK.get(job.state, "PROCESSING"),
        video=await output_link(studio, job, 0) if job.state == "completed" else None,
        error=await failure_shown(studio, job),
    )
