"""Pictures by InvokeModel, in the formats of Amazon's Nova Canvas and of Stability AI."""

import base64
import json
from typing import Any

import pytest

from image_requests import asked, images_call, inline
from sluice.credentials import AWSCredentials
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock import images
from sluice.providers.contract import Target

ROLE = AWSCredentials("AKIA", "secret", "token", "us-west-2")
NOVA = "amazon.nova-canvas-v1:0"
CORE, ULTRA, SD3 = (
    "stability.stable-image-core-v1:1",
    "us.stability.stable-image-ultra-v1:1",
    "stability.sd3-5-large-v1:0",
)
PICTURE = b"\x89PNG..."
ENCODED = base64.b64encode(PICTURE).decode()
TEXT_TO_IMAGE = {"prompt": "a cat", "mode": "text-to-image"}


def target(model: str) -> Target:
    return Target("bedrock", "https://bedrock-runtime.us-west-2.amazonaws.com", model, ROLE)


def body_for(model: str, index: int = 0, **members: Any) -> Any:
    return asked(images, images_call(to=target(model), **members), index)


def read(model: str, **reply: Any) -> bytes:
    return inline(images, json.dumps(reply).encode(), images_call(to=target(model)))


class TestRequest:
    def test_it_is_signed_for_the_model(self) -> None:
        sent = images.upstream_request(images_call(to=target(NOVA)), 0)
        assert sent.url.endswith("/model/amazon.nova-canvas-v1%3A0/invoke")
        assert sent.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
        assert sent.headers["content-type"] == sent.headers["accept"] == "application/json"

    def test_nova_is_asked_for_one_picture(self) -> None:
        assert body_for(NOVA) == {
            "taskType": "TEXT_IMAGE",
            "textToImageParams": {"text": "a cat"},
            "imageGenerationConfig": {"numberOfImages": 1},
        }

    def test_nova_is_told_all_that_is_asked_for(self) -> None:
        sent = body_for(
            NOVA, 1, size="1280x720", quality="premium", seed=858_993_459, negative_prompt="dogs", cfg_scale=8
        )
        assert sent["textToImageParams"] == {"text": "a cat", "negativeText": "dogs"}
        assert sent["imageGenerationConfig"] == {
            "numberOfImages": 1,
            "width": 1280,
            "height": 720,
            "quality": "premium",
            "cfgScale": 8,
            "seed": 0,
        }

    @pytest.mark.parametrize("model", [CORE, ULTRA, SD3])
    def test_stability_is_asked_for_one_picture(self, model: str) -> None:
        assert body_for(model) == TEXT_TO_IMAGE
        members = {"negative_prompt": "dogs", "output_format": "jpeg", "aspect_ratio": "21:9"}
        assert body_for(model, 2, seed=4_294_967_293, **members) == TEXT_TO_IMAGE | members | {"seed": 1}

    @pytest.mark.parametrize("model", [NOVA, CORE, ULTRA, SD3])
    @pytest.mark.parametrize("value", ["auto", ""])
    def test_what_is_left_to_a_model_is_not_said(self, model: str, value: str) -> None:
        members: dict[str, Any] = {"cfg_scale" if model == NOVA else "aspect_ratio": value}
        assert body_for(model, size="auto", **members) == body_for(model)

    @pytest.mark.parametrize("model", [ULTRA, SD3])
    def test_the_one_size_that_is_known_is_a_ratio(self, model: str) -> None:
        sent = TEXT_TO_IMAGE | {"aspect_ratio": "1:1"}
        assert (
            body_for(model, size="1024x1024") == body_for(model, size="1024x1024", aspect_ratio="1:1") == sent
        )

    @pytest.mark.parametrize(
        ("model", "members", "param"),
        [
            (NOVA, {"size": "1000x1000"}, "size"),
            (NOVA, {"size": "304x1024"}, "size"),
            (NOVA, {"size": "320x4112"}, "size"),
            (NOVA, {"size": "320x1296"}, "size"),
            (NOVA, {"size": "2048x2048"}, "size"),
            (NOVA, {"quality": "hd"}, "quality"),
            (NOVA, {"seed": 858_993_460}, "seed"),
            (NOVA, {"prompt": "x" * 1025}, "prompt"),
            (NOVA, {"negative_prompt": "x" * 1025}, "negative_prompt"),
            (NOVA, {"cfg_scale": 11}, "cfg_scale"),
            (NOVA, {"cfg_scale": "8"}, "cfg_scale"),
            (NOVA, {"cfg_scale": True}, "cfg_scale"),
            (CORE, {"seed": 0}, "seed"),
            (SD3, {"seed": 4_294_967_295}, "seed"),
            (SD3, {"size": "512x512"}, "size"),
            (SD3, {"size": "1024x1024", "aspect_ratio": "2:3"}, "aspect_ratio"),
            (SD3, {"aspect_ratio": "7:1"}, "aspect_ratio"),
            (SD3, {"output_format": "webp"}, "output_format"),
            (SD3, {"prompt": "x" * 10_001}, "prompt"),
        ],
    )
    def test_a_value_that_it_does_not_take_is_refused(
        self, model: str, members: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            body_for(model, **members)
        assert (caught.value.status, caught.value.param) == (400, param)

    @pytest.mark.parametrize("size", ["320x320", "1280x320", "320x1280", "4000x1008", "2048x2032"])
    def test_novas_limits_are_sizes_that_it_has(self, size: str) -> None:
        assert body_for(NOVA, size=size)["imageGenerationConfig"]["width"] == int(size.split("x")[0])

    @pytest.mark.parametrize(
        ("model", "members", "param"),
        [
            (NOVA, {"aspect_ratio": "1:1"}, "aspect_ratio"),
            (NOVA, {"output_format": "png"}, "output_format"),
            (NOVA, {"steps": 5}, "steps"),
            (SD3, {"quality": "premium"}, "quality"),
            (SD3, {"cfg_scale": 8}, "cfg_scale"),
            (CORE, {"size": "1024x1024"}, "size"),
            ("amazon.titan-image-generator-v2:0", {}, "model"),
        ],
    )
    def test_what_a_family_does_not_know_is_refused(
        self, model: str, members: dict[str, Any], param: str
    ) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            body_for(model, **members)
        assert caught.value.param == param

    @pytest.mark.parametrize("model", [NOVA, SD3])
    def test_what_asks_for_nothing_is_let_pass(self, model: str) -> None:
        quiet: dict[str, Any] = {
            "size": "auto",
            "quality": "auto",
            "negative_prompt": "",
            "user": "u",
            "stream": False,
        }
        assert body_for(model, **quiet) == body_for(model)


class TestPicture:
    def test_it_stands_in_the_reply(self) -> None:
        assert read(NOVA, images=[ENCODED]) == PICTURE
        assert read(NOVA, images=[ENCODED], error=None) == PICTURE
        assert read(SD3, seeds=[2130420379], finish_reasons=[None], images=[ENCODED]) == PICTURE

    @pytest.mark.parametrize(
        ("model", "reply"),
        [
            (
                NOVA,
                {
                    "images": [],
                    "error": "All of the generated images have been blocked by our content filters.",
                },
            ),
            (NOVA, {"error": "All of the generated images have been blocked by our content filters."}),
            (CORE, {"finish_reasons": ["Filter reason: prompt"]}),
            (ULTRA, {"seeds": [1], "finish_reasons": ["Filter reason: output image"], "images": [ENCODED]}),
            (SD3, {"finish_reasons": ["Filter reason: input image"]}),
        ],
    )
    def test_what_was_filtered_is_told_as_such(self, model: str, reply: dict[str, Any]) -> None:
        with pytest.raises(SluiceError) as caught:
            read(model, **reply)
        assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")

    @pytest.mark.parametrize(
        ("model", "reply"),
        [
            (NOVA, {}),
            (NOVA, {"images": []}),
            (NOVA, {"images": "x"}),
            (NOVA, {"images": [None]}),
            (NOVA, {"images": ["!"]}),
            (SD3, {"finish_reasons": ["Inference error"], "images": [ENCODED]}),
            (SD3, {"finish_reasons": ["no such reason"], "images": [ENCODED]}),
            (SD3, {"finish_reasons": [None]}),
            (SD3, {"images": {}}),
            (SD3, {"finish_reasons": [None], "images": [7]}),
        ],
    )
    def test_anything_else_without_a_picture_is_an_upstream_error(
        self, model: str, reply: dict[str, Any]
    ) -> None:
        with pytest.raises(UpstreamError):
            read(model, **reply)

    @pytest.mark.parametrize("body", [b"", b"[]", b"x"])
    def test_nonsense_is_an_upstream_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            images.picture(body, images_call(to=target(NOVA)))
