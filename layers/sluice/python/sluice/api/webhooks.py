"""What clients see of webhooks: the message that a job is over, its deliveries, and the secret that signs it.

The message has the shape of OpenAI's (``video.completed`` is one of theirs), so that the SDKs' ``webhooks.unwrap``
reads it. It says what has happened and to which job, and no more: whoever gets hold of it has no link and no prompt.

Source: https://platform.openai.com/docs/api-reference/webhook-events.
"""

from typing import Literal

from sluice.api.shapes import ReplyShape

EventType = Literal[
    "image.generation.completed", "image.generation.failed", "video.completed", "video.failed"
]
DeliveryState = Literal["pending", "delivered", "given_up"]
DeliveryFailure = Literal[
    "refused_address",
    "unresolved",
    "not_public",
    "unreachable",
    "untrusted",
    "timeout",
    "broken",
    "no_secret",
]
"""Why there was no answer. refused_address: the address is none that may be told; unresolved: its host has no address;
not_public: its host has one that is not public; unreachable: nobody took the connection; untrusted: TLS failed, or its
certificate is another's; timeout: it took too long; broken: the connection ended, or what came was no HTTP; no_secret:
the gateway has lost the secret that it signs with."""


class EventData(ReplyShape):
    """What an event is about."""

    id: str
    """The job's."""


class WebhookEvent(ReplyShape):
    """The message that a job is over; ``created_at`` is when it ended, in epoch seconds."""

    id: str
    object: Literal["event"] = "event"
    created_at: int
    type: EventType
    data: EventData


class WebhookSecret(ReplyShape):
    """What messages about a key's jobs are signed with, as Standard Webhooks has it: ``whsec_`` and base64."""

    object: Literal["webhook.secret"] = "webhook.secret"
    secret: str


class DeliveryAttempt(ReplyShape):
    """An attempt to deliver the message.

    ``created_at`` is in epoch seconds. ``status`` is the HTTP status that the receiver answered with; without an answer
    it is null, and ``failure`` says why.
    """

    object: Literal["webhook.attempt"] = "webhook.attempt"
    created_at: int
    milliseconds: int
    status: int | None
    failure: DeliveryFailure | None


class DeliveryList(ReplyShape):
    """The deliveries of a job's message, oldest first; the first of very many are left out.

    ``attempts`` counts all. ``next_attempt_at``, in epoch seconds, is null where there will be none, and before the
    first.
    """

    object: Literal["list"] = "list"
    state: DeliveryState | None
    """Null for a job that nobody wants to be told of."""
    attempts: int
    next_attempt_at: int | None
    data: list[DeliveryAttempt]
