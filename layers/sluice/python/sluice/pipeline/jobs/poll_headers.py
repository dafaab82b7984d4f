"""When to look at a job again, in headers: OpenAI's SDKs take the first one, others the second."""

import math
import time
from collections.abc import Mapping

from sluice.pipeline.jobs.shown import poll_seconds
from sluice.stores.job_records import Job

POLL_AFTER = "openai-poll-after-ms"


def poll_headers(job: Job) -> Mapping[str, str]:
    """Of a reply that shows a job."""
    seconds = poll_seconds(job, time.time())
    told = {POLL_AFTER: str(math.ceil(seconds * 1000))}
    return told if job.is_over else told | {"retry-after": str(math.ceil(seconds))}
