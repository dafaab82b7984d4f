"""Files as replies: named by what they hold, so that a client need not load again what it has."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from sluice.asgi.exchange import Exchange

NOSNIFF = {"x-content-type-options": "nosniff"}
"""A browser takes a file for what its media type says."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file.

    Attributes:
        body: its bytes.
        media: its media type.
        etag: names its bytes, in quotes as HTTP has it.
        headers: of every reply with it.
    """

    body: bytes
    media: str
    etag: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: bytes, media: str, headers: Mapping[str, str]) -> Self:
        """A file with these bytes."""
        return cls(body, media, f'"{hashlib.sha256(body).hexdigest()[:32]}"', headers)


async def send_file(exchange: Exchange, file: StaticFile) -> None:
    """Answer with a file, or, where the client has it already, without.

    Raises:
        RateLimitError, OverloadedError, InternalError: see ``Exchange.allowed``.
    """
    headers = {"etag": file.etag, **NOSNIFF, **file.headers}
    if names(exchange.header("if-none-match"), file.etag):
        await exchange.send_unchanged(headers)
    else:
        await exchange.send_whole(200, file.media, file.body, headers)


def names(if_none_match: str | None, etag: str) -> bool:
    """Whether a client has kept what bears this etag; weak ones compare as strong ones do (RFC 9110, 13.1.2)."""
    kept = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in kept or kept == ["*"]
