"""The message that a job is over, and the secret that it is signed with.

Everything here follows from the job and the key alone, so that each attempt sends the same message under the same id: a
receiver that has had it, but whose answer was lost, knows it by that.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from sluice.api.webhooks import EventData, EventType, WebhookEvent
from sluice.stores.job_records import Job, JobKind, JobState
from sluice.wire.standard_webhooks import secret_of

EVENTS: Mapping[tuple[JobKind, JobState], EventType] = {
    ("image", "completed"): "image.generation.completed",
    ("image", "failed"): "image.generation.failed",
    ("video", "completed"): "video.completed",
    ("video", "failed"): "video.failed",
}
"""The events of jobs that are over."""

EVENT_LEAD = "evt_"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the id of all attempts, and the body."""

    id: str
    body: bytes


def message_of(job: Job) -> Message:
    """The message that a job is over.

    Raises:
        KeyError: it is not.
    """
    event = WebhookEvent(
        id=EVENT_LEAD + job.id.partition("_")[2],
        created_at=(job.ended_at or job.created_at) // 1000,
        type=EVENTS[job.kind, job.state],
        data=EventData(id=job.id),
    )
    return Message(event.id, event.model_dump_json().encode())


def secret_for(master: str, key_digest: str) -> str:
    """The secret of an API key's webhooks. It is stored nowhere, and another one once the key is rotated.

    Args:
        master: the gateway's; who has it can sign for every key.
        key_digest: by which the API key is stored (``keys.digest_of``).
    """
    return secret_of(hmac.digest(master.encode(), key_digest.encode(), hashlib.sha256))
