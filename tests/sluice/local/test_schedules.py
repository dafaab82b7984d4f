"""Functions on schedules."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from sluice.local.event_sources import Schedule
from sluice.local.schedules import call_on_schedule, scheduled_event
from sluice.observability import logger


class Clock:
    """Lets so many waits pass at once, and ends the loop at the next one."""

    def __init__(self, waits: int) -> None:
        self.slept: list[float] = []
        self._waits = waits

    async def sleep(self, seconds: float) -> None:
        if len(self.slept) == self._waits:
            raise asyncio.CancelledError
        self.slept.append(seconds)


async def called(handler: Any, waits: int) -> list[float]:
    clock = Clock(waits)
    with pytest.raises(asyncio.CancelledError):
        await call_on_schedule("One", handler, Schedule(300), "us-east-1", clock.sleep)
    return clock.slept


async def test_a_function_is_called_each_time_its_interval_has_passed() -> None:
    events: list[Any] = []
    assert await called(lambda event, _: events.append(event), 0) == []
    assert events == []
    assert await called(lambda event, _: events.append(event), 3) == [300, 300, 300]
    assert len({event["id"] for event in events}) == 3


async def test_a_function_that_fails_is_logged_and_called_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)

    def handler(_: Any, __: Any) -> None:
        raise KeyError("broken")

    with caplog.at_level(logging.ERROR):
        assert await called(handler, 2) == [300, 300]
    assert caplog.messages == ["One, called by its schedule, failed"] * 2


def test_the_event_is_eventbridges() -> None:
    event = scheduled_event("One", "eu-west-1", datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC))
    assert dict(event) | {"id": ""} == {
        "version": "0",
        "id": "",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-21T12:00:05Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:123456789012:rule/One"],
        "detail": {},
    }
