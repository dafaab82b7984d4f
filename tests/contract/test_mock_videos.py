"""Every mock service of videos, by our own modules and by the official clients that still have the calls."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import httpx
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mock_bedrock import ROLE, MockBedrock
from mock_bedrock_videos import RAY, REEL
from mock_films import BROKEN, BUSY, FORBIDDEN, GARBAGE, LOST, SLOW, UNSHOWN
from mock_gemini import MockGemini
from mock_openai_videos import HOSTED_VIDEO_MODEL, OWN_VIDEO_MODEL
from mock_provider import MockProvider
from mock_veo import OLD_VEO, VEO
from mock_video_services import OWN, MockVideoServices
from mosaic_decoder import movie_of
from sluice.catalog import load_catalog
from sluice.catalog_videos import VideoService
from sluice.credentials import AWSCredentials
from sluice.errors import InvalidRequestError, OverloadedError, SluiceError, UpstreamError
from sluice.providers.contract import Provider, Target
from sluice.providers.declared import PROVIDER as DECLARED
from sluice.providers.declared.videos import DeclaredVideos
from sluice.providers.registry import PROVIDERS, provider_of
from video_journeys import Journey, errand_of, journey

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
"""OpenAI's client has the calls still, and says of each that their service is gone."""

PICTURE = {"image_url": "data:image/png;base64,iVBORw0KGgo="}
_jobs = itertools.count(1)


@pytest.fixture(scope="module")
def gemini() -> Iterator[MockGemini]:
    with MockGemini() as mock:
        yield mock


@pytest.fixture(scope="module")
def bedrock() -> Iterator[MockBedrock]:
    with MockBedrock() as mock:
        yield mock


@pytest.fixture(scope="module")
def services() -> Iterator[MockVideoServices]:
    with MockVideoServices() as mock:
        yield mock


NAMES = ("openai", "gemini", "bedrock", "ora", "xai", "runway", "own")
LENGTHS = {"gemini": 8, "bedrock": 6, "openai": 4, "xai": 8, "runway": 5, "own": 5}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def way(
    name: str, provider: MockProvider, gemini: MockGemini, bedrock: MockBedrock, services: MockVideoServices
) -> AsyncIterator[Journey]:
    """Each kind of service in its turn."""
    async with journey(*_reached(name, provider, gemini, bedrock, services)) as found:
        if name == "bedrock":
            bedrock.deliver = lambda _, key, content: found.shelf.files.update({key: content})
        yield found


def _reached(
    name: str, provider: MockProvider, gemini: MockGemini, bedrock: MockBedrock, services: MockVideoServices
) -> tuple[Provider, Target]:
    match name:
        case "openai":
            return PROVIDERS["openai"], Target(name, provider.url, HOSTED_VIDEO_MODEL, provider.credential)
        case "gemini":
            return PROVIDERS["gemini"], Target(name, gemini.url, VEO, gemini.credential)
        case "bedrock":
            return PROVIDERS["bedrock"], Target(name, bedrock.url, REEL, ROLE)
        case "own":
            own = DeclaredVideos(VideoService.model_validate(OWN))
            found = Provider(None, DECLARED.failure, None, DECLARED.features, videos=own)
            return found, Target(name, services.address(name), "any", services.credential)
        case _:
            row = load_catalog().providers[name]
            model = {"xai": "grok-imagine-video", "runway": "gen4.5"}.get(
                name, "KumoAnonymous/KumoVideo-Turbo"
            )
            target = Target(name, services.address(name), model, services.credential, row.headers)
            return provider_of(row), target


def members(name: str, prompt: str) -> dict[str, Any]:
    return {"prompt": f"{prompt} {next(_jobs)}", "seconds": LENGTHS.get(name, 4)}


async def test_a_video_is_made_and_fetched(way: Journey, name: str) -> None:
    film, seconds = await way.made(**members(name, "a cat"), errand=errand_of(f"video_{next(_jobs)}"))
    assert movie_of(film).seconds == LENGTHS.get(name, 5)
    assert seconds in (None, LENGTHS.get(name))
    assert way.progress == sorted(way.progress, key=lambda value: value or 0)


async def test_a_slow_one_is_waited_for_and_nonsense_is_asked_again(way: Journey, name: str) -> None:
    film, _ = await way.made(**members(name, f"{SLOW} {GARBAGE}"), errand=errand_of(f"video_{next(_jobs)}"))
    assert film
    assert len(way.progress) >= 4


