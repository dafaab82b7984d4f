"""Videos in the making: OpenAI's objects, and the tasks of reference implementations; both show the same jobs.

Source: https://platform.openai.com/docs/api-reference/videos/object.
"""

from typing import Annotated, Literal

from pydantic import Field

from sluice.api.job_reply import JobFailure, JobStatus
from sluice.api.shapes import ReplyShape, absent

UNKNOWN_SIZE = "auto"
"""The size of a video whose client has left it to the model."""

TaskStatus = Literal["PROCESSING", "OK", "FAILED"]


class Video(ReplyShape):
    """A video, made or in the making. Times are in epoch seconds; ``progress`` is in percent.

    From ``expires_at`` on it is not there. ``prompt`` is null for a moment while it is being deleted.
    """

    id: str
    object: Literal["video"] = "video"
    model: str
    status: JobStatus
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    prompt: str | None
    seconds: str
    size: str
    remixed_from_video_id: None = None
    error: JobFailure | None


class VideoList(ReplyShape):
    """Some of an owner's videos, by time."""

    object: Literal["list"] = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(ReplyShape):
    """A video is gone."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


class VideoTask(ReplyShape):
    """A task that makes a video is taken. The same input has the same ``hash_val``."""

    task_id: str
    hash_val: str
    status: Literal["PROCESSING"] = "PROCESSING"
    content: Literal[""] = ""


class VideoResult(ReplyShape):
    """How such a task is: ``video`` is where its video is for a while, ``error`` why there is none."""

    task_id: str
    hash_val: str
    status: TaskStatus
    video: Annotated[str | None, Field(exclude_if=absent)] = None
    error: Annotated[JobFailure | None, Field(exclude_if=absent)] = None
