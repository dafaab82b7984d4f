"""Mosaics in H.264: what is decoded is what was given, to the last digit of each colour."""

from hypothesis import given
from hypothesis import strategies as st

from mosaic_decoder import Bits, parameters_of, pictures_of
from sluice.providers.demo.h264 import KEY_EVERY, Colour, Frame, Mosaics, _unit

PART = st.integers(0, 255)
COLOURS = st.lists(st.tuples(PART, PART, PART), min_size=1, max_size=6)
SIDES = st.integers(1, 40).map(lambda half: 2 * half)


def written(mosaics: Mosaics, pictures: list[list[bytes]]) -> list[Frame]:
    return list(mosaics.frames(iter(pictures)))


def decoded(mosaics: Mosaics, frames: list[Frame]) -> list[list[list[Colour]]]:
    known = parameters_of(mosaics.sequence_parameters(), mosaics.picture_parameters())
    assert (known.width, known.height) == (mosaics.width, mosaics.height)
    assert (known.columns, known.rows) == (mosaics.columns, mosaics.rows)
    return list(pictures_of([frame.unit for frame in frames], known))


@given(st.data(), SIDES, SIDES, COLOURS, st.integers(1, 4))
def test_what_is_decoded_is_what_was_given(
    data: st.DataObject, width: int, height: int, colours: list[Colour], count: int
) -> None:
    mosaics = Mosaics(width, height, colours)
    row = st.lists(st.integers(0, len(colours) - 1), min_size=mosaics.columns, max_size=mosaics.columns).map(
        bytes
    )
    picture = st.lists(row, min_size=mosaics.rows, max_size=mosaics.rows)
    pictures = data.draw(st.lists(picture, min_size=count, max_size=count))
    frames = written(mosaics, pictures)
    assert decoded(mosaics, frames) == [
        [[colours[tile] for tile in row] for row in picture] for picture in pictures
    ]


def test_every_difference_of_a_part_is_exact() -> None:
    """A row of tiles that jump between the extremes, and by every step."""
    colours = [(level, 255 - level, level * 7 % 256) for level in range(256)]
    picture = [bytes(tile for level in range(256) for tile in (level, 255 - level, level))]
    mosaics = Mosaics(16 * len(picture[0]), 16, colours)
    assert decoded(mosaics, written(mosaics, [picture])) == [[[colours[tile] for tile in picture[0]]]]


def test_what_does_not_change_takes_next_to_nothing() -> None:
    mosaics = Mosaics(1280, 720, [(16, 128, 128), (235, 90, 240)])
    picture = [bytes(column % 2 for column in range(80))] * 45
    first, second = written(mosaics, [picture, picture])
    assert (first.is_key, second.is_key) == (True, False)
    assert len(first.unit) > 10_000
    assert len(second.unit) < 12


def test_a_player_can_begin_every_few_seconds() -> None:
    mosaics = Mosaics(32, 32, [(16, 128, 128), (235, 90, 240)])
    pictures = [[bytes((number % 2, 0)), b"\1\0"] for number in range(2 * KEY_EVERY + 2)]
    frames = written(mosaics, pictures)
    assert [number for number, frame in enumerate(frames) if frame.is_key] == [0, KEY_EVERY, 2 * KEY_EVERY]
    assert len(decoded(mosaics, frames)) == len(pictures)
    assert len(decoded(mosaics, frames[KEY_EVERY:])) == KEY_EVERY + 2


@given(st.integers(0, 80), st.sampled_from(["00", "01", "10", "11"]), st.integers(0, 40))
def test_nothing_in_a_unit_looks_like_the_beginning_of_another(before: int, middle: str, after: int) -> None:
    """Mosaics hardly have so many zeros; the standard forbids them all the same."""
    bits = "0" * before + middle + "0" * after
    unit = _unit(0x65, [bits])
    read = Bits(unit)  # which asserts that there is no start code in it
    assert read.text[8:].startswith(bits + "1")
    assert b"\0\0\2" not in unit
    assert unit.count(b"\0\0\3") >= (before // 8 - 1) // 2
