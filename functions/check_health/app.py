"""Asks, on a schedule and after each deployment, how providers and their models are."""

import asyncio
from typing import Any

from sluice.config import ProviderCheckSettings
from sluice.pipeline.check_health import check_health
from sluice.pipeline.provider_desk import open_desk


def handler(_event: dict[str, Any], _context: object) -> None:
    """Check all providers; the event says no more than that it is time."""
    asyncio.run(_check())


async def _check() -> None:
    async with open_desk(ProviderCheckSettings.from_environment()) as desk:
        await check_health(desk)
