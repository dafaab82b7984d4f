"""Pins files at an IPFS service, so that they can be had from anywhere for as long as it keeps them.

Two kinds of service are known, told apart by their addresses. Most speak the RPC API of Kubo, IPFS's own server; the
other one is Pinata, whose address ends in ``/v3``. What a service says of a file is checked: an id that its bytes do
not have is an error.

Sources: https://docs.ipfs.tech/reference/kubo/rpc/#api-v0-add, https://docs.pinata.cloud/pinata-api-v3-uploads.yaml.
"""

import base64
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from pydantic_core import from_json

from sluice.errors import UpstreamError
from sluice.off_the_loop import off_the_loop
from sluice.providers.contract import UpstreamRequest
from sluice.upstream.client import Upstream
from sluice.wire.cid import CLASSIC, has_id

PINATA_PATH: Final = "/v3"


class _Service(Protocol):
    """What differs from one kind of service to another."""

    def url_of(self, api: str) -> str:
        """Where files are sent; ``api`` is the service's address."""
        ...

    @property
    def fields(self) -> Mapping[str, str]:
        """What is said beside the file."""
        ...

    def answered(self, body: bytes) -> object:
        """The id that an answer says, if it says one."""
        ...


class _Kubo:
    """Kubo's RPC API. How the file is cut is said in full: by itself a server does as its version and settings say."""

    _how = urlencode(
        {
            "cid-version": CLASSIC.version,
            "raw-leaves": "true",
            "chunker": f"size-{CLASSIC.piece_bytes}",
            "max-file-links": CLASSIC.most_links,
            "hash": "sha2-256",
            "pin": "true",
            "quieter": "true",
        }
    )
    fields: Mapping[str, str] = {}

    def url_of(self, api: str) -> str:
        return f"{api}/api/v0/add?{self._how}"

    def answered(self, body: bytes) -> object:
        """In the last line, which is about the file as a whole."""
        lines = body.strip().splitlines()
        return _members(lines[-1] if lines else b"").get("Hash")


class _Pinata:
    """Pinata's uploads, of 100 MB at most. It does not say how it cuts a file."""

    fields: Mapping[str, str] = {"network": "public", "cid_version": f"v{CLASSIC.version}"}

    def url_of(self, api: str) -> str:
        return f"{api}/files"

    def answered(self, body: bytes) -> object:
        data = _members(body).get("data")
        return data.get("cid") if isinstance(data, dict) else None


class Pinner:
    """Adds files to an IPFS service.

    Args:
        upstream: sends requests.
        api: the service's address: of Kubo's API without ``/api/v0``, of Pinata's with ``/v3``.
        credential: of the form ``user:password``, or else a token; None where the service wants none.
    """

    def __init__(self, upstream: Upstream, api: str, credential: str | None) -> None:
        self._upstream = upstream
        self._api = api.rstrip("/")
        self._service: _Service = _Pinata() if self._api.endswith(PINATA_PATH) else _Kubo()
        self._headers = {} if credential is None else {"authorization": _authorization(credential)}

    async def pin(self, content: bytes, content_type: str) -> str:
        """Have a file kept there.

        Returns:
            Its content id.

        Raises:
            SluiceError: the service has not taken it, or knows it by an id that it has not.
        """
        boundary = secrets.token_hex(16)
        request = UpstreamRequest(
            url=self._service.url_of(self._api),
            body=_form(self._service.fields, content, content_type, boundary),
            headers={**self._headers, "content-type": f"multipart/form-data; boundary={boundary}"},
        )
        async with self._upstream.send(request) as response:
            body = await response.read()
            if response.status != 200:
                raise UpstreamError(f"The IPFS service answered with the status {response.status}.")
        cid = self._service.answered(body)
        if not isinstance(cid, str) or not await off_the_loop(partial(has_id, cid=cid), content):
            raise UpstreamError("The IPFS service knows the file by an id that its bytes do not have.")
        return cid


def _authorization(credential: str) -> str:
    if ":" in credential:
        return f"Basic {base64.b64encode(credential.encode()).decode()}"
    return f"Bearer {credential}"


def _form(fields: Mapping[str, str], content: bytes, content_type: str, boundary: str) -> bytes:
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="file"\r\n'
        f"content-type: {content_type}\r\n\r\n"
    )
    return b"".join(
        [*(part.encode() for part in parts), head.encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    )


def _members(text: bytes) -> dict[str, Any]:
    """A JSON object's; none where it is something else."""
    try:
        found = from_json(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
