"""Reads the H.264 that the demo model writes, from the standard's tables and not from what wrote it.

It knows no more than what mosaics need: Baseline, frames of one slice, tiles of one colour, no motion, no smoothing.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

type Picture = list[list[tuple[int, int, int]]]
"""Rows of tiles with their Y, Cb and Cr."""


@dataclass(slots=True)
class Bits:
    """The bits of a unit, without what keeps them from looking like a start code."""

    unit: bytes
    at: int = 8
    text: str = field(init=False)

    def __post_init__(self) -> None:
        assert b"\0\0\0" not in self.unit
        assert b"\0\0\1" not in self.unit
        raw = self.unit.replace(b"\0\0\3", b"\0\0")
        self.text = f"{int.from_bytes(raw):0{8 * len(raw)}b}"

    def take(self, count: int) -> int:
        self.at += count
        return int(self.text[self.at - count : self.at] or "0", 2)

    def zeros(self) -> int:
        begin = self.at
        self.at = self.text.index("1", begin) + 1
        return self.at - begin - 1

    def unsigned(self) -> int:
        length = self.zeros()
        return (1 << length) - 1 + self.take(length)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    @property
    def has_more(self) -> bool:
        return self.at < self.text.rindex("1")

    def ends(self) -> None:
        assert self.text[self.at] == "1"
        assert len(self.text) - self.at <= 8
        assert not self.text[self.at + 1 :].strip("0")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the two sets of parameters say."""

    columns: int
    rows: int
    width: int
    height: int
    frame_number_bits: int
    qp: int
    chroma_qp: int


def parameters_of(sequence: bytes, picture: bytes) -> Parameters:
    bits = Bits(sequence)
    assert (sequence[0], bits.take(8), bits.take(8) & 0xC0) == (0x67, 66, 0xC0)
    level, identifier = bits.take(8), bits.unsigned()
    number_bits, order = bits.unsigned() + 4, bits.unsigned()
    references, gaps = bits.unsigned(), bits.take(1)
    columns, rows = bits.unsigned() + 1, bits.unsigned() + 1
    assert (identifier, order, references, gaps) == (0, 2, 1, 0)
    assert columns * rows <= {31: 3600, 40: 8192, 51: 36864}[level]
    assert bits.take(3) == 7
    left, right, above, below = (bits.unsigned() * 2 for _ in range(4))
    assert bits.take(1) == 0
    bits.ends()
    more = Bits(picture)
    assert (picture[0], more.unsigned(), more.unsigned(), more.take(2)) == (0x68, 0, 0, 0)
    assert (more.unsigned(), more.unsigned(), more.unsigned(), more.take(3)) == (0, 0, 0, 0)
    qp, qs, offset = 26 + more.signed(), more.signed(), more.signed()
    assert (qs, more.take(3)) == (0, 4)
    more.ends()
    assert qp + offset < 30  # above, the table for chroma begins
    return Parameters(
        columns,
        rows,
        columns * 16 - left - right,
        rows * 16 - above - below,
        number_bits,
        qp,
        qp + offset,
    )


_SCALE = (10, 11, 13, 14, 16, 18)


