"""Its owner's."""

from typing import Any

from sluice.worker import Worker


async def _nothing_yet(event: Any, _parts: object) -> Any:
    return event


handler = Worker(_nothing_yet, open_parts=object)
