"""What the tests of jobs share."""

import pytest

from studio_world import NOON, StudioWorld


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still."""
    monkeypatch.setattr("time.time", lambda: NOON)


@pytest.fixture
def world() -> StudioWorld:
    return StudioWorld()
