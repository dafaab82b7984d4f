"""Tells a client's address that its job is over: one attempt for each event; when to come again is the reply."""

from typing import Any

from sluice.config import WebhookSettings
from sluice.pipeline.jobs.webhooks.deliver import Courier, deliver
from sluice.worker import Worker


async def answer(event: dict[str, Any], courier: Courier) -> dict[str, Any]:
    """Attempt to deliver the message about ``job``."""
    job_id = str(event["job"])
    found = await deliver(courier, job_id)
    return {"job": job_id, "over": found.over, "seconds": found.seconds}


handler = Worker(answer, open_parts=lambda: Courier.open(WebhookSettings.from_environment()))
