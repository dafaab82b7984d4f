"""Veo: what it is asked, and what its operations mean."""

import base64
from typing import Any

import pytest
from hypothesis import given

from sluice.errors import (
    InvalidRequestError,
    OverloadedError,
    SluiceError,
    UnsupportedParameterError,
    UpstreamError,
)
from sluice.providers.contract import Inline, Made, NotMade, Polled, Remote, Running, Target
from sluice.providers.gemini import PROVIDER, videos
from video_polls import answers, check_understood
from video_requests import ERRAND, NOW, asked, sent, videos_call

BASE = PROVIDER.address or ""
TARGET = Target("google", BASE, "veo-3.1-generate-preview", "key-1", {"X-Team": "blue"})
OLDER = Target("google", BASE, "veo-2.0-generate-001", "key-1")
NAME = "models/veo-3.1-generate-preview/operations/ab1-c"
PIXEL = b"\x89PNG"
PICTURE = "data:image/png;base64," + base64.b64encode(PIXEL).decode()


def polled(body: str, target: Target = TARGET) -> Polled:
    return videos.polled(body.encode(), NAME, target, ERRAND)


def test_all_that_can_be_said_is_said_in_googles_words() -> None:
    call = videos_call(
        to=TARGET,
        seconds=8,
        size="1080x1920",
        seed=0,
        negative_prompt="dogs",
        person_generation="allow_adult",
        input_reference={"image_url": PICTURE},
    )
    request = sent(videos, call)
    assert request.method == "POST"
    assert request.url == f"{BASE}/v1beta/models/veo-3.1-generate-preview:predictLongRunning"
    assert request.headers["x-goog-api-key"] == "key-1"
    assert asked(videos, call) == {
        "instances": [
            {
                "prompt": "a cat",
                "image": {"bytesBase64Encoded": base64.b64encode(PIXEL).decode(), "mimeType": "image/png"},
            }
        ],
        "parameters": {
            "aspectRatio": "9:16",
            "resolution": "1080p",
            "durationSeconds": 8,
            "negativePrompt": "dogs",
            "personGeneration": "allow_adult",
            "seed": 0,
        },
    }


def test_what_is_left_to_google_is_not_sent_but_for_the_seconds() -> None:
    assert asked(videos, videos_call(to=TARGET, size="auto", negative_prompt="")) == {
        "instances": [{"prompt": "a cat"}],
        "parameters": {"durationSeconds": 8},
    }


def test_an_older_model_knows_no_resolution() -> None:
    assert asked(videos, videos_call(to=OLDER, size="720x1280", seconds=5))["parameters"] == {
        "aspectRatio": "9:16",
        "durationSeconds": 5,
    }


@pytest.mark.parametrize(
    ("target", "members", "param"),
    [
        (TARGET, {"seconds": 5}, "seconds"),
        (TARGET, {"seconds": 6, "size": "1920x1080"}, "seconds"),
        (TARGET, {"seconds": 8, "size": "1024x1024"}, "size"),
        (OLDER, {"seconds": 8, "size": "1920x1080"}, "size"),
        (OLDER, {"seconds": 4}, "seconds"),
        (TARGET, {"seed": 2**32}, "seed"),
        (TARGET, {"person_generation": "everybody"}, "person_generation"),
        (TARGET, {"person_generation": 7}, "person_generation"),
        (
            TARGET,
            {"input_reference": {"image_url": "data:image/gif;base64,AAAA"}},
            "input_reference.image_url",
        ),
    ],
)
def test_a_value_that_veo_does_not_take_is_refused(
    target: Target, members: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        sent(videos, videos_call(to=target, **members))
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("member", ["quality", "n", "response_format", "generate_audio", "num_frames"])
def test_what_veo_does_not_know_is_refused(member: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(videos, videos_call(to=TARGET, **{member: "high"}))
    assert caught.value.param == member


@pytest.mark.parametrize("name", [NAME, "operations/abc_1"])
def test_the_operations_name_is_the_reference_and_its_address(name: str) -> None:
    reference = videos.submitted(f'{{"name":"{name}"}}'.encode(), videos_call()).reference
    assert reference == name
    request = videos.poll_request(reference, TARGET, NOW)
    assert (request.method, request.url) == ("GET", f"{BASE}/v1beta/{name}")
    assert request.headers["x-goog-api-key"] == "key-1"


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"name":7}',
        '{"name":"files/1"}',
        '{"name":"../operations/1"}',
        '{"name":"operations/1?key=2"}',
        "[]",
    ],
)
def test_an_answer_without_an_operation_is_none(body: str) -> None:
    with pytest.raises(UpstreamError):
        videos.submitted(body.encode(), videos_call())


