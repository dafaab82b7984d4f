"""What the demo image model draws: a gradient with translucent shapes, both made of the digest of what it is told.

The pixels of a PNG with a palette: five bits of each say how far along the gradient it is, three which layers of shapes
lie over it. So a row is a slice of one long ramp, and a shape sets a bit in a part of it; nothing is done for a pixel
alone, which in Python would take a second.

Source: https://www.w3.org/TR/png-3.
"""

import colorsys
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

SIDES: Final = (16, 2048)
"""The least and the most pixels of a side."""

STEPS: Final = (1, 50)
DEFAULT_STEPS: Final = 12
DEFAULT_PIXELS: Final = (1024, 1024)

SHADES = 32
LAYERS = 3
_OPACITY = 0.42
_RAMP = bytes(range(SHADES))
PUT_OVER = tuple(bytes(value | SHADES << layer for value in range(256)) for layer in range(LAYERS))
"""By layer: the table that puts it over a pixel."""

type Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is to be drawn.

    Attributes:
        words: whatever the picture depends on.
        width, height: in pixels.
        steps: how many shapes there are.
        shades: how many of the gradient's there are at most, up to 32.
    """

    words: tuple[str, ...]
    width: int
    height: int
    steps: int
    shades: int


def png(drawing: Drawing) -> bytes:
    """The drawing as a PNG; the same bytes for the same drawing."""
    digest = hashlib.blake2b("\0".join(drawing.words).encode("utf-8", "surrogatepass"), digest_size=32)
    chance = Random(digest.digest())  # noqa: S311 - nothing here is a secret
    palette = b"".join(bytes(round(255 * part) for part in colour) for colour in palette_of(chance))
    head = struct.pack(">IIBBBBB", drawing.width, drawing.height, 8, 3, 0, 0, 0)
    rows = _rows(drawing, chance)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), level=4)
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def palette_of(chance: Random) -> Iterator[Colour]:
    """The colours of 256 values, in parts of 1: of each shade of the gradient, under each set of layers."""
    hue = chance.random()
    begin = colorsys.hls_to_rgb(hue, 0.22, 0.55)
    end = colorsys.hls_to_rgb((hue + chance.uniform(0.08, 0.3)) % 1, 0.72, 0.75)
    layers = [
        colorsys.hls_to_rgb((hue + chance.uniform(0.3, 0.7)) % 1, lightness, 0.8)
        for lightness in (0.85, 0.6, 0.4)
    ]
    for value in range(256):
        colour = _mixed(begin, end, value % SHADES / (SHADES - 1))
        for layer, other in enumerate(layers):
            if value & SHADES << layer:
                colour = _mixed(colour, other, _OPACITY)
        yield colour


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def _rows(drawing: Drawing, chance: Random) -> list[bytearray]:
    """The pixels without shapes are slices of a ramp that goes on by so much a row, for a slanting gradient."""
    width, height = drawing.width, drawing.height
    slant = chance.uniform(0.2, 1.2)
    length = width + math.ceil(slant * height)
    grain = SHADES // drawing.shades
    ramp = bytes(_RAMP[at * SHADES // length // grain * grain] for at in range(length))
    rows = []
    for y in range(height):
        start = int(y * slant)
        rows.append(bytearray(ramp[start : start + width]))
    for number in range(drawing.steps):
        _put_shape(rows, drawing, chance, PUT_OVER[number % LAYERS])
    return rows


def _put_shape(rows: list[bytearray], drawing: Drawing, chance: Random, over: bytes) -> None:
    """Lay a circle, a diamond or a triangle over the rows."""
    width, height = drawing.width, drawing.height
    radius = max(2, int(min(width, height) * chance.uniform(0.05, 0.3)))
    middle, centre = chance.randrange(width), chance.randrange(height)
    form = chance.randrange(3)
    for y in range(max(0, centre - radius), min(height, centre + radius + 1)):
        away = y - centre
        match form:
            case 0:
                half = math.isqrt(radius * radius - away * away)
            case 1:
                half = radius - abs(away)
            case _:
                half = (away + radius) // 2
        begin, end = max(0, middle - half), min(width, middle + half + 1)
        if begin < end:
            rows[y][begin:end] = rows[y][begin:end].translate(over)
