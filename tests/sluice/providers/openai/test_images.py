"""What a host of OpenAI's format is asked for a picture, and what its reply has for one."""

import base64
import json
from typing import Any

import pytest

from image_requests import TARGET, asked, images_call, inline
from sluice.errors import SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import Inline, Remote, Target
from sluice.providers.openai import images
from sluice.providers.pictures import COUNTS

PICTURE = b"\x89PNG\r\n\x1a\n..."
ENCODED = base64.b64encode(PICTURE).decode()


def reply(*rows: Any, **members: Any) -> bytes:
    return json.dumps({"created": 1, "data": rows, **members}).encode()


class TestRequest:
    def test_members_are_passed_on_for_the_candidates_model_and_one_picture(self) -> None:
        members: dict[str, Any] = {
            "size": "512x768",
            "quality": "hd",
            "steps": 10,
            "style": "vivid",
            "user": "u",
            "lora": "x",
        }
        sent = images.upstream_request(images_call(**members), 0)
        assert sent.url == "https://api.example/v1/images/generations"
        assert sent.headers["authorization"] == "Bearer sk-upstream"
        assert sent.headers["x-team"] == "blue"
        assert json.loads(sent.body) == {"model": "upstream-model", "prompt": "a cat", "n": 1, **members}

    @pytest.mark.parametrize("member", sorted(COUNTS))
    def test_no_more_pictures_than_are_paid_for_can_be_asked_for(self, member: str) -> None:
        members: dict[str, Any] = {member: 4}
        with pytest.raises(UnsupportedParameterError) as caught:
            images.upstream_request(images_call(**members), 0)
        assert caught.value.param == member

    def test_what_the_gateway_sees_to_itself_goes_nowhere(self) -> None:
        """Nor what leaves a choice to the model, as it is without."""
        own: dict[str, Any] = {
            "n": 4,
            "response_format": "url",
            "async": True,
            "webhook_url": "https://a.example/",
        }
        left: dict[str, Any] = {
            "size": "auto",
            "quality": "auto",
            "background": "auto",
            "moderation": "auto",
            "steps": None,
        }
        assert asked(images, images_call(**own, **left, metadata={"a": "b"}, store=False)) == {
            "model": "upstream-model",
            "prompt": "a cat",
            "n": 1,
        }

    @pytest.mark.parametrize(
        ("seed", "index", "sent"),
        [(5, 0, 5), (5, 3, 8), (0, 0, 0), (2**53 - 1, 0, 2**53 - 1), (2**53 - 1, 2, 1)],
    )
    def test_a_seed_is_counted_on(self, seed: int, index: int, sent: int) -> None:
        assert asked(images, images_call(seed=seed), index)["seed"] == sent

    def test_without_a_seed_none_is_made_up(self) -> None:
        assert "seed" not in asked(images, images_call(), 3)

    @pytest.mark.parametrize("member", ["stream", "partial_images"])
    def test_a_stream_of_pictures_is_refused(self, member: str) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            asked(images, images_call("a cat", TARGET, **{member: True}))
        assert caught.value.param == member

    def test_what_asks_for_no_stream_is_none(self) -> None:
        asked(images, images_call(stream=False, partial_images=None))


class TestPicture:
    def test_it_may_stand_in_the_reply(self) -> None:
        assert inline(images, reply({"b64_json": ENCODED, "revised_prompt": "A cat."})) == PICTURE
        assert inline(images, reply({"b64_json": ENCODED, "url": "https://x.example/"})) == PICTURE

    def test_or_in_its_address(self) -> None:
        assert inline(images, reply({"url": f"data:image/png;base64,{ENCODED}"})) == PICTURE

    def test_or_somewhere_else_where_no_credential_is_sent(self) -> None:
        media = images.picture(reply({"index": 0, "url": "https://x.example/ipfs/Qm?a=b"}), images_call())
        assert isinstance(media, Remote)
        assert (media.request.url, media.request.method, media.request.body) == (
            "https://x.example/ipfs/Qm?a=b",
            "GET",
            b"",
        )
        assert dict(media.request.headers) == {"accept": "*/*"}

    def test_only_the_first_is_taken(self) -> None:
        assert inline(images, reply({"b64_json": ENCODED}, {"b64_json": "eA=="})) == PICTURE

    @pytest.mark.parametrize(
        "url", ["http://x.example/a.png", "ftp://x.example/", "/a.png", "https://", "x", "https://[/"]
    )
    def test_an_address_that_is_less_safe_than_the_providers_own_is_none(self, url: str) -> None:
        with pytest.raises(UpstreamError):
            images.picture(reply({"url": url}), images_call())

    def test_a_provider_without_encryption_may_have_its_pictures_there_too(self) -> None:
        target = Target("local", "http://127.0.0.1:1/v1", "m")
        media = images.picture(reply({"url": "http://127.0.0.1:1/a.png"}), images_call(to=target))
        assert isinstance(media, Remote)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            reply(),
            reply(7),
            reply({}),
            reply({"b64_json": None, "url": ""}),
            reply({"b64_json": ""}),
            reply({"b64_json": 7}),
            reply({"b64_json": "no base64"}),
            reply({"b64_json": "\u00fc\u00fc\u00fc\u00fc"}),
            reply({"url": "data:image/png;base64,!"}),
            b'{"data": {"b64_json": "eA=="}}',
        ],
    )
    def test_nonsense_is_an_upstream_error(self, body: bytes) -> None:
        with pytest.raises(UpstreamError):
            images.picture(body, images_call())

    def test_a_reported_failure_is_one(self) -> None:
        with pytest.raises(SluiceError) as caught:
            images.picture(reply(error={"message": "no", "type": "invalid_request_error"}), images_call())
        assert (caught.value.status, caught.value.message) == (400, "no")

    def test_pictures_stay_out_of_logs(self) -> None:
        assert "PNG" not in repr(Inline(PICTURE))
        assert "x.example" not in repr(images.picture(reply({"url": "https://x.example/"}), images_call()))
