"""When a key was last used, without a write for each request."""

import time

from sluice.errors import OverloadedError
from sluice.observability import logger
from sluice.pipeline.gateway import Gateway
from sluice.stores.keys import KeyRecord


async def note_use(gateway: Gateway, key: KeyRecord) -> None:
    """Write the time of use if the last one written is older than the settings' interval.

    Runs after the client has its last byte. A record from memory may be behind the table, so the write has a
    condition; if the table cannot be reached, the next request tries again.
    """
    now, interval = int(time.time()), gateway.settings.last_used_seconds
    if key.last_used_at is not None and now - key.last_used_at < interval:
        return
    try:
        await gateway.key_store.touch(key.digest, now, interval)
    except OverloadedError:
        logger.warning("the last use of key %s could not be noted", key.id)
