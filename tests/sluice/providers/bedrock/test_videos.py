"""Videos on Bedrock: invocations that write into the gateway's bucket."""

import base64
from typing import Any

import pytest
from hypothesis import given

from sluice.credentials import AWSCredentials
from sluice.errors import InvalidRequestError, UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock import videos
from sluice.providers.contract import InBucket, Made, NotMade, Polled, Running, Target
from video_polls import answers, check_understood
from video_requests import ERRAND, NOW, asked, sent, videos_call

BASE = "https://bedrock-runtime.us-east-1.amazonaws.com"
ROLE = AWSCredentials("AKIDEXAMPLE", "secret", None, "us-east-1")
REEL = Target("bedrock", BASE, "amazon.nova-reel-v1:1", ROLE)
FIRST_REEL = Target("bedrock", BASE, "amazon.nova-reel-v1:0", ROLE)
RAY = Target("bedrock", BASE, "luma.ray-v2:0", "key-1")
ARN = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abc123def456"
PICTURE = base64.b64encode(b"\xff\xd8\xff").decode()
JPEG = {"image_url": f"data:image/jpeg;base64,{PICTURE}"}


def polled(body: str) -> Polled:
    return videos.polled(body.encode(), ARN, REEL, ERRAND)


def test_an_invocation_goes_by_the_jobs_id_and_writes_into_its_folder() -> None:
    call = videos_call(to=REEL, seconds=6)
    request = sent(videos, call)
    assert (request.method, request.url) == ("POST", f"{BASE}/async-invoke")
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    body = asked(videos, call)
    assert body.pop("modelInput")["taskType"] == "TEXT_VIDEO"
    assert body == {
        "clientRequestToken": "video_ours",
        "modelId": "amazon.nova-reel-v1:1",
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://our-bucket/jobs/video_ours/made"}},
    }


def model_input(target: Target, **members: Any) -> Any:
    return asked(videos, videos_call(to=target, **members))["modelInput"]


def test_nova_reel_makes_one_shot() -> None:
    made = model_input(REEL, seconds=6, size="1280x720", seed=0, input_reference=JPEG)
    assert made == {
        "taskType": "TEXT_VIDEO",
        "textToVideoParams": {"text": "a cat", "images": [{"format": "jpeg", "source": {"bytes": PICTURE}}]},
        "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720", "seed": 0},
    }


def test_nova_reel_makes_several_shots() -> None:
    made = model_input(REEL, seconds=120, prompt="a cat" * 500)
    assert made == {
        "taskType": "MULTI_SHOT_AUTOMATED",
        "multiShotAutomatedParams": {"text": "a cat" * 500},
        "videoGenerationConfig": {"durationSeconds": 120, "fps": 24, "dimension": "1280x720"},
    }


def test_lumas_ray_has_its_own_words() -> None:
    assert model_input(RAY, seconds=9, size="540x960", input_reference=JPEG) == {
        "prompt": "a cat",
        "duration": "9s",
        "aspect_ratio": "9:16",
        "resolution": "540p",
        "keyframes": {
            "frame0": {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": PICTURE},
            }
        },
    }
    assert model_input(RAY, seconds=5) == {"prompt": "a cat", "duration": "5s"}


