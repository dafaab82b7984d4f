"""Calls functions on their schedules, as EventBridge does: first when the first interval has passed."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sluice.local.event_sources import Schedule
from sluice.local.invocations import Handler, invoke
from sluice.observability import logger

ACCOUNT = "123456789012"


async def call_on_schedule(
    name: str,
    handler: Handler,
    schedule: Schedule,
    region: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Call a function each time its interval has passed, until cancelled.

    Args:
        name: the function's.
        handler: the function.
        schedule: its interval.
        region: stands in the events.
        sleep: waits for so many seconds.
    """
    while True:
        await sleep(schedule.seconds)
        try:
            await invoke(handler, scheduled_event(name, region, datetime.now(UTC)))
        except Exception:  # whatever a function raises: Lambda logs it too, and calls it again
            logger.exception("%s, called by its schedule, failed", name)


def scheduled_event(rule: str, region: str, now: datetime) -> Mapping[str, Any]:
    """The event of a rule.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }
