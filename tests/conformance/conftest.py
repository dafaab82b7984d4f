"""One gateway in front of every provider's server, and clients of it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from participant import Participant
from participants import SERVED
from sdk_clients import NO_AUTHORITIES, Traffic, sync_client
from turn_server import TurnServer
from turn_site import TurnSite, model_of, turn_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnSite]:
    state: Path = tmp_path_factory.mktemp("conformance")
    with turn_site(state) as running:
        yield running


@pytest.fixture(params=SERVED.values(), ids=list(SERVED))
def participant(request: pytest.FixtureRequest) -> Participant:
    """Each wire format that is spoken over a socket."""
    found: Participant = request.param
    return found


@pytest.fixture
def provider(site: TurnSite, participant: Participant) -> TurnServer:
    """The server of this format."""
    return site.servers[participant.kind]


@pytest.fixture
def model(participant: Participant) -> str:
    """Its model."""
    return model_of(participant.kind)


@pytest.fixture(scope="session")
def key(site: TurnSite) -> str:
    """The secret of a key that may do everything."""
    return str(site.gateway.create_key("--plan", "enterprise")["key"])


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def client(site: TurnSite, key: str, traffic: Traffic) -> Iterator[openai.OpenAI]:
    """The official client; it does not retry."""
    with sync_client(f"{site.gateway.url}/v1", key, traffic) as found:
        yield found


@pytest.fixture
def http(site: TurnSite, key: str) -> Iterator[httpx.Client]:
    """Bare HTTP."""
    with httpx.Client(
        base_url=site.gateway.url,
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
        trust_env=False,
        verify=NO_AUTHORITIES,
    ) as found:
        yield found
