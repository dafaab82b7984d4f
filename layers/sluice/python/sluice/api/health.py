"""The state of the process that answers."""

from typing import Annotated, Literal

from pydantic import Field

from sluice.api.shapes import ReplyShape

Megabytes = Annotated[int, Field(ge=0)]


class Memory(ReplyShape):
    """What the process takes of the machine, in MB: resident memory, and the part of it that holds its data."""

    rss: Megabytes
    heap: Megabytes


class Health(ReplyShape):
    """``timestamp`` is in UTC as ISO 8601 writes it, ``uptime`` in whole seconds."""

    status: Literal["ok"] = "ok"
    timestamp: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    uptime: Annotated[int, Field(ge=0)]
    memory: Memory