async def test_what_a_policy_forbids_is_refused_at_once(way: Journey, name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await way.submitted(**members(name, FORBIDDEN))
    assert caught.value.status == 400
    if name in ("openai", "ora", "xai", "own"):
        assert caught.value.code in ("content_policy_violation", "moderation_blocked")


async def test_what_a_policy_keeps_back_is_told_so(way: Journey, name: str) -> None:
    errand = errand_of(f"video_{next(_jobs)}")
    ended = await way.ended(await way.submitted(**members(name, UNSHOWN), errand=errand), errand)
    assert isinstance(ended, SluiceError)
    # Two services say it in prose alone, or not at all.
    code = "upstream_error" if name in ("bedrock", "ora") else "content_policy_violation"
    assert ended.code == code


async def test_what_breaks_is_told_so(way: Journey, name: str) -> None:
    errand = errand_of(f"video_{next(_jobs)}")
    ended = await way.ended(await way.submitted(**members(name, BROKEN), errand=errand), errand)
    assert isinstance(ended, UpstreamError)


async def test_one_that_is_busy_says_so(way: Journey, name: str) -> None:
    asked = members(name, BUSY)
    with pytest.raises(OverloadedError):
        await way.submitted(**asked)
    assert await way.submitted(**asked)


async def test_a_lost_answer_is_no_loss_where_submissions_are_repeatable(way: Journey, name: str) -> None:
    asked, errand = members(name, LOST), errand_of(f"video_{next(_jobs)}")
    with pytest.raises(UpstreamError) as caught:
        await way.submitted(**asked, errand=errand)
    assert not caught.value.unheard
    first = await way.submitted(**asked, errand=errand)
    assert (await way.submitted(**asked, errand=errand) == first) is way.way.videos.REPEATABLE
    assert way.way.videos.REPEATABLE is (name in ("bedrock", "own"))


async def test_giving_up_ends_it_where_that_can_be_said(way: Journey, name: str) -> None:
    reference = await way.submitted(**members(name, SLOW), errand=errand_of(f"video_{next(_jobs)}"))
    status = await way.cancelled(reference)
    assert status == {"openai": 200, "runway": 204, "own": 204}.get(name)
    if status == 204:
        assert isinstance(await way.ended(reference), SluiceError)


async def test_a_video_that_nobody_knows_is_an_error(way: Journey, name: str) -> None:
    unknown = {
        "gemini": f"models/{VEO}/operations/nothing",
        "bedrock": "arn:aws:bedrock:eu-central-1:123456789012:async-invoke/nothing00000",
    }.get(name, "nothing")
    with pytest.raises(SluiceError):
        await way.asked(unknown)


async def test_nobody_gets_in_without_the_key(way: Journey, name: str) -> None:
    wrong: Any = AWSCredentials("AKIA", "wrong", None, "eu-central-1") if name == "bedrock" else "wrong"
    target = way.way.target
    stranger = Target(target.provider, target.base_url, target.model, wrong, target.headers)
    async with journey(way.way.provider, stranger) as other:
        with pytest.raises(UpstreamError, match="credential"):
            await other.submitted(**members(name, "a cat"))


async def test_all_that_each_can_be_told(
    provider: MockProvider, gemini: MockGemini, bedrock: MockBedrock, services: MockVideoServices
) -> None:
    asked: dict[str, list[dict[str, Any]]] = {
        "openai": [
            {
                "size": "1280x720",
                "seed": 3,
                "negative_prompt": "dogs",
                "guidance_scale": 5,
                "input_reference": PICTURE,
            }
        ],
        "gemini": [
            {"size": "1080x1920", "seed": 3, "negative_prompt": "dogs", "person_generation": "allow_adult"},
            {"size": "1280x720", "seconds": 4, "input_reference": PICTURE},
        ],
        "bedrock": [{"size": "1280x720", "seed": 3, "input_reference": PICTURE}, {"seconds": 120}],
        "ora": [{"seed": 3}],
        "xai": [{"size": "480x848", "seconds": 15}],
        "runway": [{"size": "720x1280", "seed": 3}],
        "own": [{"style": "noir"}],
    }
    for name, wanted in asked.items():
        async with journey(*_reached(name, provider, gemini, bedrock, services)) as way:
            for each in wanted:
                errand = errand_of(f"video_{next(_jobs)}")
                assert await way.submitted(**{**members(name, "a cat"), **each}, errand=errand)
    async with journey(PROVIDERS["gemini"], Target("google", gemini.url, OLD_VEO, gemini.credential)) as way:
        assert await way.submitted(seconds=5, size="720x1280")
    async with journey(PROVIDERS["bedrock"], Target("bedrock", bedrock.url, RAY, bedrock.credential)) as way:
        errand = errand_of(f"video_{next(_jobs)}")
        assert await way.submitted(seconds=9, size="540x960", input_reference=PICTURE, errand=errand)


async def test_a_service_that_calls_is_told_where(services: MockVideoServices) -> None:
    own = DeclaredVideos(VideoService.model_validate(OWN))
    provider = Provider(None, DECLARED.failure, None, DECLARED.features, videos=own)
    address = "https://us.example/v1/jobs/video_1/callbacks/secret"
    async with journey(provider, Target("own", services.address("own"), "any", services.credential)) as way:
        reference = await way.submitted(**members("own", "a cat"), errand=errand_of("video_called", address))
    assert services.calls[reference] == address


def test_openais_client_makes_a_video(direct: openai.OpenAI) -> None:
    video = direct.videos.create(model=OWN_VIDEO_MODEL, prompt="a cat", seconds="8", size="1280x720")
    assert (video.object, video.status, video.seconds, video.size) == ("video", "queued", "8", "1280x720")
    done = direct.videos.poll(video.id, poll_interval_ms=1)
    assert (done.status, done.progress) == ("completed", 100)
    movie = movie_of(direct.videos.download_content(video.id).content)
    assert (movie.seconds, movie.width, movie.height) == (8, 1280, 720)
    assert direct.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        direct.videos.retrieve(video.id)


def test_openais_client_sends_a_picture(direct: openai.OpenAI, provider: MockProvider) -> None:
    video = direct.videos.create(
        prompt="it moves", model=OWN_VIDEO_MODEL, input_reference=("a.png", b"\x89PNG..", "image/png")
    )
    order = provider.films.find(video.id)
    assert order is not None
    assert order.about["input_reference"] == ("image/png", b"\x89PNG..")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"seconds": "5"}, "seconds"),
        ({"size": "10x10"}, "size"),
        ({"model": "sora-9"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"extra_body": {"seed": 1}}, "seed"),
        ({"input_reference": ("a.png", b"GIF", "image/png")}, "input_reference"),
    ],
)
def test_what_openai_refuses_is_refused(direct: openai.OpenAI, members: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        direct.videos.create(**{"model": OWN_VIDEO_MODEL, "prompt": "a cat", **members})
    assert caught.value.param == param


def _bedrock_client(bedrock: MockBedrock) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.url,
        region_name=ROLE.region,
        aws_access_key_id=ROLE.access_key,
        aws_secret_access_key=ROLE.secret_key,
        aws_session_token=ROLE.token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_amazons_client_starts_an_invocation_and_finds_its_file(bedrock: MockBedrock) -> None:
    files: dict[tuple[str, str], bytes] = {}
    bedrock.deliver = lambda bucket, key, content: files.update({(bucket, key): content})
    client = _bedrock_client(bedrock)
    given = {
        "taskType": "TEXT_VIDEO",
        "textToVideoParams": {"text": "a cat"},
        "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720", "seed": 1},
    }
    place = {"s3OutputDataConfig": {"s3Uri": "s3://our-bucket/some/where"}}
    started = client.start_async_invoke(modelId=REEL, modelInput=given, outputDataConfig=place)
    while (found := client.get_async_invoke(invocationArn=started["invocationArn"]))[
        "status"
    ] == "InProgress":
        pass
    assert found["status"] == "Completed"
    folder = found["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"].removeprefix("s3://our-bucket/")
    assert movie_of(files["our-bucket", f"{folder}/output.mp4"]).seconds == 6
    assert folder == f"some/where/{started['invocationArn'].rpartition('/')[2]}"
    with pytest.raises(ClientError, match="ValidationException"):
        client.start_async_invoke(modelId=REEL, modelInput={"text": "a cat"}, outputDataConfig=place)