def luma_difference(level: int, qp: int) -> int:
    """What one level of a tile's mean adds to each pixel. ITU-T H.264, 8.5.10 and 8.5.12."""
    scaled = level * 16 * _SCALE[qp % 6]
    mean = (scaled << qp // 6 - 6) if qp >= 36 else (scaled + (1 << 5 - qp // 6)) >> 6 - qp // 6
    return (mean + 32) >> 6


def chroma_difference(level: int, qp: int) -> int:
    """Likewise for Cb and Cr. ITU-T H.264, 8.5.11."""
    return ((((level * 16 * _SCALE[qp % 6]) << qp // 6) >> 5) + 32) >> 6


def _level(bits: Bits, *, none: str, one: str, other: str) -> int:
    """A block's only coefficient; the code that says how many there are is one of three."""
    rest = bits.text[bits.at :]
    if rest.startswith(none):
        bits.at += len(none)
        return 0
    if rest.startswith(one):
        bits.at += len(one)
        level = -1 if bits.take(1) else 1
    else:
        assert rest.startswith(other)
        bits.at += len(other)
        prefix = bits.zeros()
        assert prefix <= 15
        code = prefix if prefix < 14 else (14 + bits.take(4) if prefix == 14 else 30 + bits.take(12))
        code += 2
        level = (code + 2) // 2 if code % 2 == 0 else -(code + 1) // 2
    assert bits.take(1) == 1  # no zeros before it
    return level


def _tile(bits: Bits, kind: int, picture: Picture, x: int, y: int, known: Parameters) -> tuple[int, int, int]:
    assert 0 <= kind < 12  # one of 16 by 16, without the finer parts of luma
    mode, chroma, chroma_mode = kind % 4, kind // 4, bits.unsigned()
    assert chroma_mode == {0: 2, 1: 1, 2: 0}[mode]
    match mode:
        case 0:
            predicted = picture[y - 1][x]
            assert y
        case 1:
            predicted = picture[y][x - 1]
            assert x
        case _:
            predicted = (128, 128, 128)
            assert (x, y) == (0, 0)
    assert bits.signed() == 0
    luma = luma_difference(_level(bits, none="1", one="01", other="000101"), known.qp)
    blue = red = 0
    if chroma:
        assert chroma == 1
        blue, red = (
            chroma_difference(_level(bits, none="01", one="1", other="000111"), known.chroma_qp)
            for _ in range(2)
        )
    colour = (predicted[0] + luma, predicted[1] + blue, predicted[2] + red)
    assert all(0 <= part < 256 for part in colour)
    return colour


def pictures_of(units: list[bytes], known: Parameters) -> Iterator[Picture]:
    """Decode frames."""
    picture: Picture = []
    number = identifier = -1
    for unit in units:
        bits = Bits(unit)
        is_key = unit[0] == 0x65
        assert is_key or unit[0] == 0x41
        assert (bits.unsigned(), bits.unsigned(), bits.unsigned()) == (0, 7 if is_key else 5, 0)
        number = 0 if is_key else (number + 1) % (1 << known.frame_number_bits)
        assert bits.take(known.frame_number_bits) == number
        if is_key:
            assert bits.unsigned() != identifier or identifier == -1
            identifier = Bits(unit, bits.at - 1).unsigned()
            assert bits.take(2) == 0
        else:
            assert bits.take(3) == 0
        assert (bits.signed(), bits.unsigned()) == (0, 1)
        picture = (
            [[(0, 0, 0)] * known.columns for _ in range(known.rows)]
            if is_key
            else [row.copy() for row in picture]
        )
        tile, count = 0, known.columns * known.rows
        while bits.has_more:
            tile += 0 if is_key else bits.unsigned()
            if tile == count and not bits.has_more:
                break
            y, x = divmod(tile, known.columns)
            kind = bits.unsigned() - (1 if is_key else 6)
            picture[y][x] = _tile(bits, kind, picture, x, y, known)
            tile += 1
        assert tile == count
        bits.ends()
        yield picture


def boxes_of(content: bytes) -> dict[str, bytes]:
    """The boxes of an MP4, or in one of its boxes, by their names."""
    found: dict[str, bytes] = {}
    while content:
        size, name = struct.unpack(">I4s", content[:8])
        assert 8 <= size <= len(content)
        found[name.decode()], content = content[8:size], content[size:]
    return found


@dataclass(frozen=True, slots=True)
class Movie:
    """What is in an MP4 of one H.264 track."""

    width: int
    height: int
    seconds: float
    parameters: Parameters
    units: list[bytes]
    keys: list[int]

    @property
    def pictures(self) -> list[Picture]:
        return list(pictures_of(self.units, self.parameters))


def _descend(boxes: Mapping[str, bytes], *names: str) -> dict[str, bytes]:
    found = dict(boxes)
    for name in names:
        found = boxes_of(found[name])
    return found


def movie_of(content: bytes) -> Movie:
    """Read an MP4."""
    boxes = boxes_of(content)
    assert list(boxes) == ["ftyp", "moov", "mdat"]
    movie = boxes_of(boxes["moov"])
    scale, duration = struct.unpack(">II", movie["mvhd"][12:20])
    track = _descend(movie, "trak")
    width, height = (side >> 16 for side in struct.unpack(">II", track["tkhd"][-8:]))
    media = _descend(track, "mdia")
    assert media["hdlr"][8:12] == b"vide"
    assert struct.unpack(">II", media["mdhd"][12:20]) == (scale, duration)
    table = _descend(media, "minf", "stbl")
    count = struct.unpack(">I", table["stsz"][8:12])[0]
    sizes = struct.unpack(f">{count}I", table["stsz"][12:])
    assert table["stts"][4:] == struct.pack(">III", 1, count, duration // count)
    (begin,) = struct.unpack(">I", table["stco"][8:])
    keys = list(struct.unpack(f">{len(table['stss'][8:]) // 4}I", table["stss"][8:]))
    assert struct.unpack(">I", table["stss"][4:8])[0] == len(keys)
    units = []
    for size in sizes:
        (length,) = struct.unpack(">I", content[begin : begin + 4])
        assert length == size - 4
        units.append(content[begin + 4 : begin + size])
        begin += size
    assert begin == len(content)
    entry = table["stsd"][8:]
    assert entry[4:8] == b"avc1"
    assert struct.unpack(">HH", entry[32:36]) == (width, height)
    settings = boxes_of(entry[86:])["avcC"]
    (length,) = struct.unpack(">H", settings[6:8])
    sequence, rest = settings[8 : 8 + length], settings[8 + length :]
    assert settings[:6] == b"\1" + sequence[1:4] + b"\xff\xe1"
    assert rest[:3] == b"\1" + struct.pack(">H", len(rest) - 3)
    return Movie(width, height, duration / scale, parameters_of(sequence, rest[3:]), units, keys)
