"""Work that takes longer the more bytes there are: in a thread, where it would have others wait on the event loop."""

import asyncio
from collections.abc import Callable

LARGE = 1024 * 1024
"""Bytes. A hash of fewer takes about as long as it takes to ask a thread for it."""


async def off_the_loop[Found](work: Callable[[bytes], Found], content: bytes) -> Found:
    """What ``work`` finds out about a content; it must let the interpreter go on meanwhile, as ``hashlib`` does."""
    if len(content) < LARGE:
        return work(content)
    return await asyncio.to_thread(work, content)
