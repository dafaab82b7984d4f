"""What the tests of functions share: a stack that those run in that stream, and a studio in memory."""

from collections.abc import Iterator

import pytest

from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from streamed_functions import stack_with_key
from studio_functions import Site


@pytest.fixture(scope="session")
def stack() -> Iterator[tuple[Endpoint, Stack]]:
    with stack_with_key() as made:
        yield made


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)
