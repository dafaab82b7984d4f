"""Undoes a reply's Content-Encoding in small pieces, so that whoever counts them can stop in time.

A few kilobytes of zeros, packed, are gigabytes, more so if they are packed twice. httpx unpacks all that has arrived at
once, and as many times over as the header says; here no step makes more than a piece, and packing twice is refused.

Sources: RFC 9110 (section 8.4.1), RFC 1950 to 1952.
"""

import zlib
from collections.abc import Generator, Iterator
from typing import Final

ACCEPTED: Final = "gzip, deflate"
"""What to ask a server for."""

PIECE_BYTES: Final = 64 * 1024
"""So much is made at a time."""

_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_LARGEST_WINDOW: Final = 7
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_PLAIN: Final = frozenset({"", "identity"})


class EncodingError(ValueError):
    """The reply is not packed as its header says, or in a way that was not asked for."""


class Inflater:
    """Unpacks a body, whatever parts it comes in.

    Args:
        encoding: the header's value, empty without one.

    Raises:
        EncodingError: it is none of those asked for, or several.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in _PLAIN and name not in _WINDOWS:
            raise EncodingError(f"an encoding that was not asked for: {name:.40}")
        self._window = _WINDOWS.get(name)
        self._unpacking: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content of the next part, in pieces of ``PIECE_BYTES`` at most where it is packed.

        Raises:
            EncodingError: it is not packed as was said.
        """
        if self._window is None:
            if data:
                yield data
            return
        while data:
            data = yield from self._unpacked(data, self._window)

    def finish(self) -> None:
        """The body is over.

        Raises:
            EncodingError: what is packed is not: it was cut off.
        """
        if self._unpacking is not None:
            raise EncodingError("what is packed was cut off")

    def _unpacked(self, data: bytes, window: int) -> Generator[bytes, None, bytes]:
        """Unpack to the end of the data, or of what was packed at once; what follows that is returned."""
        unpacking = self._unpacking or _begun(data, window)
        self._unpacking = unpacking
        while True:
            try:
                piece = unpacking.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise EncodingError("it is not packed as its header says") from error
            if piece:
                yield piece
            if unpacking.eof:
                self._unpacking = None  # gzip's files may follow one another
                return unpacking.unused_data
            data = unpacking.unconsumed_tail
            if not data and len(piece) < PIECE_BYTES:
                return b""


def _begun(data: bytes, window: int) -> "zlib._Decompress":
    """Ready for data. Many servers leave out the frame that ``deflate`` has by its specification (RFC 1950)."""
    is_framed = data[0] & 0x0F == zlib.DEFLATED and data[0] >> 4 <= _LARGEST_WINDOW
    return zlib.decompressobj(_RAW if window == _ZLIB and not is_framed else window)
