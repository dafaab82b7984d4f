"""Pictures and videos: a state machine here, whose tasks are the functions in sam local's containers."""

import base64
import io
import time

import httpx
import openai
import pytest

from made_media import png
from sam_site import SamSite
from sluice.wire.media_types import recognised

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
"""OpenAI ends its own; the client says so of everybody's."""

SECONDS = 60
PICTURE = {"model": "demo-image", "prompt": "A sluice at dawn"}


def media_type(content: bytes) -> str:
    found = recognised(content)
    assert found is not None
    return found.content_type


def test_pictures_that_are_waited_for(client: openai.OpenAI) -> None:
    links = client.images.generate(model="demo-image", prompt="A sluice at dawn", n=2)
    assert links.data is not None
    assert len(links.data) == 2
    for picture in links.data:
        assert picture.url is not None
        content = httpx.get(picture.url, trust_env=False, timeout=SECONDS).content
        assert media_type(content) == "image/png"
    bare = client.images.generate(model="demo-image", prompt="A sluice at dusk", response_format="b64_json")
    assert bare.data is not None
    assert media_type(base64.b64decode(bare.data[0].b64_json or "")) == "image/png"


def test_a_picture_in_the_background(site: SamSite, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=site.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
        taken = http.post("/v1/images/generations", json={**PICTURE, "async": True})
        assert taken.status_code == 202
        deadline = time.monotonic() + SECONDS
        while (job := http.get(f"/v1/images/generations/{taken.json()['id']}")).json()[
            "status"
        ] != "completed":
            assert time.monotonic() < deadline, job.text
            assert job.json()["status"] in ("queued", "in_progress"), job.text
            time.sleep(int(job.headers["openai-poll-after-ms"]) / 1000)
        assert len(job.json()["result"]["data"]) == 1


def test_a_video_that_somebody_is_told_of(site: SamSite, client: openai.OpenAI) -> None:
    hook = site.hooks.url("video")
    video = client.videos.create_and_poll(
        model="demo-video",
        prompt="A sluice opens",
        seconds="4",
        extra_body={"webhook_url": hook},
    )
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert media_type(client.videos.download_content(video.id).read()) == "video/mp4"
    told = site.hooks.message("video")
    assert told["data"]["id"] == video.id
    assert client.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)


def test_a_form_with_a_picture_in_it(client: openai.OpenAI) -> None:
    """It is no text, and comes through the API: what is refused is what the model cannot do with it."""
    with pytest.raises(openai.BadRequestError, match="cannot express 'input_reference'"):
        client.videos.create(
            model="demo-video",
            prompt="A sluice opens",
            seconds="4",
            input_reference=("first.png", io.BytesIO(png()), "image/png"),
        )
