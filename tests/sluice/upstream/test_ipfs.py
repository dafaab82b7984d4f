"""Files are pinned as whoever has the bytes would pin them, and what the service says of them is not believed."""

from collections.abc import AsyncIterator, Iterator

import pytest

from mock_ipfs import MockIPFS, mock_ipfs
from sluice.errors import UpstreamError
from sluice.upstream.client import HTTPUpstream, tls_context
from sluice.upstream.ipfs import Pinner
from sluice.wire.cid import cid_of

CONTENT = bytes(range(256)) * 2_000


@pytest.fixture
def service() -> Iterator[MockIPFS]:
    with mock_ipfs() as found:
        yield found


@pytest.fixture
async def upstream() -> AsyncIterator[HTTPUpstream]:
    found = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    yield found
    await found.close()


@pytest.mark.parametrize(
    ("credential", "authorization"),
    [(None, None), ("token", "Bearer token"), ("user:pass", "Basic dXNlcjpwYXNz")],
)
async def test_a_file_is_pinned_under_its_own_id(
    service: MockIPFS, upstream: HTTPUpstream, credential: str | None, authorization: str | None
) -> None:
    service.authorization = authorization
    cid = await Pinner(upstream, service.url + "/", credential).pin(CONTENT)
    assert cid == cid_of(CONTENT)
    assert service.pinned == {cid: CONTENT}


async def test_a_service_that_knows_it_by_another_id_is_not_believed(
    service: MockIPFS, upstream: HTTPUpstream
) -> None:
    service.lies = True
    with pytest.raises(UpstreamError, match="an id that its bytes do not have"):
        await Pinner(upstream, service.url, None).pin(CONTENT)


@pytest.mark.parametrize("status", [201, 403, 500])
async def test_a_service_that_does_not_take_it_is_an_error(
    service: MockIPFS, upstream: HTTPUpstream, status: int
) -> None:
    service.status = status
    with pytest.raises(UpstreamError, match=f"status {status}"):
        await Pinner(upstream, service.url, None).pin(CONTENT)
