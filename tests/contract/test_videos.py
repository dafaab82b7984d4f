"""Videos through the official client, made by jobs that a state machine carries out."""

import io
import time
from typing import Any

import httpx
import openai
import pytest

from gateway_process import VIDEO_MODEL, GatewayProcess
from made_media import png
from openai_schemas import check_video, check_video_deleted, check_videos
from openapi_document import check_reply
from sdk_clients import Traffic, sync_client
from sluice.wire.media_types import recognised

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
"""OpenAI ends its own; the client says so of everybody's."""

PATH = "/v1/videos"
BODY: dict[str, Any] = {"model": "demo-video", "prompt": "A sluice opens", "seconds": "1", "size": "1280x720"}
SECONDS = 60


def is_mp4(content: bytes) -> bool:
    found = recognised(content)
    return found is not None and found.content_type == "video/mp4"


def create(client: openai.OpenAI, **members: Any) -> Any:
    """``videos.create`` with what its types do not know."""
    return client.videos.create(**{**BODY, **members})


def completed(http: httpx.Client, job_id: str) -> None:
    """Wait until a video is made."""
    deadline = time.monotonic() + SECONDS
    while True:
        reply = http.get(f"{PATH}/{job_id}")
        check_reply("GET", f"{PATH}/{{id}}", reply)
        check_video(reply.json())
        if reply.json()["status"] == "completed":
            return
        assert reply.json()["status"] in ("queued", "in_progress"), reply.text
        assert time.monotonic() < deadline, reply.text
        time.sleep(int(reply.headers["openai-poll-after-ms"]) / 1000)


@pytest.fixture(scope="module")
def video(gateway: GatewayProcess, key: str) -> str:
    """The id of a video that is made."""
    with sync_client(f"{gateway.url}/v1", key, Traffic()) as client:
        made = client.videos.create_and_poll(**BODY)
    assert made.status == "completed"
    return str(made.id)


def test_create_poll_and_download(base_url: str, key: str) -> None:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        video = create(client)
        assert (video.object, video.status, video.progress) == ("video", "queued", 0)
        assert (video.prompt, video.seconds, video.size) == (BODY["prompt"], "1", "1280x720")
        video = client.videos.poll(video.id)
        assert (video.status, video.progress, video.error) == ("completed", 100, None)
        assert video.completed_at is not None
        assert video.created_at <= video.completed_at < (video.expires_at or 0)
        content = client.videos.download_content(video.id).read()
        assert is_mp4(content)
        assert recognised(content).seconds == pytest.approx(1, abs=0.1)  # type: ignore[union-attr] # is_mp4
        again = client.videos.retrieve(video.id)
        assert again.to_dict() == video.to_dict()
        gone = client.videos.delete(video.id)
        check_video_deleted(gone.to_dict())
        for lost in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
            with pytest.raises(openai.NotFoundError):
                lost(video.id)


def test_create_and_poll_waits_as_it_is_told(client: openai.OpenAI, traffic: Traffic) -> None:
    before = len(traffic.responses)
    video = client.videos.create_and_poll(**BODY)
    assert video.status == "completed"
    check_video(video.to_dict())
    polls = traffic.responses[before + 1 :]
    assert all(int(reply.headers["openai-poll-after-ms"]) >= 1000 for reply in polls)
    assert len(polls) < 10


async def test_the_asynchronous_client(aclient: openai.AsyncOpenAI) -> None:
    video = await aclient.videos.create_and_poll(**BODY)
    content = await aclient.videos.download_content(video.id)
    assert is_mp4(await content.aread())


def test_pages_are_read_to_their_end(gateway: GatewayProcess) -> None:
    made = gateway.create_key("--plan", "enterprise")
    with sync_client(f"{gateway.url}/v1", made["key"], Traffic()) as client:
        ids = [create(client, prompt=f"Sluice {number}").id for number in range(5)]
        mine = [each.id for each in client.videos.list(limit=2, order="asc") if each.id in ids]
        assert mine == ids
        newest = client.videos.list(limit=2)
        assert [each.id for each in newest.data] == ids[:-3:-1]
        assert newest.has_more is True
        check_videos(newest.to_dict())
        following = client.videos.list(limit=1, after=newest.data[-1].id)
        assert [each.prompt for each in following.data] == ["Sluice 2"]
        for job_id in ids:
            client.videos.delete(job_id)
        assert not {each.id for each in client.videos.list()} & set(ids)


