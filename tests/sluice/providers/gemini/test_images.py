"""How Gemini is asked for a picture, and where it lies in the reply."""

import base64
import json
from typing import Any

import pytest

from image_requests import asked, images_call, inline
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import Target
from sluice.providers.gemini import images

TARGET = Target("google", "https://generativelanguage.googleapis.com", "gemini-nano-banana-2.1", "key")
PICTURE = b"\x89PNG..."
PART = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PICTURE).decode()}}
CONTENTS = [{"role": "user", "parts": [{"text": "a cat"}]}]


def body_for(**members: Any) -> Any:
    return asked(images, images_call(to=TARGET, **members))


def reply(*parts: Any, **members: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return json.dumps({"candidates": [{**candidate, **members}]}).encode()


class TestRequest:
    def test_it_is_one_message_to_the_model(self) -> None:
        sent = images.upstream_request(images_call(to=TARGET), 2)
        assert sent.url.endswith("/v1beta/models/gemini-nano-banana-2.1:generateContent")
        assert sent.headers["x-goog-api-key"] == "key"
        assert json.loads(sent.body) == {
            "contents": CONTENTS,
            "generationConfig": {"responseModalities": ["IMAGE"]},
        }

    @pytest.mark.parametrize(
        ("members", "form"),
        [
            ({"size": "1024x1024"}, {"aspectRatio": "1:1"}),
            ({"size": "1376x768"}, {"aspectRatio": "16:9"}),
            ({"size": "2048x2048"}, {"aspectRatio": "1:1", "imageSize": "2K"}),
            ({"size": "3392x5056"}, {"aspectRatio": "2:3", "imageSize": "4K"}),
            ({"aspect_ratio": "1:8"}, {"aspectRatio": "1:8"}),
        ],
    )
    def test_a_size_is_an_aspect_ratio_and_a_resolution(
        self, members: dict[str, Any], form: dict[str, str]
    ) -> None:
        assert body_for(**members)["generationConfig"]["imageConfig"] == form

    def test_each_size_is_there_once(self) -> None:
        assert len(images.SIZES) == 30
        assert {ratio for ratio, _ in images.SIZES.values()} < set(images.RATIOS)

    @pytest.mark.parametrize("size", [*images.SIZES])
    def test_a_size_is_of_its_ratio(self, size: str) -> None:
        """Within what multiples of 16 pixels allow."""
        width, height = map(int, size.split("x"))
        across, down = map(int, images.SIZES[size][0].split(":"))
        assert abs(width / height - across / down) < 0.03 * across / down

    @pytest.mark.parametrize(
        "members", [{"size": "auto"}, {"aspect_ratio": "auto"}, {"aspect_ratio": ""}, {"quality": "auto"}]
    )
    def test_what_is_left_to_it_is_not_said(self, members: dict[str, Any]) -> None:
        assert "imageConfig" not in body_for(**members)["generationConfig"]

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"size": "1536x1024"}, "size"),
            ({"aspect_ratio": "7:1"}, "aspect_ratio"),
            ({"aspect_ratio": {}}, "aspect_ratio"),
            ({"aspect_ratio": "1:1", "size": "1024x1024"}, "aspect_ratio"),
        ],
    )
    def test_what_it_does_not_make_is_refused(self, members: dict[str, Any], param: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            images.upstream_request(images_call(to=TARGET, **members), 0)
        assert (caught.value.status, caught.value.param) == (400, param)

    @pytest.mark.parametrize("member", ["seed", "steps", "n_iter"])
    def test_what_it_does_not_know_is_refused(self, member: str) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            body_for(**{member: 1})
        assert caught.value.param == member


class TestPicture:
    def test_it_stands_among_the_parts(self) -> None:
        assert inline(images, reply(PART)) == PICTURE
        assert inline(images, reply({"text": "Here it is."}, PART)) == PICTURE

    def test_what_it_thinks_of_is_not_the_picture(self) -> None:
        thought = {"inlineData": {"mimeType": "image/png", "data": "eA=="}, "thought": True}
        assert inline(images, reply(thought, {"text": "hm", "thought": True}, PART)) == PICTURE
        with pytest.raises(UpstreamError):
            images.picture(reply(thought), images_call())

    @pytest.mark.parametrize(
        "body",
        [
            reply(finishReason="IMAGE_SAFETY"),
            reply({"text": "I cannot."}, finishReason="PROHIBITED_CONTENT"),
            reply(finishReason="IMAGE_PROHIBITED_CONTENT", finishMessage="No."),
            reply(finishReason="IMAGE_RECITATION", content=None),
            json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}).encode(),
            json.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "candidates": []}).encode(),
        ],
    )
    def test_a_refusal_is_told_by_its_reason(self, body: bytes) -> None:
        with pytest.raises(SluiceError) as caught:
            images.picture(body, images_call())
        assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            reply(),
            reply({"text": "I cannot do that."}),
            reply(finishReason="NO_IMAGE"),
            reply(finishReason="IMAGE_OTHER"),
            reply(finishReason=["SAFETY"]),
            reply({"inlineData": "x"}),
            reply({"inlineData": {"data": 7}}),
            reply({"inlineData": {"data": "!"}}),
            reply(content="x"),
            b'{"candidates": {}, "promptFeedback": 7}',
        ],
    )
    def test_anything_else_without_a_picture_is_an_upstream_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            images.picture(body, images_call())

    def test_a_reported_failure_is_one(self) -> None:
        body = json.dumps({"error": {"code": 503, "status": "UNAVAILABLE", "message": "x"}}).encode()
        with pytest.raises(SluiceError) as caught:
            images.picture(body, images_call())
        assert caught.value.status == 503
