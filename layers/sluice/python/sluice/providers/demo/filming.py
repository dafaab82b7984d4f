"""What the demo video model films: discs that move over a gradient, as a mosaic of tiles of 16 pixels.

The tiles are values of a palette, as the pixels of the demo image model's drawings are. All is reckoned in whole
numbers, so that the same words make the same film everywhere.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from random import Random
from typing import Final

from sluice.providers.demo.drawing import LAYERS, PUT_OVER, SHADES, palette_of
from sluice.providers.demo.h264 import Colour, Mosaics
from sluice.providers.demo.mp4 import mp4

FRAMES_A_SECOND: Final = 12
SIDES: Final = (64, 1920)
"""The least and the most pixels of a side."""

SECONDS: Final = (1, 20)

_DISCS = 6
_PARTS = 64
"""Parts of a tile in which discs move."""


@dataclass(frozen=True, slots=True)
class Film:
    """What is to be filmed.

    Attributes:
        words: whatever it depends on.
        width, height: in pixels; even.
        seconds: how long it is.
    """

    words: bytes
    width: int
    height: int
    seconds: int


def filmed(film: Film) -> bytes:
    """The film as MP4; the same bytes for the same film."""
    chance = Random(hashlib.blake2b(film.words).digest())  # noqa: S311 - nothing here is a secret
    mosaics = Mosaics(film.width, film.height, [_in_parts(*colour) for colour in palette_of(chance)])
    pictures = _pictures(chance, mosaics.columns, mosaics.rows, film.seconds * FRAMES_A_SECOND)
    return mp4(mosaics, list(mosaics.frames(pictures)), FRAMES_A_SECOND)


def _in_parts(red: float, green: float, blue: float) -> Colour:
    """Y, Cb and Cr of a colour. Source: ITU-R BT.601, in the studio's range."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + 219 * luma),
        round(128 + 224 * 0.564 * (blue - luma)),
        round(128 + 224 * 0.713 * (red - luma)),
    )


@dataclass(frozen=True, slots=True)
class _Disc:
    """A disc that goes to and fro; places, speeds and the radius are in parts of a tile."""

    x: int
    y: int
    across: int
    down: int
    radius: int
    over: bytes

    def put_on(self, rows: Sequence[bytearray], frame: int) -> None:
        """Lay it over a frame's tiles, each of which it covers if it covers its middle."""
        columns = len(rows[0])
        x = _to_and_fro(self.x + self.across * frame, columns * _PARTS)
        y = _to_and_fro(self.y + self.down * frame, len(rows) * _PARTS)
        for number, row in enumerate(rows):
            away = number * _PARTS + _PARTS // 2 - y
            if abs(away) <= self.radius:
                half = isqrt(self.radius * self.radius - away * away)
                begin = max(0, -((half - x + _PARTS // 2) // _PARTS))
                end = min(columns, (x + half - _PARTS // 2) // _PARTS + 1)
                if begin < end:
                    row[begin:end] = row[begin:end].translate(self.over)


def _to_and_fro(way: int, length: int) -> int:
    """Where somebody is who goes from 0 to ``length`` and back, after such a way."""
    at = way % (2 * length)
    return min(at, 2 * length - at)


def _pictures(chance: Random, columns: int, rows: int, count: int) -> Iterator[Sequence[bytes]]:
    ramp = bytes(at * SHADES // (columns + rows) for at in range(columns + rows))
    ground = [ramp[y : y + columns] for y in range(rows)]
    side = min(columns, rows) * _PARTS
    discs = [
        _Disc(
            x=chance.randrange(2 * columns * _PARTS),
            y=chance.randrange(2 * rows * _PARTS),
            across=chance.randint(side // 120, side // 30),
            down=chance.randint(side // 120, side // 30),
            radius=chance.randint(side // 8, side // 3),
            over=PUT_OVER[number % LAYERS],
        )
        for number in range(_DISCS)
    ]
    for frame in range(count):
        picture = [bytearray(row) for row in ground]
        for disc in discs:
            disc.put_on(picture, frame)
        yield [bytes(row) for row in picture]
