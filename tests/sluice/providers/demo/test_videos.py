"""The demo model's videos: asked for, waited for, fetched, with nothing kept in between."""

import time
from typing import Any

import pytest
from pydantic_core import from_json

from mosaic_decoder import Movie, movie_of
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.contract import Made, Remote, Running, Target
from sluice.providers.demo import PROVIDER, videos
from sluice.providers.demo.videos import MAKING_SECONDS, DemoVideo
from sluice.upstream.demo_answers import File, answer
from video_requests import ERRAND, NOW, asked, sent, videos_call, videos_request

TARGET = Target("demo", PROVIDER.address or "", "demo-video", "sk-unused")


def path_of(url: str) -> str:
    return url.removeprefix("demo://localhost")


def submitted(**members: Any) -> str:
    """All the way: the request to the demo provider, its reply, the video's id."""
    call = videos_call(to=TARGET, **members)
    request = sent(videos, call)
    body = answer(request.method, path_of(request.url), request.body)
    assert isinstance(body, bytes)
    return videos.submitted(body, call).reference


def polled(reference: str, seconds: float) -> Any:
    """How it is so many seconds later."""
    video = DemoVideo.of_id(reference)
    assert video is not None
    return videos.polled(video.body(video.begun / 1000 + seconds), reference, TARGET, ERRAND)


def made(**members: Any) -> Movie:
    reference = submitted(**members)
    ready = polled(reference, MAKING_SECONDS)
    assert isinstance(ready, Made)
    assert isinstance(ready.media, Remote)
    request = ready.media.request
    assert "authorization" not in request.headers
    file = answer(request.method, path_of(request.url), request.body)
    assert isinstance(file, File)
    return movie_of(file.content)


@pytest.mark.parametrize(
    ("members", "measures"),
    [
        ({}, (720, 1280, 8)),
        ({"size": "auto"}, (720, 1280, 8)),
        ({"size": "1280x720", "seconds": "4"}, (1280, 720, 4)),
        ({"size": "98x70", "seconds": 1}, (98, 70, 1)),
    ],
)
def test_a_video_is_as_large_and_as_long_as_it_is_to_be(
    members: dict[str, Any], measures: tuple[int, int, int]
) -> None:
    movie = made(**members)
    assert (movie.width, movie.height, movie.seconds) == measures


def test_it_takes_its_time() -> None:
    reference = submitted(seconds=2)
    assert polled(reference, -100) == Running(0)
    assert polled(reference, MAKING_SECONDS / 2) == Running(50)
    assert isinstance(polled(reference, MAKING_SECONDS - 0.01), Running)
    ready = polled(reference, MAKING_SECONDS)
    assert isinstance(ready, Made)
    assert ready.seconds == 2


def test_the_same_request_has_the_same_video_and_every_other_another() -> None:
    small = {"size": "64x64", "seconds": 1}
    units = [
        made(**small, **more).units
        for more in (
            {},
            {"seed": 0},
            {"prompt": "a dog"},
            {"seed": 7},
            {"negative_prompt": "dogs"},
        )
    ]
    assert units[0] == units[1]
    assert len({units_of[0] + units_of[-1] for units_of in units}) == 4


def test_a_reference_holds_no_prompt_and_gives_the_video_back() -> None:
    request = videos_request("a very secret cat", seconds=3, size="64x128")
    video = DemoVideo.asked_for(request, NOW)
    assert DemoVideo.of_id(video.id) == video
    assert b"secret" not in bytes.fromhex(video.id.removeprefix("video_"))
    assert from_json(video.body(NOW))["created_at"] == int(NOW)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"size": "1280x2160"}, "size"),
        ({"size": "32x720"}, "size"),
        ({"size": "101x720"}, "size"),
        ({"seconds": 21}, "seconds"),
    ],
)
def test_what_it_does_not_film_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        asked(videos, videos_call(to=TARGET, **members))
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    "members",
    [{"quality": "high"}, {"fps": 24}, {"input_reference": {"image_url": "data:image/png;base64,AA=="}}],
)
def test_what_it_does_not_know_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        asked(videos, videos_call(to=TARGET, **members))
    assert caught.value.param == next(iter(members))


def test_no_credential_goes_anywhere() -> None:
    reference = submitted()
    requests = [
        sent(videos, videos_call(to=TARGET)),
        videos.poll_request(reference, TARGET, time.time()),
        videos.cancel_request(reference, TARGET, time.time()),
    ]
    for request in requests:
        assert request is not None
        assert "authorization" not in request.headers
        assert request.url.startswith("demo://localhost/videos")
