"""Writes H.264 of the simplest kind: mosaics, whose tiles of 16 by 16 pixels have one colour each.

A tile that is as it was before is skipped. Any other is predicted from the tile at its left (in the first column, from
the one above; the very first, from grey), and what it differs by is one number for each part of its colour. At the
quantisation that is used here these numbers are the differences themselves, so that what is decoded is what was given.

Source: ITU-T H.264, sections 7.3 (syntax), 8.3.3 (prediction), 8.5 (transform), 9.1 and 9.2 (Exp-Golomb, CAVLC).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

TILE: Final = 16
"""Pixels of a tile's side."""

KEY_EVERY: Final = 24
"""Frames from one that needs no other to the next."""

GREY: Final = 128

type Colour = tuple[int, int, int]
"""Y, Cb, Cr."""

_PROFILE = 66
"""Baseline, and with both constraints, which every decoder has."""

_CONSTRAINTS = 0xC0
_LEVELS = ((3_600, 31), (8_192, 40), (36_864, 51))
"""The most tiles of a frame, and the level that has so many."""

_QP = 28
_CHROMA_QP_OFFSET = -6
"""With these a level is the difference itself: steps are 1 for Y at 28, and for Cb and Cr, halved twice, at 22."""

_KEY, _OTHER, _SEQUENCE, _PICTURE = 0x65, 0x41, 0x67, 0x68
"""Heads of units: a frame that needs no other, one that does, and the two sets of parameters."""

_FRAME_NUMBER_BITS = 4
_VERTICAL, _HORIZONTAL, _MEAN = 0, 1, 2
"""From where a tile is predicted, in the words of luma."""

