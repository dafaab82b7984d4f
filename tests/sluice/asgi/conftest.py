"""What the tests of applications share."""

import pytest

from sluice.asgi import application
from sluice.observability import RequestRecord


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[RequestRecord]:
    found: list[RequestRecord] = []
    monkeypatch.setattr(application, "log_request", found.append)
    return found
