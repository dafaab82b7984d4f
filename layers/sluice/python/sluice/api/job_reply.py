"""What clients see of any job: how far it is, and why it has failed."""

from typing import Literal

from sluice.api.shapes import ReplyShape

JobStatus = Literal["queued", "in_progress", "completed", "failed"]


class JobFailure(ReplyShape):
    """Why a job has failed."""

    code: str
    message: str
