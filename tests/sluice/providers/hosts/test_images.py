"""What each host is asked for a picture: in its own words, or not at all."""

import base64
import json
from typing import Any

import pytest

from image_requests import asked, images_call, inline
from sluice.api.images_request import ImagesRequest
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError
from sluice.providers.contract import ImageOperation, Target
from sluice.providers.media_features import OWN
from sluice.providers.registry import PROVIDERS

TARGET = Target("host", "https://host.example/v1", "up", "secret")
HEAD = {"model": "up", "prompt": "a cat", "n": 1}
HOSTS = ("openai-platform", "openrouter", "together", "xai")
ENCODED = base64.b64encode(b"\x89PNG...").decode()


def of(kind: str) -> ImageOperation:
    found = PROVIDERS[kind].images
    assert found is not None
    return found


def body_for(kind: str, index: int = 0, **members: Any) -> Any:
    return asked(of(kind), images_call(to=TARGET, **members), index)


@pytest.mark.parametrize("kind", sorted(set(PROVIDERS) - {*HOSTS, "openai", "demo", "gemini", "bedrock"}))
def test_others_make_no_pictures(kind: str) -> None:
    assert PROVIDERS[kind].images is None


@pytest.mark.parametrize(
    ("kind", "members", "sent"),
    [
        ("openai", {}, {}),
        ("openai-platform", {}, {}),
        ("openrouter", {}, {}),
        ("together", {}, {"response_format": "base64"}),
        ("xai", {}, {"response_format": "b64_json"}),
        ("openai-platform", {"size": "1536x1024", "user": "u"}, {"size": "1536x1024", "user": "u"}),
        (
            "together",
            {"size": "1024x768", "user": "u"},
            {"response_format": "base64", "width": 1024, "height": 768},
        ),
        (
            "together",
            {"steps": 10, "guidance_scale": 3.5, "negative_prompt": ""},
            {"response_format": "base64", "steps": 10, "guidance_scale": 3.5},
        ),
        ("xai", {"aspect_ratio": "19.5:9"}, {"response_format": "b64_json", "aspect_ratio": "19.5:9"}),
        ("xai", {"aspect_ratio": "auto", "size": "auto"}, {"response_format": "b64_json"}),
        (
            "openrouter",
            {"quality": "low", "aspect_ratio": "21:9"},
            {"quality": "low", "aspect_ratio": "21:9"},
        ),
    ],
)
def test_each_is_asked_in_its_own_words(kind: str, members: dict[str, Any], sent: dict[str, Any]) -> None:
    assert body_for(kind, **members) == HEAD | sent


def test_openrouters_endpoint_is_its_own() -> None:
    assert (
        of("openrouter").upstream_request(images_call(to=TARGET), 0).url == "https://host.example/v1/images"
    )
    assert of("xai").upstream_request(images_call(to=TARGET), 0).url.endswith("/v1/images/generations")


def test_each_picture_of_several_has_a_seed_of_its_own() -> None:
    assert [body_for("together", index, seed=7)["seed"] for index in range(3)] == [7, 8, 9]


@pytest.mark.parametrize(
    ("kind", "members", "param"),
    [
        ("openai-platform", {"quality": "hd"}, "quality"),
        ("together", {"steps": 51}, "steps"),
        ("together", {"output_format": "webp"}, "output_format"),
        ("xai", {"aspect_ratio": "1:7"}, "aspect_ratio"),
        ("xai", {"aspect_ratio": ["1:1"]}, "aspect_ratio"),
        ("xai", {"quality": "high"}, "quality"),
        ("openrouter", {"aspect_ratio": 1}, "aspect_ratio"),
    ],
)
def test_a_value_that_a_host_does_not_take_is_refused(kind: str, members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body_for(kind, **members)
    assert (caught.value.status, caught.value.param) == (400, param)


VALUES: dict[str, Any] = {
    "size": "1024x1024",
    "quality": "low",
    "steps": 4,
    "seed": 1,
    "negative_prompt": "dogs",
    "style": "vivid",
    "background": "opaque",
    "output_format": "png",
    "output_compression": 50,
    "moderation": "low",
}


def test_there_is_a_value_for_each_member() -> None:
    assert set(VALUES) == set(ImagesRequest.model_fields) - OWN - {"user"}


@pytest.mark.parametrize("kind", ["openai", *HOSTS, "demo"])
@pytest.mark.parametrize("member", [*VALUES, "lora"])
def test_what_a_host_declares_is_sent_and_the_rest_is_refused(kind: str, member: str) -> None:
    """Nothing that is asked for is lost on the way."""
    features = of(kind).FEATURES
    value = "standard" if (kind, member) == ("demo", "quality") else VALUES.get(member, "x")
    if member in features.members or (features.passes_on and member not in VALUES):
        sent = body_for(kind, 0, **{member: value})
        assert value in sent.values() or {"width", "height"} <= set(sent)
    else:
        with pytest.raises(UnsupportedParameterError) as caught:
            body_for(kind, 0, **{member: value})
        assert caught.value.param == member


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([], True),
        ([{"url": "", "respect_moderation": False}], True),
        ([{"b64_json": ENCODED, "respect_moderation": False}], True),
        ([{"b64_json": ENCODED, "respect_moderation": True}], False),
    ],
)
def test_what_xai_does_not_show_was_refused(rows: list[Any], refused: bool) -> None:
    """Its status is 200 all the same."""
    body = json.dumps({"data": rows}).encode()
    if not refused:
        assert inline(of("xai"), body) == b"\x89PNG..."
        return
    with pytest.raises(SluiceError) as caught:
        of("xai").picture(body, images_call())
    assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
def test_openais_filter_is_told_by_its_code(code: str) -> None:
    error = {"message": "Rejected.", "type": "image_generation_user_error", "param": None, "code": code}
    failure = PROVIDERS["openai-platform"].failure(400, {}, json.dumps({"error": error}).encode())
    assert (failure.status, failure.code, failure.message) == (400, "content_policy_violation", "Rejected.")
