"""What any test may ask for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest

from engine_processes import ENGINES, require
from engines import Engine, running_engine
from sluice.stores.aws import AWS


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
