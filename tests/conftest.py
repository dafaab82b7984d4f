"""What any test may ask for."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import hypothesis
import pytest

from engine_processes import ENGINES, require
from engines import Engine, running_engine
from sluice.stores.aws import AWS

# How long an example takes to make, or to try, says how busy the machine is.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, one has all of a file, and one all that look at what SAM builds.

    A file's tests share servers, and a build takes long. Those against a gateway take the longest, so they come first.
    """
    for item in items:
        builds = "built" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("built" if builds else item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: "/contract/" not in item.path.as_posix())


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