@pytest.mark.parametrize(
    ("target", "members", "param"),
    [
        (REEL, {"seconds": 5}, "seconds"),
        (REEL, {"seconds": 126}, "seconds"),
        (FIRST_REEL, {"seconds": 12}, "seconds"),
        (REEL, {"seconds": 6, "size": "720x1280"}, "size"),
        (REEL, {"seconds": 6, "seed": 2_147_483_647}, "seed"),
        (REEL, {"seconds": 6, "prompt": "a" * 513}, "prompt"),
        (REEL, {"seconds": 12, "prompt": "a" * 4001}, "prompt"),
        (REEL, {"seconds": 12, "input_reference": JPEG}, "input_reference"),
        (
            REEL,
            {"seconds": 6, "input_reference": {"image_url": "data:image/webp;base64,AAAA"}},
            "input_reference.image_url",
        ),
        (RAY, {"seconds": 6}, "seconds"),
        (RAY, {"seconds": 5, "size": "1920x1080"}, "size"),
        (RAY, {"seconds": 5, "prompt": "a" * 5001}, "prompt"),
        (RAY, {"seconds": 5, "seed": 1}, "seed"),
        (REEL, {"seconds": 6, "negative_prompt": "dogs"}, "negative_prompt"),
        (Target("bedrock", BASE, "other.film-v1", ROLE), {"seconds": 6}, "model"),
    ],
)
def test_what_a_family_does_not_take_is_refused(target: Target, members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        sent(videos, videos_call(to=target, **members))
    assert (caught.value.status, caught.value.param) == (400, param)


def test_what_no_family_takes_is_refused_before() -> None:
    with pytest.raises(UnsupportedParameterError):
        sent(videos, videos_call(to=REEL, seconds=6, quality="high"))


def test_the_arn_is_the_reference() -> None:
    assert videos.submitted(f'{{"invocationArn":"{ARN}"}}'.encode(), videos_call()).reference == ARN
    for body in (b"{}", b'{"invocationArn":7}', b"[]"):
        with pytest.raises(UpstreamError):
            videos.submitted(body, videos_call())


def test_a_question_has_the_arn_in_its_path_and_a_signature() -> None:
    request = videos.poll_request(ARN, REEL, NOW)
    place = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aasync-invoke%2Fabc123def456"
    assert (request.method, request.url, request.body) == ("GET", f"{BASE}/async-invoke/{place}", b"")
    assert "SignedHeaders=host;x-amz-date" in request.headers["authorization"]
    assert videos.poll_request(ARN, RAY, NOW).headers["authorization"] == "Bearer key-1"


def test_it_runs() -> None:
    assert polled('{"status":"InProgress"}') == Running()


@pytest.mark.parametrize(
    "uri", ["jobs/video_ours/made", "jobs/video_ours/made/", "jobs/video_ours/made/abc123def456"]
)
def test_the_file_is_in_the_invocations_folder(uri: str) -> None:
    config = f'{{"s3OutputDataConfig":{{"s3Uri":"s3://our-bucket/{uri}"}}}}'
    made = polled(f'{{"status":"Completed","outputDataConfig":{config}}}')
    assert made == Made(InBucket("jobs/video_ours/made/abc123def456/output.mp4"))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other-bucket/jobs/video_ours/made",
        "s3://our-bucket/jobs/video_theirs/made",
        "s3://our-bucket/jobs/video_ours/made/other",
        "https://our-bucket.s3.amazonaws.com/jobs/video_ours/made",
    ],
)
def test_no_other_place_is_believed(uri: str) -> None:
    with pytest.raises(UpstreamError, match="not where it was to be"):
        polled(f'{{"status":"Completed","outputDataConfig":{{"s3OutputDataConfig":{{"s3Uri":"{uri}"}}}}}}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"status":"Failed","failureMessage":"No."}', "No."),
        ('{"status":"Failed"}', "The provider could not make the video."),
    ],
)
def test_it_is_not_made(body: str, message: str) -> None:
    state = polled(body)
    assert isinstance(state, NotMade)
    assert (type(state.error), state.error.message) == (UpstreamError, message)


@pytest.mark.parametrize(
    "body", ["{}", '{"status":"Dreaming"}', '{"status":"Completed"}', "null", "nonsense"]
)
def test_nonsense_is_an_error_and_no_end(body: str) -> None:
    with pytest.raises(UpstreamError):
        polled(body)


def test_it_cannot_be_given_up() -> None:
    assert videos.cancel_request(ARN, REEL, NOW) is None


@given(
    answers(
        *(
            "status",
            "InProgress",
            "Completed",
            "Failed",
            "failureMessage",
            "outputDataConfig",
            "s3OutputDataConfig",
        ),
        *("s3Uri", "s3://our-bucket/jobs/video_ours/made"),
    )
)
def test_whatever_is_answered_is_understood_or_refused(body: bytes) -> None:
    check_understood(videos, body, REEL)
