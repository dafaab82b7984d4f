"""Whether models can be used, and how they are."""

from typing import Literal

from sluice.api.shapes import ReplyShape

HealthStatus = Literal["healthy", "down", "unknown"]


class ModelStatus(ReplyShape):
    """A model; ``id`` is the row's own, ``model_id`` is the one that requests name.

    The latency is the last check's, in milliseconds; null where there was none.
    """

    id: str
    model_id: str
    provider: str
    model_type: Literal["chat", "completion", "embedding", "image", "video"]
    is_available: bool
    health_status: HealthStatus
    last_health_latency_ms: int | None


class ModelStatusList(ReplyShape):
    """All models, and how many of them are how."""

    object: Literal["list"] = "list"
    data: list[ModelStatus]
    total: int
    healthy: int
    down: int
    unknown: int
