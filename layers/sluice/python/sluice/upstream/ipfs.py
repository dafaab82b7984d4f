"""Pins files at an IPFS service, so that they can be had from anywhere for as long as it keeps them.

The service speaks the RPC API of Kubo, IPFS's own server, which hosted services offer as well. What it says of a file
is checked: another id than the one that the bytes have is an error.

Source: https://docs.ipfs.tech/reference/kubo/rpc/#api-v0-add.
"""

import base64
import secrets
from typing import Final
from urllib.parse import urlencode

from pydantic_core import from_json

from sluice.errors import UpstreamError
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import Upstream
from sluice.wire.cid import CHUNK_BYTES, MOST_LINKS, cid_of

_HOW: Final = urlencode(
    {
        "cid-version": 1,
        "raw-leaves": "true",
        "chunker": f"size-{CHUNK_BYTES}",
        "max-file-links": MOST_LINKS,
        "hash": "sha2-256",
        "pin": "true",
        "quieter": "true",
    }
)
"""Said in full: what a server does by itself depends on its version and its settings."""


class Pinner:
    """Adds files to an IPFS service.

    Args:
        upstream: sends requests.
        api: the service's address, without ``/api/v0``.
        credential: of the form ``user:password``, or else a token; None where the service wants none.
    """

    def __init__(self, upstream: Upstream, api: str, credential: str | None) -> None:
        self._upstream = upstream
        self._url = f"{api.rstrip('/')}/api/v0/add?{_HOW}"
        self._headers = {} if credential is None else {"authorization": _authorization(credential)}

    async def pin(self, content: bytes) -> str:
        """Have a file kept there.

        Returns:
            Its content id.

        Raises:
            SluiceError: the service has not taken it, or knows it by another id.
        """
        boundary = secrets.token_hex(16)
        request = UpstreamRequest(
            url=self._url,
            body=_form(content, boundary),
            headers={**self._headers, "content-type": f"multipart/form-data; boundary={boundary}"},
        )
        async with self._upstream.send(request) as response:
            body = await response.read()
            if response.status != 200:
                raise UpstreamError(f"The IPFS service answered with the status {response.status}.")
        cid = cid_of(content)
        if _answered(body) != cid:
            raise UpstreamError("The IPFS service knows the file by an id that its bytes do not have.")
        return cid


def _authorization(credential: str) -> str:
    if ":" in credential:
        return f"Basic {base64.b64encode(credential.encode()).decode()}"
    return f"Bearer {credential}"


def _form(content: bytes, boundary: str) -> bytes:
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="file"\r\n'
        "content-type: application/octet-stream\r\n\r\n"
    )
    return b"".join([head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])


def _answered(body: bytes) -> object:
    """The id in the last line of the answer, which is about the file as a whole."""
    lines = body.strip().splitlines()
    try:
        said = from_json(lines[-1]) if lines else None
    except ValueError:
        return None
    return said.get("Hash") if isinstance(said, dict) else None
