"""The demo model's pictures: real ones, as large as they are to be, and the same for the same request."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_requests import asked, images_call, images_request, inline, png_pixels
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import Target
from sluice.providers.demo import PROVIDER, images
from sluice.providers.demo.drawing import SIDES, STEPS, Drawing, png
from sluice.upstream.demo_answers import ANSWERS

TARGET = Target("demo", PROVIDER.address or "", "demo-image", "sk-unused")


def drawn(index: int = 0, **members: Any) -> bytes:
    """All the way: the request to the demo provider, its reply, the picture."""
    sent = images.upstream_request(images_call(to=TARGET, **members), index)
    body = ANSWERS["/images/generations"](sent.body)
    assert isinstance(body, bytes)
    return inline(images, body)


@given(
    st.integers(*SIDES).filter(lambda side: side < 200),
    st.integers(*SIDES).filter(lambda side: side < 200),
    st.integers(*STEPS),
    st.sampled_from([16, 32]),
    st.text(),
)
def test_every_drawing_is_a_png_of_its_size(
    width: int, height: int, steps: int, shades: int, words: str
) -> None:
    drawing = Drawing((words,), width, height, steps, shades)
    made = png(drawing)
    assert png_pixels(made)[:3] == (width, height, 1)
    assert made == png(drawing)


@pytest.mark.parametrize(
    ("size", "pixels"), [("256x512", (256, 512)), ("auto", (1024, 1024)), (None, (1024, 1024))]
)
def test_a_picture_is_as_large_as_it_is_to_be(size: str | None, pixels: tuple[int, int]) -> None:
    assert png_pixels(drawn(size=size))[:2] == pixels


def test_the_same_request_has_the_same_picture_and_each_of_several_is_another() -> None:
    assert drawn() == drawn()
    assert len({drawn(index) for index in range(4)}) == 4
    assert drawn(3) == drawn(seed=3) == drawn(1, seed=2)


@pytest.mark.parametrize(
    "members",
    [{"prompt": "a dog"}, {"seed": 7}, {"negative_prompt": "dogs"}, {"steps": 30}, {"quality": "hd"}],
    ids=lambda members: next(iter(members)),
)
def test_what_is_asked_for_shows(members: dict[str, Any]) -> None:
    assert drawn(**members) != drawn()


def test_a_picture_has_more_than_a_few_colours() -> None:
    *_, pixels = png_pixels(drawn(quality="hd"))
    assert len(set(pixels)) > 50


def test_drawing_is_quick_enough_for_a_gateway() -> None:
    """Far from the limit, on whatever machine: 10 ms here."""
    begun = time.process_time()
    png(Drawing(("a cat",), 1024, 1024, STEPS[1], 32))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"size": "1024x4096"}, "size"),
        ({"size": "10x1024"}, "size"),
        ({"steps": STEPS[1] + 1}, "steps"),
        ({"quality": "superb"}, "quality"),
        ({"output_format": "jpeg"}, "output_format"),
    ],
)
def test_what_it_does_not_draw_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        asked(images, images_call(to=TARGET, **members))
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("member", ["style", "background", "moderation", "output_compression", "guidance"])
def test_what_it_does_not_know_is_refused(member: str) -> None:
    values = {"background": "transparent", "moderation": "low", "output_compression": 50, "guidance": 3.5}
    with pytest.raises(UnsupportedParameterError) as caught:
        asked(images, images_call("a cat", TARGET, **{member: values.get(member, "vivid")}))
    assert caught.value.param == member


def test_no_credential_goes_anywhere() -> None:
    sent = images.upstream_request(images_call(to=TARGET), 0)
    assert "authorization" not in sent.headers
    assert sent.url == "demo://localhost/images/generations"


def test_the_largest_reply_is_a_small_one() -> None:
    """A task keeps it in its memory, and several are made at a time."""
    side = SIDES[1]
    asked_for = images_request(size=f"{side}x{side}", steps=STEPS[1], quality="hd", seed=0)
    assert len(images.reply_body(asked_for, 0)) < 1_000_000
