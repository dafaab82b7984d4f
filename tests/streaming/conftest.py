"""What the tests of the streaming runtime share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime_process import Platform, running_platform


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(tmp_path) as platform:
        yield platform
