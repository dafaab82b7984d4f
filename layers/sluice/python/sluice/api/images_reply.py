"""Pictures, and the jobs that make them.

The first as OpenAI's ``ImagesResponse``, with three members that reference implementations have as well (``model``,
``object``, a picture's ``index``). OpenAI has no jobs for pictures; these are made after its videos.

Source: https://platform.openai.com/docs/api-reference/images/object.
"""

from typing import Annotated, Literal

from pydantic import Field

from sluice.api.job_reply import JobFailure, JobStatus
from sluice.api.shapes import ReplyShape, absent

Background = Literal["transparent", "opaque"]
OutputFormat = Literal["png", "jpeg", "webp"]
Quality = Literal["low", "medium", "high"]
PictureSize = Literal["1024x1024", "1024x1536", "1536x1024"]


class Picture(ReplyShape):
    """A picture: where it is for a while, or all of it in base64. ``index`` is its place among those asked for."""

    index: int
    url: Annotated[str | None, Field(exclude_if=absent)] = None
    b64_json: Annotated[str | None, Field(exclude_if=absent)] = None


class PictureList(ReplyShape):
    """The pictures that were made, of which there may be fewer than were asked for.

    How they were made is told where it is known and one of OpenAI's values: clients in stricter languages read no
    others.
    """

    created: int
    model: str
    object: Literal["list"] = "list"
    data: list[Picture]
    background: Annotated[Background | None, Field(exclude_if=absent)] = None
    output_format: Annotated[OutputFormat | None, Field(exclude_if=absent)] = None
    quality: Annotated[Quality | None, Field(exclude_if=absent)] = None
    size: Annotated[PictureSize | None, Field(exclude_if=absent)] = None


class ImageJob(ReplyShape):
    """A job that makes pictures. Times are in epoch seconds; ``progress`` is in percent.

    ``result`` is null until it is completed, and ``error`` unless it has failed. From ``expires_at`` on neither it nor
    its pictures are there.
    """

    id: str
    object: Literal["image.generation.job"] = "image.generation.job"
    status: JobStatus
    model: str
    n: int
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int
    result: PictureList | None
    error: JobFailure | None


class ImageJobDeleted(ReplyShape):
    """A job that makes pictures is gone, and what it has made too."""

    id: str
    object: Literal["image.generation.job.deleted"] = "image.generation.job.deleted"
    deleted: Literal[True] = True
