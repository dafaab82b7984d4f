"""The mock's pictures, by the official client: what is proven with them is worth as much as they are."""

import base64
from typing import Any

import httpx
import openai
import pytest

from image_requests import png_pixels
from mock_images import FORBIDDEN, HOSTED_MODEL, OWN_MODEL, SIDE, picture_of
from mock_provider import MockProvider


def test_openais_own_models_send_base64(direct: openai.OpenAI) -> None:
    reply = direct.images.generate(model=OWN_MODEL, prompt="a cat", n=2, size="1024x1024", quality="low")
    assert reply.data is not None
    assert [base64.b64decode(each.b64_json or "") for each in reply.data] == [picture_of("a cat")] * 2
    assert png_pixels(picture_of("a cat"))[:2] == (SIDE, SIDE)
    assert reply.usage is not None


def test_a_host_sends_addresses_unless_it_is_told_otherwise(direct: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": HOSTED_MODEL, "prompt": "a cat", "extra_body": {"seed": 3, "steps": 10}}
    reply = direct.images.generate(**asked)
    assert reply.data is not None
    assert reply.data[0].url is not None
    assert httpx.get(reply.data[0].url).content == picture_of("a cat", 3)
    assert httpx.get(reply.data[0].url, headers={"authorization": "Bearer x"}).status_code == 400
    reply = direct.images.generate(**asked, response_format="b64_json")
    assert reply.data is not None
    assert base64.b64decode(reply.data[0].b64_json or "") == picture_of("a cat", 3)


def test_other_seeds_and_prompts_have_other_pictures() -> None:
    assert len({picture_of("a"), picture_of("b"), picture_of("a", 0), picture_of("a", 1)}) == 4


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
        ({"extra_body": {"seed": 1}}, "seed", "unknown_parameter"),
        ({"quality": "hd"}, "quality", "invalid_value"),
        ({"size": "huge"}, "size", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"model": "dall-e-9"}, "model", "invalid_value"),
        ({"prompt": ""}, "prompt", "missing_required_parameter"),
        ({"prompt": f"a {FORBIDDEN} cat"}, None, "moderation_blocked"),
    ],
)
def test_what_openai_refuses_is_refused(
    direct: openai.OpenAI, members: dict[str, Any], param: str | None, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        direct.images.generate(**{"model": OWN_MODEL, "prompt": "a cat", **members})
    assert (caught.value.param, caught.value.code) == (param, code)


def test_it_fails_as_it_is_told(direct: openai.OpenAI, provider: MockProvider) -> None:
    with pytest.raises(openai.RateLimitError):
        direct.images.generate(model=OWN_MODEL, prompt="a cat", user=provider.case("rate_limited").user)
