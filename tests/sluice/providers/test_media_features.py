"""What a request for pictures or a video asks for, and what is refused because a provider or a model does not have it."""

from typing import Any

import pytest

from image_requests import images_request
from sluice.api.model_request import ModelRequest
from sluice.api.validation import validate
from sluice.api.videos_request import VideosRequest
from sluice.catalog import ModelRow
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.media_features import MediaFeatures, asked_for, check_media

NOTHING = MediaFeatures(frozenset())
SOME = MediaFeatures(frozenset({"size", "seconds", "aspect_ratio"}))
OPEN = MediaFeatures(frozenset({"size"}), passes_on=True)


def row(**members: Any) -> ModelRow:
    return ModelRow.model_validate({"id": "m", "kind": "image", "retired": "2026-01-01", **members})


def videos_request(**members: Any) -> VideosRequest:
    return validate(VideosRequest, {"model": "m", "prompt": "a cat", **members})


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ({}, []),
        ({"n": 3, "response_format": "url", "async": True, "webhook_url": "https://a.example/"}, []),
        ({"user": "u", "metadata": {"a": "b"}, "safety_identifier": "s"}, []),
        ({"size": "auto", "quality": "auto", "background": "auto", "moderation": "auto"}, []),
        ({"negative_prompt": "", "steps": None, "stream": False, "loras": [], "extra": {}}, []),
        ({"seed": 0, "output_compression": 0}, ["seed", "output_compression"]),
        ({"lora": 0, "style": "vivid"}, ["style", "lora"]),
    ],
)
def test_what_is_asked_for(members: dict[str, Any], asked: list[str]) -> None:
    assert list(asked_for(images_request(**members))) == asked


@pytest.mark.parametrize(
    ("features", "request_", "param"),
    [
        (NOTHING, images_request(size="1024x1024"), "size"),
        (NOTHING, images_request(seed=0), "seed"),
        (SOME, images_request(lora="x"), "lora"),
        (OPEN, images_request(seed=1), "seed"),
        (OPEN, images_request(stream=True), "stream"),
        (OPEN, images_request(partial_images=2), "partial_images"),
        (SOME, videos_request(seed=1), "seed"),
    ],
)
def test_what_a_provider_cannot_express_is_refused(
    features: MediaFeatures, request_: ModelRequest, param: str
) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        check_media(features, request_, row())
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("features", "request_"),
    [
        (NOTHING, images_request(n=4, size="auto", user="u", stream=False)),
        (SOME, images_request(size="64x64", aspect_ratio="1:1")),
        (OPEN, images_request(size="64x64", lora="x")),
        (SOME, videos_request(seconds="4")),
    ],
)
def test_the_rest_is_let_pass(features: MediaFeatures, request_: ModelRequest) -> None:
    check_media(features, request_, row())


def test_what_a_model_refuses_is_refused_by_the_catalogues_word() -> None:
    with pytest.raises(UnsupportedParameterError, match="'m' does not take 'size'") as caught:
        check_media(SOME, images_request(size="64x64"), row(unsupported_parameters=["size"]))
    assert caught.value.param == "size"
    check_media(SOME, images_request(size="auto"), row(unsupported_parameters=["size"]))


@pytest.mark.parametrize(
    ("request_", "members", "param"),
    [
        (images_request(size="64x64"), {"sizes": ["64x65", "128x128"]}, "size"),
        (videos_request(size="64x64", seconds=4), {"sizes": ["1280x720"], "seconds": [4]}, "size"),
        (videos_request(seconds=5), {"seconds": [4, 8]}, "seconds"),
    ],
)
def test_sizes_and_lengths_are_the_models_own(
    request_: ModelRequest, members: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_media(SOME, request_, row(**members))
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, None)


@pytest.mark.parametrize(
    ("request_", "members"),
    [
        (images_request(size="64x64"), {"sizes": ["64x64"]}),
        (images_request(size="64x64"), {}),
        (images_request(size="auto"), {"sizes": ["1x1"]}),
        (images_request(), {"sizes": ["1x1"]}),
        (videos_request(seconds=8), {"seconds": [4, 8]}),
        (videos_request(seconds=8), {}),
    ],
)
def test_a_model_without_such_a_list_has_any(request_: ModelRequest, members: dict[str, Any]) -> None:
    check_media(SOME, request_, row(**members))


def test_a_long_name_of_a_strangers_member_is_cut() -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        check_media(SOME, images_request("a cat", **{"x" * 5000: 1}), row())
    assert caught.value.param == "x" * 100
    assert len(caught.value.message) < 200
