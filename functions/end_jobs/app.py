"""Ends the jobs whose state machines have not: when an execution has ended badly, and on a schedule."""

from typing import Any

from sluice.config import ClosingSettings
from sluice.pipeline.jobs.sweep import Sweeper
from sluice.worker import Worker


async def answer(event: Any, sweeper: Sweeper) -> dict[str, int]:
    """See to one job, or to all."""
    return await sweeper.answer(event)


handler = Worker(answer, open_parts=lambda: Sweeper.open(ClosingSettings.from_environment()))