_CHROMA_MODES = {_VERTICAL: 2, _HORIZONTAL: 1, _MEAN: 0}


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as bytes of H.264, without a start code; ``is_key`` says that it needs no other one."""

    unit: bytes
    is_key: bool


@dataclass(frozen=True, slots=True)
class Mosaics:
    """What kind of mosaics are to be written.

    Attributes:
        width, height: in pixels, which are even; tiles reach over the right and the lower edge.
        colours: what the numbers of tiles stand for.
    """

    width: int
    height: int
    colours: Sequence[Colour]

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-self.width // TILE)

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.height // TILE)

    @property
    def level(self) -> int:
        """What a decoder has to be able to."""
        return next(level for most, level in _LEVELS if self.columns * self.rows <= most)

    def sequence_parameters(self) -> bytes:
        """The unit that comes first."""
        right, below = self.columns * TILE - self.width, self.rows * TILE - self.height
        bits = [
            f"{_PROFILE:08b}{_CONSTRAINTS:08b}{self.level:08b}",
            _unsigned(0),
            *(_unsigned(_FRAME_NUMBER_BITS - 4), _unsigned(2)),  # shown in the order in which they come
            *(_unsigned(1), "0"),  # one frame to refer to, and none left out
            *(_unsigned(self.columns - 1), _unsigned(self.rows - 1)),
            "11",  # frames, not fields
            "1" + "".join(map(_unsigned, (0, right // 2, 0, below // 2))),
            "0",
        ]
        return _unit(_SEQUENCE, bits)

    def picture_parameters(self) -> bytes:
        """The unit that comes second."""
        bits = [
            *(_unsigned(0), _unsigned(0), "00"),  # by CAVLC
            *(_unsigned(0), _unsigned(0), _unsigned(0), "000"),
            *(_signed(_QP - 26), _signed(0), _signed(_CHROMA_QP_OFFSET)),
            "100",  # each slice says how edges are smoothed
        ]
        return _unit(_PICTURE, bits)

    def frames(self, pictures: Iterator[Sequence[bytes]]) -> Iterator[Frame]:
        """Write pictures: each has its rows of tiles, each tile the number of its colour."""
        tiles = _Tiles(self.colours)
        before: Sequence[bytes] = ()
        for number, picture in enumerate(pictures):
            since_key = number % KEY_EVERY
            if since_key == 0:
                bits = [_key_head(number // KEY_EVERY % 2), *tiles.all_of(picture)]
            else:
                bits = [_other_head(since_key), *tiles.changed(before, picture)]
            yield Frame(_unit(_OTHER if since_key else _KEY, bits), is_key=not since_key)
            before = picture


def _key_head(identifier: int) -> str:
    head = _unsigned(0) + _unsigned(7) + _unsigned(0) + f"{0:0{_FRAME_NUMBER_BITS}b}"
    return head + _unsigned(identifier) + "00" + _signed(0) + _unsigned(1)


def _other_head(since_key: int) -> str:
    number = since_key % (1 << _FRAME_NUMBER_BITS)
    head = _unsigned(0) + _unsigned(5) + _unsigned(0) + f"{number:0{_FRAME_NUMBER_BITS}b}"
    return head + "000" + _signed(0) + _unsigned(1)


class _Tiles:
    """The bits of tiles; what was written once is remembered."""

    def __init__(self, colours: Sequence[Colour]) -> None:
        self._colours = colours
        self._known: dict[tuple[int, int, int | None, int], str] = {}

    def all_of(self, picture: Sequence[bytes]) -> Iterator[str]:
        for y, row in enumerate(picture):
            for x in range(len(row)):
                yield self._tile(picture, x, y, 1)

    def changed(self, before: Sequence[bytes], picture: Sequence[bytes]) -> Iterator[str]:
        skipped = 0
        for y, (old, row) in enumerate(zip(before, picture, strict=True)):
            if old == row:
                skipped += len(row)
                continue
            for x, (one, other) in enumerate(zip(old, row, strict=True)):
                if one == other:
                    skipped += 1
                else:
                    yield _unsigned(skipped) + self._tile(picture, x, y, 6)
                    skipped = 0
        if skipped:
            yield _unsigned(skipped)

    def _tile(self, picture: Sequence[bytes], x: int, y: int, first_type: int) -> str:
        """A tile; ``first_type`` is the number of the first type of its kind in this kind of frame."""
        if x:
            mode, near = _HORIZONTAL, picture[y][x - 1]
        elif y:
            mode, near = _VERTICAL, picture[y - 1][x]
        else:
            mode, near = _MEAN, None
        key = (first_type, mode, near, picture[y][x])
        bits = self._known.get(key)
        if bits is None:
            grey = (GREY, GREY, GREY)
            predicted = grey if near is None else self._colours[near]
            bits = self._known[key] = _tile_bits(first_type, mode, predicted, self._colours[picture[y][x]])
        return bits


def _tile_bits(first_type: int, mode: int, predicted: Colour, colour: Colour) -> str:
    luma, *chroma = (wanted - there for wanted, there in zip(colour, predicted, strict=True))
    has_chroma = any(chroma)
    bits = _unsigned(first_type + mode + 4 * has_chroma) + _unsigned(_CHROMA_MODES[mode]) + _signed(0)
    bits += "1" if luma == 0 else ("01" if abs(luma) == 1 else "000101") + _level(luma) + "1"
    if has_chroma:
        for part in chroma:
            bits += "01" if part == 0 else ("1" if abs(part) == 1 else "000111") + _level(part) + "1"
    return bits


def _level(value: int) -> str:
    """The only coefficient of a block: its sign where it is 1 or -1, which the bits before it have said."""
    if abs(value) == 1:
        return "0" if value > 0 else "1"
    code = 2 * abs(value) - 4 + (value < 0)
    if code < 14:
        return "0" * code + "1"
    if code < 30:
        return "0" * 14 + "1" + f"{code - 14:04b}"
    return "0" * 15 + "1" + f"{code - 30:012b}"


def _unsigned(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def _signed(value: int) -> str:
    return _unsigned(2 * value - 1 if value > 0 else -2 * value)


_LIKE_A_START_CODE = re.compile(rb"\0\0(?=[\0-\3])")


def _unit(head: int, bits: Sequence[str]) -> bytes:
    text = "".join(bits) + "1"
    text += "0" * (-len(text) % 8)
    payload = int(text, 2).to_bytes(len(text) // 8)
    return bytes((head,)) + _LIKE_A_START_CODE.sub(b"\0\0\3", payload)
