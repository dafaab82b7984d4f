"""What the tests of money over HTTP share: a site on each DynamoDB engine."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engines import Engine
from mock_provider import MockProvider
from money_site import MoneySite, money_site


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def provider() -> Iterator[MockProvider]:
    with MockProvider("sk-provider") as mock:
        yield mock


@pytest.fixture
async def site(engine: Engine, provider: MockProvider, tmp_path: Path) -> AsyncIterator[MoneySite]:
    async with money_site(engine, provider, tmp_path) as found:
        yield found
