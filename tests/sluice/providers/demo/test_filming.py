"""The demo model's films: files that can be played, as large and as long as they are to be."""

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosaic_decoder import movie_of
from sluice.providers.demo.filming import FRAMES_A_SECOND, SECONDS, SIDES, Film, filmed

EVEN = st.integers(SIDES[0] // 2, 160).map(lambda half: 2 * half)


@settings(max_examples=15)
@given(EVEN, EVEN, st.integers(1, 3), st.binary(max_size=16))
def test_every_film_is_an_mp4_of_its_size_and_length(
    width: int, height: int, seconds: int, words: bytes
) -> None:
    film = Film(words, width, height, seconds)
    movie = movie_of(filmed(film))
    assert (movie.width, movie.height, movie.seconds) == (width, height, seconds)
    assert (movie.parameters.width, movie.parameters.height) == (width, height)
    assert len(movie.pictures) == seconds * FRAMES_A_SECOND
    assert movie.keys == list(range(1, len(movie.units) + 1, 2 * FRAMES_A_SECOND))
    assert filmed(film) == filmed(film)


def test_something_moves() -> None:
    pictures = movie_of(filmed(Film(b"a cat", 320, 176, 2))).pictures
    assert all(one != other for one, other in zip(pictures[:-1:6], pictures[6::6], strict=False))
    colours = {colour for picture in pictures for row in picture for colour in row}
    assert len(colours) > 50


def test_other_words_make_another_film() -> None:
    made = {hashlib.sha256(filmed(Film(bytes([number]), 64, 64, 1))).digest() for number in range(8)}
    assert len(made) == 8


def test_the_same_film_everywhere() -> None:
    """All is reckoned in whole numbers, but for the colours: these are rounded."""
    digest = hashlib.sha256(filmed(Film(b"a cat", 128, 64, 1))).hexdigest()
    assert digest == "5ad77a2e60950b144a4f35a860ff16571d8011aca3d381925a57809980b8b7e6"


@pytest.mark.parametrize("size", [(720, 1280), (1920, 1080)])
def test_filming_is_quick_enough_for_a_gateway(size: tuple[int, int]) -> None:
    """Far from the limit, on whatever machine: 0.2 s here for the longest of the largest."""
    begun = time.process_time()
    made = filmed(Film(b"a cat", *size, SECONDS[1]))
    assert time.process_time() - begun < 5
    assert len(made) < 4_000_000
