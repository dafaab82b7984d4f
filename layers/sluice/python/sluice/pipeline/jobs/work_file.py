"""A job's work object: what a provider has sent, or where it is to be had, until it is checked and stored.

    {"leg": 1, "source": "here"}⏎<bytes of the picture>
    {"leg": 0, "source": "bucket", "key": "jobs/…/made/output.mp4", "seconds": 6}⏎
    {"leg": 0, "source": "provider", "seconds": 8}⏎

One object, so that the bytes and who made them cannot come apart. The address of a file that has to be fetched is not
in it: it may be secret, and it may have ended when it is wanted. The provider is asked for it again.
"""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sluice.stores.bucket import Blob

CONTENT_TYPE = "application/octet-stream"

HEAD_BYTES = 4_096
"""More than the first line has."""


class WorkHead(BaseModel):
    """The first line.

    Attributes:
        leg: the position of who made it, in the job's request.
        source: where the file is: here, in the bucket under ``key``, or with its provider.
        key: see there.
        seconds: how long a video is, by its provider's word.
    """

    model_config = ConfigDict(frozen=True)

    leg: int
    source: Literal["here", "bucket", "provider"] = "here"
    key: str | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class WorkFile:
    """A work object."""

    head: WorkHead
    content: bytes = field(default=b"", repr=False)

    def blob(self) -> Blob:
        """As it is put into the bucket."""
        line = self.head.model_dump_json(exclude_none=True).encode()
        return Blob(line + b"\n" + self.content, CONTENT_TYPE)


class NoWorkFileError(Exception):
    """An object is no work object."""


def work_file_of(blob: Blob) -> WorkFile:
    """Read one.

    Raises:
        NoWorkFileError: it is none.
    """
    line, newline, content = blob.content.partition(b"\n")
    if not newline:
        raise NoWorkFileError("it has no first line")
    try:
        return WorkFile(WorkHead.model_validate_json(line), content)
    except ValidationError as error:
        raise NoWorkFileError("its first line is none") from error
