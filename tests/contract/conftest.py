"""The running parts of the contract tests: the mock provider and clients of it."""

from collections.abc import Iterator

import openai
import pytest

from mock_provider import MockProvider
from sdk_clients import Traffic, sync_client

UPSTREAM_CREDENTIAL = "sk-upstream-9f2c7f0d51e84a6bb3c1"
"""The provider's key, which no client may ever see."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def provider() -> Iterator[MockProvider]:
    with MockProvider(UPSTREAM_CREDENTIAL) as mock:
        yield mock


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def direct(provider: MockProvider, traffic: Traffic) -> Iterator[openai.OpenAI]:
    """The official client at the mock itself, without a gateway between."""
    with sync_client(provider.url, UPSTREAM_CREDENTIAL, traffic) as client:
        yield client
