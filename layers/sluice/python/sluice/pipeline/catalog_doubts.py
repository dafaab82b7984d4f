"""Tells the log what in the catalogue file is probably not meant."""

import functools

from sluice.observability import logger


@functools.cache
def tell(doubt: str) -> None:
    """Once in a process, which may read the file several times."""
    logger.warning("the catalogue is doubtful: %s", doubt)
