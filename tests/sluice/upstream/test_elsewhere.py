"""The way to what a provider says lies elsewhere: public addresses alone, whatever its name server says."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from certificates import Authority
from internet import Names, Network
from receiver import Behaviour, Receiver, answering, endless, hanging_up
from sluice.errors import SluiceError, UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import HTTPUpstream
from sluice.upstream.elsewhere import Elsewhere

HOST = "files.example.com"
PUBLIC = "93.184.215.14"
INSIDE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "fd00:ec2::254", "::ffff:10.0.0.1")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def upstream_of(network: Network, names: Names, most_bytes: int = 100) -> AsyncIterator[HTTPUpstream]:
    client = httpx.AsyncClient(trust_env=False)
    upstream = HTTPUpstream(client, lambda: Elsewhere(network, names), most_bytes)
    yield upstream
    await upstream.close()


def file(url: str = f"https://{HOST}/a%2Fb.png?x=%20") -> UpstreamRequest:
    return UpstreamRequest(url, b"", {}, "GET", public_only=True)


async def failure_of(network: Network, names: Names, request: UpstreamRequest) -> SluiceError:
    async with upstream_of(network, names) as upstream:
        with pytest.raises(SluiceError) as raised:
            async with upstream.send(request) as response:
                await response.read()
    return raised.value


async def test_a_file_comes_by_tls_from_the_address_that_was_checked(authority: Authority) -> None:
    with Receiver(answering(200, {"x": "y"}, b"a file"), tls=authority.server(HOST)) as receiver:
        network, names = Network(authority.trusted, receiver.port), Names([PUBLIC], ["169.254.169.254"])
        async with (
            upstream_of(network, names) as upstream,
            upstream.send(file()) as response,
        ):
            assert (response.status, response.headers["x"], await response.read()) == (200, "y", b"a file")
        (received,) = receiver.received
    assert (received.method, received.path, received.body) == ("GET", "/a%2Fb.png?x=%20", b"")
    assert received.headers == {
        "host": HOST,
        "user-agent": "sluice",
        "accept-encoding": "identity",
        "connection": "close",
    }
    assert names.asked == [(HOST, 443)]
    assert network.reached == [PUBLIC]


@pytest.mark.parametrize("inside", INSIDE)
async def test_a_name_that_leads_inside_is_not_asked(authority: Authority, inside: str) -> None:
    network = Network(authority.trusted, 1)
    for found in ([inside], [PUBLIC, inside]):
        failure = await failure_of(network, Names(found), file())
        assert isinstance(failure, UpstreamError)
        assert failure.retriable is False
    assert network.reached == []


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/x", "https://169.254.169.254/latest/meta-data/", "https://[::1]/x"),
        *("https://localhost/x", "https://metadata.internal/x", "https://2130706433/x", "https://0x7f.1/x"),
        *("http://files.example.com/x", "https://files.example.com:22/x"),
        "https://u:p@files.example.com/x",  # pragma: allowlist secret - made up
    ],
)
async def test_nor_is_an_address_that_says_so_itself(authority: Authority, url: str) -> None:
    network, names = Network(authority.trusted, 1), Names([PUBLIC])
    assert (await failure_of(network, names, file(url))).retriable is False
    assert (names.asked, network.reached) == ([], [])


@pytest.mark.parametrize("found", [[], OSError("no such name")])
async def test_a_host_without_an_address_may_have_one_later(
    authority: Authority, found: Sequence[str] | OSError
) -> None:
    failure = await failure_of(Network(authority.trusted, 1), Names(found), file())
    assert isinstance(failure, UpstreamError)
    assert failure.retriable is not False


async def test_a_server_with_another_names_certificate_is_not_believed(authority: Authority) -> None:
    with Receiver(answering(200), tls=authority.server("other.example.com", PUBLIC)) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert isinstance(await failure_of(network, Names([PUBLIC]), file()), UpstreamError)
        assert receiver.received == []


@pytest.mark.parametrize("behaviour", [endless, hanging_up], ids=["endless", "hanging up"])
async def test_what_goes_wrong_is_the_providers_fault_and_leaves_no_connection(
    authority: Authority, behaviour: Behaviour
) -> None:
    with Receiver(behaviour, tls=authority.server(HOST)) as receiver:
        network = Network(authority.trusted, receiver.port)
        assert isinstance(await failure_of(network, Names([PUBLIC]), file()), UpstreamError)
        assert receiver.closed.wait(20)


async def test_every_other_request_goes_its_usual_way(authority: Authority) -> None:
    """A provider's own address is the operator's word, wherever it leads."""
    with Receiver(answering(200, {}, b"own"), tls=authority.server("127.0.0.1")) as receiver:
        upstream = HTTPUpstream.open(tls=authority.trusted, demo_token_seconds=0)
        request = UpstreamRequest(f"https://127.0.0.1:{receiver.port}/x", b"", {}, "GET")
        async with upstream.send(request) as response:
            assert await response.read() == b"own"
        with pytest.raises(UpstreamError, match="public"):
            async with upstream.send(replace(request, public_only=True)):
                pass
        await upstream.close()
