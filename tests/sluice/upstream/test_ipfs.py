"""Files are pinned as whoever has the bytes would pin them, and what the service says of them is not believed."""

from collections.abc import AsyncIterator, Iterator

import pytest

from mock_ipfs import MockIPFS, mock_ipfs
from sluice.errors import UpstreamError
from sluice.upstream.client import HTTPUpstream, tls_context
from sluice.upstream.ipfs import Pinner
from sluice.wire.cid import WAYS, Way, cid_of

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


@pytest.fixture(params=["kubo", "pinata"])
def api(request: pytest.FixtureRequest, service: MockIPFS) -> str:
    """The address of a service of each kind."""
    return service.url + ("/v3" if request.param == "pinata" else "/")


@pytest.mark.parametrize(
    ("credential", "authorization"),
    [(None, None), ("token", "Bearer token"), ("user:pass", "Basic dXNlcjpwYXNz")],
)
async def test_a_file_is_pinned_under_its_own_id(
    service: MockIPFS, api: str, upstream: HTTPUpstream, credential: str | None, authorization: str | None
) -> None:
    service.authorization = authorization
    cid = await Pinner(upstream, api, credential).pin(CONTENT, "image/png")
    assert cid == cid_of(CONTENT)
    assert service.pinned == {cid: CONTENT}
    assert service.content_types == ["image/png"]


@pytest.mark.parametrize("content", [b"", b"\r\n--", b"--\r\n\r\n", bytes(range(256))])
async def test_a_file_may_hold_any_bytes(
    service: MockIPFS, api: str, upstream: HTTPUpstream, content: bytes
) -> None:
    await Pinner(upstream, api, None).pin(content, "image/png")
    assert list(service.pinned.values()) == [content]


@pytest.mark.parametrize("way", WAYS)
async def test_an_id_is_the_files_however_the_service_cuts_it(
    service: MockIPFS, api: str, upstream: HTTPUpstream, way: Way
) -> None:
    service.way = way
    assert await Pinner(upstream, api, None).pin(CONTENT, "image/png") == cid_of(CONTENT, way)


async def test_a_service_that_knows_it_by_another_id_is_not_believed(
    service: MockIPFS, api: str, upstream: HTTPUpstream
) -> None:
    service.lies = True
    with pytest.raises(UpstreamError, match="an id that its bytes do not have"):
        await Pinner(upstream, api, None).pin(CONTENT, "image/png")


@pytest.mark.parametrize(
    "answer", [b"", b"{", b"[]", b"null", b"{}", b'{"data": []}', b'{"Hash": 1}', b"<html>"]
)
async def test_what_says_no_id_is_no_answer(
    service: MockIPFS, api: str, upstream: HTTPUpstream, answer: bytes
) -> None:
    service.answer = answer
    with pytest.raises(UpstreamError, match="an id that its bytes do not have"):
        await Pinner(upstream, api, None).pin(CONTENT, "image/png")


@pytest.mark.parametrize("status", [201, 302, 403, 500])
async def test_a_service_that_does_not_take_it_is_an_error(
    service: MockIPFS, api: str, upstream: HTTPUpstream, status: int
) -> None:
    service.status = status
    with pytest.raises(UpstreamError, match=f"status {status}"):
        await Pinner(upstream, api, None).pin(CONTENT, "image/png")


async def test_a_service_that_wants_another_credential_is_an_error_which_does_not_show_it(
    service: MockIPFS, api: str, upstream: HTTPUpstream
) -> None:
    service.authorization = "Bearer other"
    with pytest.raises(UpstreamError) as told:
        await Pinner(upstream, api, "very-secret").pin(CONTENT, "image/png")
    assert "very-secret" not in str(told.value)
