"""Calls functions when the stack has been made, as EventBridge does when CloudFormation tells it so."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sluice.local.event_sources import DEPLOYED
from sluice.local.invocations import Handler, invoke
from sluice.local.schedules import ACCOUNT
from sluice.local.stack import STACK
from sluice.observability import logger


async def call_after_deployment(name: str, handler: Handler, region: str) -> None:
    """Call a function once, now.

    Args:
        name: the function's.
        handler: the function.
        region: stands in the event.
    """
    try:
        await invoke(handler, deployed_event(region, datetime.now(UTC)))
    except Exception:  # whatever a function raises: Lambda logs it too, and goes on
        logger.exception("%s, called after the deployment, failed", name)


def deployed_event(region: str, now: datetime) -> Mapping[str, Any]:
    """The event of a stack that has been made.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
    """
    stack = f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{STACK}/{uuid.uuid4()}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudFormation Stack Status Change",
        "source": "aws.cloudformation",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [stack],
        "detail": {
            "stack-id": stack,
            "status-details": {"status": DEPLOYED, "status-reason": ""},
            "client-request-token": "",
        },
    }
