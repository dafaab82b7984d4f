"""Adds up the ledger by owner, day, key and model, from its table's stream."""

import asyncio
from contextlib import closing
from typing import Any

from sluice.config import RollUpSettings
from sluice.pipeline.roll_up import roll_up
from sluice.stores.aws import AWS
from sluice.stores.usage import UsageStore


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Take an event of the stream; the reply names the record from which on to deliver again, if any."""
    failed = asyncio.run(_roll_up(event))
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


async def _roll_up(event: dict[str, Any]) -> str | None:
    settings = RollUpSettings.from_environment()
    with closing(AWS()) as aws:  # its connections end with the loop that they were opened in
        return await roll_up(UsageStore(aws, settings.usage_table, settings.ledger_table), event)
