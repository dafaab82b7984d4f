"""Functions that a deployment calls."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from function_handlers import sample_events
from sluice.local.deployments import call_after_deployment, deployed_event
from sluice.local.event_sources import DEPLOYED
from sluice.observability import logger


async def test_a_function_is_called_once_with_the_event() -> None:
    events: list[Any] = []
    await call_after_deployment("One", lambda event, _: events.append(event), "eu-west-1")
    (event,) = events
    assert event["region"] == "eu-west-1"
    assert event["detail"]["status-details"]["status"] == DEPLOYED


async def test_one_that_fails_is_logged_and_harms_nothing_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", True)

    def handler(_: Any, __: Any) -> None:
        raise KeyError("broken")

    with caplog.at_level(logging.ERROR):
        await call_after_deployment("One", handler, "eu-west-1")
    assert caplog.messages == ["One, called after the deployment, failed"]


def test_the_event_is_eventbridges() -> None:
    event = json.loads(json.dumps(deployed_event("eu-west-1", datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC))))
    assert (event["time"], event["region"]) == ("2026-11-21T12:00:05Z", "eu-west-1")
    assert event["resources"] == [event["detail"]["stack-id"]]
    assert event["detail"]["stack-id"].startswith("arn:aws:cloudformation:eu-west-1:123456789012:stack/")
    for name in ("check_health", "sync_catalog"):
        sample = sample_events(name)["deployed"]
        assert shape(event) == shape(sample)
        assert event["detail-type"] == sample["detail-type"]
        assert event["source"] == sample["source"]


def shape(value: Any) -> Any:
    """The names of all members."""
    return {name: shape(part) for name, part in value.items()} if isinstance(value, dict) else None