def test_a_reported_failure_is_its_own() -> None:
    with pytest.raises(InvalidRequestError, match=r"No\."):
        videos.submitted(b'{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"No."}}', videos_call())


@pytest.mark.parametrize(
    "body", [f'{{"name":"{NAME}"}}', f'{{"name":"{NAME}","done":false,"metadata":{{}}}}']
)
def test_it_runs(body: str) -> None:
    assert polled(body) == Running()


def done(response: str) -> str:
    return f'{{"name":"{NAME}","done":true,"response":{{"generateVideoResponse":{response}}}}}'


def test_the_file_wants_the_key_at_googles_own_address() -> None:
    uri = f"{BASE}/v1beta/files/abc:download?alt=media"
    made = polled(done(f'{{"generatedSamples":[{{"video":{{"uri":"{uri}"}}}}]}}'))
    assert isinstance(made, Made)
    assert isinstance(made.media, Remote)
    assert made.media.request.url == uri
    assert made.media.request.headers["x-goog-api-key"] == "key-1"


@pytest.mark.parametrize(
    "uri", ["https://storage.example/a.mp4", "https://generativelanguage.googleapis.com.evil/a"]
)
def test_no_other_address_gets_the_key(uri: str) -> None:
    made = polled(done(f'{{"generatedSamples":[{{"video":{{"uri":"{uri}"}}}}]}}'))
    assert isinstance(made, Made)
    assert isinstance(made.media, Remote)
    assert not {"x-goog-api-key", "x-team"} & set(made.media.request.headers)


def test_a_video_may_stand_in_the_answer() -> None:
    made = polled(done('{"generatedSamples":[{"video":{"encodedVideo":"AAAA","encoding":"video/mp4"}}]}'))
    assert made == Made(Inline(b"\0\0\0"))


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            '{"raiMediaFilteredCount":1,"raiMediaFilteredReasons":["Not that.","Nor that."]}',
            "Not that. Nor that.",
        ),
        ('{"raiMediaFilteredCount":1}', "The provider refused it by its content policy."),
        ('{"generatedSamples":[],"raiMediaFilteredReasons":["Not that."]}', "Not that."),
    ],
)
def test_what_the_policy_takes_away_is_told_so(response: str, message: str) -> None:
    state = polled(done(response))
    assert isinstance(state, NotMade)
    assert (type(state.error), state.error.code) == (InvalidRequestError, "content_policy_violation")
    assert state.error.message == message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ('{"code":3,"message":"No."}', InvalidRequestError),
        ('{"code":8,"message":"No."}', OverloadedError),
        ('{"code":14,"message":"No."}', OverloadedError),
        ('{"code":13,"message":"No."}', UpstreamError),
        ('{"code":9,"message":"No."}', UpstreamError),
        ('{"code":7,"message":"No."}', UpstreamError),
        ('{"code":400,"message":"No."}', InvalidRequestError),
        ('"No."', UpstreamError),
        ('{"code":true}', UpstreamError),
    ],
)
def test_an_operation_fails_in_grpcs_numbers(error: str, kind: type[SluiceError]) -> None:
    state = polled(f'{{"name":"{NAME}","done":true,"error":{error}}}')
    assert isinstance(state, NotMade)
    assert type(state.error) is kind


def test_an_end_without_file_and_reason_is_one() -> None:
    state = polled(done('{"generatedSamples":[{}]}'))
    assert isinstance(state, NotMade)
    assert type(state.error) is UpstreamError


@pytest.mark.parametrize("body", ["{}", '{"done":true}', '{"done":true,"response":[]}', "null", "nonsense"])
def test_nonsense_is_an_error_and_no_end(body: str) -> None:
    with pytest.raises(UpstreamError):
        polled(body)


def test_it_cannot_be_given_up() -> None:
    assert videos.cancel_request(NAME, TARGET, NOW) is None


@given(
    answers(
        *(
            "name",
            "done",
            True,
            "response",
            "generateVideoResponse",
            "generatedSamples",
            "video",
            "uri",
            "error",
            3,
        ),
        *(
            "encodedVideo",
            "AAAA",
            "https://a.example",
            "http://[",
            "raiMediaFilteredReasons",
            "raiMediaFilteredCount",
        ),
        *("code", "message", "status", "details"),
    )
)
def test_whatever_is_answered_is_understood_or_refused(body: bytes) -> None:
    check_understood(videos, body, TARGET)


@pytest.mark.parametrize(
    "members", [{"n": 1}, {"async": True}, {"metadata": {"a": "b"}}, {"generate_audio": False}]
)
def test_what_asks_for_nothing_more_is_no_reason_to_refuse(members: dict[str, Any]) -> None:
    assert asked(videos, videos_call(to=TARGET, **members)) == asked(videos, videos_call(to=TARGET))
