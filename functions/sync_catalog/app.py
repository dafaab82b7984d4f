"""Asks providers, on a schedule and after each deployment, which models they serve."""

import asyncio
from typing import Any

from sluice.config import ProviderCheckSettings
from sluice.pipeline.provider_desk import open_desk
from sluice.pipeline.sync_catalog import sync_catalog


def handler(_event: dict[str, Any], _context: object) -> None:
    """Ask all providers; the event says no more than that it is time."""
    asyncio.run(_synchronise())


async def _synchronise() -> None:
    async with open_desk(ProviderCheckSettings.from_environment()) as desk:
        await sync_catalog(desk)
