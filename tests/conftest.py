"""What any test may ask for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest

from engine_processes import ENGINES, require
from engines import Engine, running_engine
from sluice.stores.aws import AWS

SHARED = ("gateway", "built")
"""Fixtures that take long to make, or that a later test looks at: who asks for one of them runs in one process."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, one has all of a file or of a shared fixture; the longest comes first."""
    for item in items:
        fixtures = item.fixturenames if isinstance(item, pytest.Function) else ()
        shared = [name for name in SHARED if name in fixtures]
        group = shared[0] if shared else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "gateway" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A DynamoDB with the template's tables; who asks for it runs once on each engine."""
    require(request.param)
    with running_engine(request.param) as found:
        yield found


@pytest.fixture
async def engine_aws(engine: Engine) -> AsyncIterator[AWS]:
    """Our client of that DynamoDB; closed on the loop that its connections belong to."""
    with closing(AWS(engine.endpoint)) as found:
        yield found