def test_parts_of_the_content(http: httpx.Client, video: str) -> None:
    place = http.get(f"{PATH}/{video}/content")
    assert place.status_code == 307
    check_reply("GET", f"{PATH}/{{id}}/content", place)
    whole = http.get(f"{PATH}/{video}/content", follow_redirects=True)
    assert whole.headers["content-type"] == "video/mp4"
    assert is_mp4(whole.content)
    part = http.get(f"{PATH}/{video}/content", headers={"range": "bytes=4-7"}, follow_redirects=True)
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(whole.content)}"
    head = http.head(f"{PATH}/{video}/content", follow_redirects=True)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    anybody = httpx.get(place.headers["location"], trust_env=False)
    assert anybody.content == whole.content


def test_no_key_goes_to_where_the_content_is(http: httpx.Client, video: str, key: str) -> None:
    reply = http.get(f"{PATH}/{video}/content", follow_redirects=True)
    assert reply.history
    assert "authorization" not in reply.request.headers
    assert key not in str(reply.request.url)


def test_content_that_is_not_there_yet(client: openai.OpenAI) -> None:
    video = create(client, seconds="12")
    with pytest.raises(openai.NotFoundError, match="not ready yet"):
        client.videos.download_content(video.id)
    client.videos.delete(video.id)


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_there_is_no_other_variant(client: openai.OpenAI, video: str, variant: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.download_content(video, variant=variant)
    assert caught.value.param == "variant"


def test_a_picture_to_begin_with_is_refused_where_the_model_takes_none(client: openai.OpenAI) -> None:
    """Whichever way the client sends it."""
    picture = png()
    for reference in (("a.png", picture, "image/png"), ("a", picture), io.BytesIO(picture), picture):
        with pytest.raises(openai.BadRequestError) as caught:
            create(client, input_reference=reference)
        assert (caught.value.param, caught.value.code) == ("input_reference", "unsupported_parameter")


def test_json_will_do_as_well_as_a_form(http: httpx.Client) -> None:
    for sent in ({"json": BODY}, {"files": {name: (None, value) for name, value in BODY.items()}}):
        reply = http.post(PATH, **sent)
        check_reply("POST", PATH, reply)
        check_video(reply.json())
        assert reply.json()["seconds"] == "1"
        check_reply("DELETE", f"{PATH}/{{id}}", http.delete(f"{PATH}/{reply.json()['id']}"))


def test_a_task_is_the_same_job(http: httpx.Client) -> None:
    body = {"model": "demo-video", "prompt": "A sluice opens", "seconds": 1}
    task = http.post("/v1/videos/generations", json=body)
    check_reply("POST", "/v1/videos/generations", task)
    job_id = task.json()["task_id"]
    assert http.get(f"/v1/videos/result/{job_id}").json()["status"] in ("PROCESSING", "OK")
    deadline = time.monotonic() + SECONDS
    while (found := http.get(f"/v1/videos/result/{job_id}")).json()["status"] == "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    check_reply("GET", "/v1/videos/result/{id}", found)
    assert found.json()["hash_val"] == task.json()["hash_val"]
    assert is_mp4(httpx.get(found.json()["video"], trust_env=False).content)
    assert http.get(f"{PATH}/{job_id}").json()["status"] == "completed"


def test_a_video_is_charged_by_the_second_once(gateway: GatewayProcess) -> None:
    made = gateway.create_key("--plan", "enterprise", "--budget", "1")
    headers = {"authorization": f"Bearer {made['key']}"}
    with httpx.Client(base_url=gateway.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
        reply = http.post(
            PATH, json={"model": VIDEO_MODEL, "prompt": "A sluice", "seconds": 4, "size": "1280x720"}
        )
        assert reply.headers["x-sluice-budget-remaining"] == "0.60"
        completed(http, reply.json()["id"])
        assert http.get(PATH).headers["x-sluice-budget-remaining"] == "0.60"
        cancelled = http.post(PATH, json={"model": VIDEO_MODEL, "prompt": "A sluice", "seconds": 4})
        assert cancelled.headers["x-sluice-budget-remaining"] == "0.20"
        http.delete(f"{PATH}/{cancelled.json()['id']}")
        assert http.get(PATH).headers["x-sluice-budget-remaining"] == "0.60"
    (row,) = gateway.usage("--key", made["id"], until=lambda rows: rows)
    assert (row["requests"], row["seconds"]) == (1, 4)
