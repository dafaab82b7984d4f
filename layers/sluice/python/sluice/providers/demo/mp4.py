"""Puts frames of H.264 into an MP4 file that can be played while it is still on its way.

Source: ISO/IEC 14496-12 (boxes) and 14496-15 (H.264 in them).
"""

import struct
from collections.abc import Sequence

from sluice.providers.demo.h264 import Frame, Mosaics

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""The matrix that moves and turns nothing."""

_ENGLISH_OR_ANY = 0x55C4
_RESOLUTION = 72 << 16


def mp4(mosaics: Mosaics, frames: Sequence[Frame], frames_a_second: int) -> bytes:
    """The file: what kind it is, where its frames are, and these."""
    kind = _box(b"ftyp", b"isom" + struct.pack(">I", 0x200) + b"isomiso2avc1mp41")
    samples = [struct.pack(">I", len(frame.unit)) + frame.unit for frame in frames]
    # The head's length does not depend on where the frames are.
    begin = len(kind) + len(_movie(mosaics, frames, frames_a_second, 0)) + 8
    movie = _movie(mosaics, frames, frames_a_second, begin)
    return kind + movie + _box(b"mdat", *samples)


def _movie(mosaics: Mosaics, frames: Sequence[Frame], rate: int, begin: int) -> bytes:
    length = len(frames)
    track_head = struct.pack(">IIIII", 0, 0, 1, 0, length) + bytes(16) + _UNITY
    size = struct.pack(">II", mosaics.width << 16, mosaics.height << 16)
    handler = bytes(4) + b"vide" + bytes(12) + b"\0"
    media = _box(
        b"mdia",
        _full_box(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, rate, length, _ENGLISH_OR_ANY, 0)),
        _full_box(b"hdlr", 0, handler),
        _box(
            b"minf",
            _full_box(b"vmhd", 1, bytes(8)),
            _box(b"dinf", _full_box(b"dref", 0, struct.pack(">I", 1), _full_box(b"url ", 1))),
            _samples(mosaics, frames, begin),
        ),
    )
    head = struct.pack(">IIIIIH", 0, 0, rate, length, 0x10000, 0x100) + bytes(10) + _UNITY + bytes(24)
    track = _box(b"trak", _full_box(b"tkhd", 3, track_head, size), media)
    return _box(b"moov", _full_box(b"mvhd", 0, head, struct.pack(">I", 2)), track)


def _samples(mosaics: Mosaics, frames: Sequence[Frame], begin: int) -> bytes:
    """The table of frames: all are as long, and lie one after the other from ``begin`` on."""
    sizes = [len(frame.unit) + 4 for frame in frames]
    keys = [number for number, frame in enumerate(frames, 1) if frame.is_key]
    return _box(
        b"stbl",
        _full_box(b"stsd", 0, struct.pack(">I", 1), _description(mosaics)),
        _full_box(b"stts", 0, struct.pack(">III", 1, len(frames), 1)),
        _full_box(b"stss", 0, struct.pack(f">{len(keys) + 1}I", len(keys), *keys)),
        _full_box(b"stsc", 0, struct.pack(">IIII", 1, 1, len(frames), 1)),
        _full_box(b"stsz", 0, struct.pack(f">{len(sizes) + 2}I", 0, len(sizes), *sizes)),
        _full_box(b"stco", 0, struct.pack(">II", 1, begin)),
    )


def _description(mosaics: Mosaics) -> bytes:
    sequence, picture = mosaics.sequence_parameters(), mosaics.picture_parameters()
    parameters = b"".join(
        [
            b"\x01" + sequence[1:4] + b"\xff",  # lengths of units have four bytes
            struct.pack(">BH", 0xE1, len(sequence)) + sequence,
            struct.pack(">BH", 1, len(picture)) + picture,
        ]
    )
    entry = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", mosaics.width, mosaics.height)
    entry += struct.pack(">IIIH", _RESOLUTION, _RESOLUTION, 0, 1) + bytes(32) + struct.pack(">Hh", 24, -1)
    return _box(b"avc1", entry, _box(b"avcC", parameters))


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + name + content


def _full_box(name: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", flags), *parts)
