"""OpenAI's videos format: what hosts are asked, and what their objects mean."""

import base64
import email
import email.policy
from typing import Any

import pytest
from hypothesis import given

from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import Made, NotMade, Polled, Remote, Running, UpstreamRequest
from sluice.providers.openai import videos
from sluice.providers.openai.video_dialect import VideoDialect
from video_polls import answers, check_understood
from video_requests import ERRAND, NOW, TARGET, asked, sent, videos_call

PIXEL = b"\x89PNG\r\n\x1a\n--form-\r\n"
PICTURE = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
URL = "https://api.example/v1/videos"


def form_of(request: UpstreamRequest) -> dict[str, tuple[str | None, str, bytes]]:
    """The fields of a form as a reader of MIME has them: file name, type, content."""
    head = f"content-type: {request.headers['content-type']}\r\nmime-version: 1.0\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/form-data"
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(name)] = (part.get_filename(), part.get_content_type(), content)
    return found


def polled(body: str) -> Polled:
    return videos.polled(body.encode(), "video_1", TARGET, ERRAND)


def test_a_form_says_it_all() -> None:
    call = videos_call(
        "a cät",
        size="1280x720",
        seconds=4,
        seed=0,
        negative_prompt="dogs",
        quality="high",
        input_reference={"image_url": PICTURE},
        guidance_scale=7.5,
        style={"name": "noir"},
        user="someone",
    )
    request = sent(videos, call)
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["authorization"] == "Bearer sk-upstream"
    assert request.headers["x-team"] == "blue"
    fields = form_of(request)
    assert fields.pop("input_reference") == ("reference.png", "image/png", PIXEL)
    assert {name: content.decode() for name, (_, _, content) in fields.items()} == {
        "model": "upstream-model",
        "prompt": "a cät",
        "size": "1280x720",
        "seconds": "4",
        "seed": "0",
        "negative_prompt": "dogs",
        "quality": "high",
        "guidance_scale": "7.5",
        "style": '{"name":"noir"}',
    }


def test_what_is_left_to_the_host_is_not_sent_but_for_the_seconds() -> None:
    fields = form_of(sent(videos, videos_call(size="auto", quality="auto")))
    assert {name: content for name, (_, _, content) in fields.items()} == {
        "model": b"upstream-model",
        "prompt": b"a cat",
        "seconds": b"8",
    }


def test_a_host_may_take_json() -> None:
    class JSONVideos:
        FEATURES = VideoDialect(as_form=False).features
        upstream_request = staticmethod(
            lambda call, errand: videos.upstream_request(call, errand, VideoDialect(as_form=False))
        )

    call = videos_call(seconds=4, input_reference={"image_url": PICTURE})
    operation: Any = JSONVideos()
    assert asked(operation, call) == {
        "model": "upstream-model",
        "prompt": "a cat",
        "seconds": "4",
        "input_reference": {"image_url": PICTURE},
    }


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/a.png", "stand in the request itself"),
        ("data:image/png;base64,?", "not in base64"),
        ("data:image/gif;base64,AAAA", "pictures of the types image/png"),
        ("data:image/png;base64,", "pictures of the types"),
    ],
)
def test_what_is_no_picture_is_refused(url: str, told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told) as caught:
        sent(videos, videos_call(input_reference={"image_url": url}))
    assert caught.value.param == "input_reference.image_url"


@pytest.mark.parametrize("member", ["num_frames", "duration", "number_of_videos"])
def test_nobody_gets_more_seconds_than_are_paid_for(member: str) -> None:
    members: dict[str, Any] = {member: 500}
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(videos, videos_call(**members))
    assert caught.value.param == member


def test_the_id_is_the_reference() -> None:
    body = b'{"id":"video_1","object":"video","status":"queued","progress":0,"error":null}'
    assert videos.submitted(body, videos_call()).reference == "video_1"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{}", UpstreamError),
        ('{"id":7}', UpstreamError),
        ('{"id":""}', UpstreamError),
        ('{"error":{"code":"invalid_request_error","message":"no"}}', InvalidRequestError),
        ("[]", UpstreamError),
    ],
)
def test_what_is_no_video_is_an_error(body: str, error: type[SluiceError]) -> None:
    with pytest.raises(error):
        videos.submitted(body.encode(), videos_call())


def test_it_is_asked_for_by_its_id() -> None:
    request = videos.poll_request("video/1", TARGET, NOW)
    assert (request.method, request.url, request.body) == ("GET", f"{URL}/video%2F1", b"")
    assert request.headers["authorization"] == "Bearer sk-upstream"


def test_it_is_given_up_by_deleting_it() -> None:
    request = videos.cancel_request("video_1", TARGET, NOW)
    assert request is not None
    assert (request.method, request.url) == ("DELETE", f"{URL}/video_1")


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ('{"status":"queued"}', Running()),
        ('{"status":"in_progress","progress":42}', Running(42)),
        ('{"status":"in_progress","progress":"42"}', Running(42)),
        ('{"status":"in_progress","progress":42.9}', Running(42)),
        ('{"status":"in_progress","progress":-3}', Running()),
        ('{"status":"in_progress","progress":300}', Running()),
    ],
)
def test_it_runs(body: str, state: Running) -> None:
    assert polled(body) == state


@pytest.mark.parametrize(
    ("seconds", "read"), [('"8"', 8), ("8", 8), ("7.2", 8), ('"long"', None), ("null", None), ("1e400", None)]
)
def test_it_is_made_and_its_file_wants_the_key(seconds: str, read: int | None) -> None:
    made = polled(f'{{"status":"completed","seconds":{seconds}}}')
    assert isinstance(made, Made)
    assert made.seconds == read
    assert isinstance(made.media, Remote)
    request = made.media.request
    assert (request.method, request.url) == ("GET", f"{URL}/video_1/content")
    assert request.headers["authorization"] == "Bearer sk-upstream"


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ('{"code":"moderation_blocked","message":"No."}', InvalidRequestError, "content_policy_violation"),
        ('{"code":"content_policy_violation"}', InvalidRequestError, "content_policy_violation"),
        ('{"code":"invalid_prompt","message":"No."}', InvalidRequestError, None),
        ('{"code":"video_generation_failed","message":"No."}', UpstreamError, "upstream_error"),
        ('"Out of memory."', UpstreamError, "upstream_error"),
        ("null", UpstreamError, "upstream_error"),
        ('{"code":{},"message":[]}', UpstreamError, "upstream_error"),
    ],
)
def test_it_is_not_made(error: str, kind: type[SluiceError], code: str | None) -> None:
    state = polled(f'{{"status":"failed","error":{error}}}')
    assert isinstance(state, NotMade)
    assert (type(state.error), state.error.code) == (kind, code)


@pytest.mark.parametrize("body", ["{}", '{"status":"dreaming"}', '{"status":7}', "null", "nonsense"])
def test_nonsense_is_an_error_and_no_end(body: str) -> None:
    with pytest.raises(UpstreamError):
        polled(body)


@given(
    answers(
        "status", "queued", "completed", "failed", "progress", "seconds", "error", "code", "message", "id"
    )
)
def test_whatever_is_answered_is_understood_or_refused(body: bytes) -> None:
    check_understood(videos, body, TARGET)
