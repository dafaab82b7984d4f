"""Each provider's pictures over a socket: asked for by the gateway's own client, made by the mock that its SDK has tried."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from image_requests import images_call
from mock_bedrock import ROLE, MockBedrock
from mock_bedrock_images import CANVAS, STABLE
from mock_gemini import PAINTER, MockGemini
from mock_images import FORBIDDEN, HOSTED_MODEL, OWN_MODEL, UNSHOWN, picture_of
from mock_provider import MockProvider
from sluice.errors import SluiceError
from sluice.providers.contract import Inline, Remote, Target, UpstreamRequest
from sluice.providers.registry import PROVIDERS
from sluice.upstream.client import HTTPUpstream, tls_context

KEY = "sk-of-the-mock"


@dataclass(frozen=True)
class Place:
    """A provider's kind, where its mock is, and what it takes.

    Attributes:
        members: of the request, all that it has.
        seed: of a picture for which none is asked; None where none is known.
    """

    kind: str
    target: Target
    members: dict[str, Any]
    seed: int | None = None


@pytest.fixture(scope="module")
def places() -> Iterator[Sequence[Place]]:
    with ExitStack() as stack:
        openai, gemini, bedrock = (
            stack.enter_context(each) for each in (MockProvider(KEY), MockGemini(), MockBedrock())
        )
        hosted = {"size": "512x512", "steps": 10, "negative_prompt": "dogs"}
        own = {"size": "1024x1536", "quality": "xhigh", "output_format": "webp", "output_compression": 50}
        canvas = {"size": "1280x720", "quality": "premium", "negative_prompt": "dogs", "cfg_scale": 7.5}
        stable = {"aspect_ratio": "21:9", "output_format": "jpeg", "negative_prompt": "dogs"}
        yield [
            Place("openai", Target("ora", openai.url, HOSTED_MODEL, KEY), hosted),
            Place("openai-platform", Target("openai", openai.url, OWN_MODEL, KEY), own),
            Place("gemini", Target("google", gemini.url, PAINTER, gemini.credential), {"size": "5504x3072"}),
            Place("bedrock", Target("bedrock", bedrock.url, CANVAS, ROLE), canvas, seed=12),
            Place("bedrock", Target("bedrock", bedrock.url, STABLE, ROLE), stable, seed=7),
        ]


@pytest.fixture(params=range(5), ids=["hosted", "openai", "gemini", "canvas", "stable"])
def place(places: Sequence[Place], request: pytest.FixtureRequest) -> Place:
    found: Place = places[request.param]
    return found


@pytest.fixture
async def upstream() -> AsyncIterator[HTTPUpstream]:
    client = HTTPUpstream.open(tls=tls_context(), demo_token_seconds=0)
    yield client
    await client.close()


async def sent(upstream: HTTPUpstream, request: UpstreamRequest, place: Place) -> bytes:
    async with upstream.send(request) as response:
        body = await response.read()
    if response.status != 200:
        raise PROVIDERS[place.kind].failure(response.status, response.headers, body)
    return body


async def made(
    upstream: HTTPUpstream, place: Place, prompt: str = "a cat", index: int = 0, **members: Any
) -> bytes:
    """The picture, fetched where it has to be."""
    operation = PROVIDERS[place.kind].images
    assert operation is not None
    call = images_call(prompt, place.target, **members)
    media = operation.picture(await sent(upstream, operation.upstream_request(call, index), place), call)
    match media:
        case Inline(content):
            return content
        case Remote(request):
            return await sent(upstream, request, place)
        case _:
            raise AssertionError(media)


async def test_the_least_and_all_that_can_be_asked_for_give_the_picture(
    upstream: HTTPUpstream, place: Place
) -> None:
    assert await made(upstream, place) == picture_of("a cat", place.seed)
    assert await made(upstream, place, **place.members) == picture_of("a cat", place.seed)


@pytest.mark.parametrize("place", [0, 3, 4], indirect=True)
async def test_each_of_several_has_its_own_seed(upstream: HTTPUpstream, place: Place) -> None:
    found = await asyncio.gather(*(made(upstream, place, index=index, seed=40) for index in range(3)))
    assert found == [picture_of("a cat", seed) for seed in (40, 41, 42)]


@pytest.mark.parametrize(
    ("place", "prompt", "code"),
    [
        (0, FORBIDDEN, "content_policy_violation"),
        (1, FORBIDDEN, "content_policy_violation"),
        (2, FORBIDDEN, "content_policy_violation"),
        (2, UNSHOWN, "content_policy_violation"),
        (3, FORBIDDEN, None),  # told in prose only
        (3, UNSHOWN, "content_policy_violation"),
        (4, FORBIDDEN, "content_policy_violation"),
        (4, UNSHOWN, "content_policy_violation"),
    ],
    indirect=["place"],
)
async def test_what_a_filter_does_not_let_pass_is_told_as_such(
    upstream: HTTPUpstream, place: Place, prompt: str, code: str | None
) -> None:
    with pytest.raises(SluiceError) as caught:
        await made(upstream, place, prompt)
    assert (caught.value.status, caught.value.code) == (400, code)
