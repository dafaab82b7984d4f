"""What the tests of the functions that stream share: the stack that they run in."""

from collections.abc import Iterator

import pytest

from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from streamed_functions import stack_with_key


@pytest.fixture(scope="session")
def stack() -> Iterator[tuple[Endpoint, Stack]]:
    with stack_with_key() as made:
        yield made