def test_googles_file_is_behind_a_redirect_and_wants_the_key(gemini: MockGemini) -> None:
    key = {"x-goog-api-key": gemini.credential}
    body = {"instances": [{"prompt": "a cat"}], "parameters": {"durationSeconds": 4}}
    url = f"{gemini.url}/v1beta/models/{VEO}:predictLongRunning"
    assert httpx.post(url, json=body).status_code == 400
    name = httpx.post(url, json=body, headers=key).json()["name"]
    while not (found := httpx.get(f"{gemini.url}/v1beta/{name}", headers=key).json()).get("done"):
        pass
    uri = found["response"]["generateVideoResponse"]["generatedSamples"][0]["video"]["uri"]
    assert httpx.get(uri).status_code == 400
    moved = httpx.get(uri, headers=key)
    assert moved.status_code == 302
    assert movie_of(httpx.get(moved.headers["location"]).content).seconds == 4


async def test_two_videos_at_once_do_not_mix(way: Journey, name: str) -> None:
    asked = [members(name, f"a cat {number}") for number in range(4)]
    errands = [errand_of(f"video_{next(_jobs)}") for _ in asked]
    films = await asyncio.gather(
        *(way.made(**each, errand=errand) for each, errand in zip(asked, errands, strict=True))
    )
    assert len({film for film, _ in films}) == 4
