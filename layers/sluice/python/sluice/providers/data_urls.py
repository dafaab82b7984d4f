"""Data URLs (RFC 2397): pictures and documents that stand in a request itself."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_SCHEME = "data:"
_BASE64 = ";base64"
_DEFAULT_TYPE = "text/plain"


@dataclass(frozen=True, slots=True)
class DataURL:
    """A data URL in its parts: ``data`` is as it stands there, in base64 or percent-encoded."""

    media_type: str
    data: str
    base64: bool

    def content(self) -> bytes:
        """The bytes that it holds.

        Raises:
            ValueError: it is no base64.
        """
        if not self.base64:
            return unquote_to_bytes(self.data)
        try:
            return base64.b64decode(self.data, validate=True)
        except binascii.Error as error:
            raise ValueError("no base64") from error


def data_url(url: str) -> DataURL | None:
    """The parts of a data URL; None for any other. The media type is in lower case and without its parameters."""
    if url[: len(_SCHEME)].lower() != _SCHEME:
        return None
    head, comma, data = url[len(_SCHEME) :].partition(",")
    if not comma:
        return None
    head = head.lower()
    encoded = head.endswith(_BASE64)
    media_type = head.removesuffix(_BASE64).partition(";")[0].strip()
    return DataURL(media_type or _DEFAULT_TYPE, data, encoded)
