"""The running parts of the contract tests: a mock provider, a gateway over it, and clients of both."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import openai
import pytest

from gateway_process import GatewayProcess
from leaks import check_nothing_leaked
from mock_provider import Case, MockProvider
from sdk_clients import NO_AUTHORITIES, Traffic, async_client, sync_client

UPSTREAM_CREDENTIAL = "sk-upstream-9f2c7f0d51e84a6bb3c1"
"""The provider's key, which no client may ever see."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def provider() -> Iterator[MockProvider]:
    with MockProvider(UPSTREAM_CREDENTIAL) as mock:
        yield mock


@pytest.fixture(scope="session")
def gateway(
    provider: MockProvider, traffic: Traffic, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway; in the end all that the tests of this process have left behind is looked through for secrets."""
    state: Path = tmp_path_factory.mktemp("gateway")
    with GatewayProcess(state, provider.url, provider.credential) as process:
        yield process
        check_nothing_leaked(process, provider, traffic)


@pytest.fixture(scope="session")
def key(gateway: GatewayProcess) -> str:
    """The secret of a key that may do everything."""
    return str(gateway.create_key("--plan", "enterprise")["key"])


@pytest.fixture(scope="session")
def traffic() -> Traffic:
    """What went between clients and the gateway in the whole session."""
    return Traffic()


@pytest.fixture
def direct_traffic() -> Traffic:
    """What went between a client and the mock itself."""
    return Traffic()


@pytest.fixture
def direct(provider: MockProvider, direct_traffic: Traffic) -> Iterator[openai.OpenAI]:
    """The official client at the mock itself, without a gateway between."""
    with sync_client(provider.url, UPSTREAM_CREDENTIAL, direct_traffic) as client:
        yield client


@pytest.fixture(params=["/v1", "/api/v1"])
def base_url(request: pytest.FixtureRequest, gateway: GatewayProcess) -> str:
    """Each address that a client may take as its base URL."""
    return f"{gateway.url}{request.param}"


@pytest.fixture
def client(gateway: GatewayProcess, key: str, traffic: Traffic) -> Iterator[openai.OpenAI]:
    """The official client at the gateway; it does not retry."""
    with sync_client(f"{gateway.url}/v1", key, traffic) as found:
        yield found


@pytest.fixture
async def aclient(gateway: GatewayProcess, key: str, traffic: Traffic) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official asynchronous client at the gateway; it does not retry."""
    async with async_client(f"{gateway.url}/v1", key, traffic) as found:
        yield found


@pytest.fixture
def http(gateway: GatewayProcess, key: str, traffic: Traffic) -> Iterator[httpx.Client]:
    """Bare HTTP to the gateway, with a good key."""
    with httpx.Client(
        base_url=gateway.url,
        headers={"authorization": f"Bearer {key}"},
        event_hooks={"response": [traffic.bare.append]},
        timeout=30,
        trust_env=False,
        verify=NO_AUTHORITIES,
    ) as found:
        yield found


@pytest.fixture
def case(provider: MockProvider) -> Case:
    """A conversation in which the provider behaves."""
    return provider.case()
