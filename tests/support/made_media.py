"""Pictures and videos of a few bytes, as true as it takes to be recognised."""

import struct
import zlib


def png(shade: int = 0) -> bytes:
    """A picture of one pixel; another shade gives other bytes."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, shade]))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def mp4(seconds: float = 4, mark: bytes = b"") -> bytes:
    """A video that says it is so long; it has no frames. Another mark gives other bytes."""
    header = struct.pack(">IIIII", 0, 0, 0, 1000, round(seconds * 1000)) + bytes(80)
    brand = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isommp42")
    return brand + _box(b"moov", _box(b"mvhd", header)) + _box(b"mdat", mark)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content
