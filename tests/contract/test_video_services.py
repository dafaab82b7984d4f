"""Videos by every kind of service, through a running gateway: made, fetched, and charged once, or not made and not charged."""

import itertools
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

import boto3
import openai
import pytest

from gateway_process import GatewayProcess
from mock_bedrock import MockBedrock
from mock_bedrock_videos import REEL
from mock_films import BROKEN, FORBIDDEN, LOST, UNSHOWN
from mock_gemini import MockGemini
from mock_openai_videos import HOSTED_VIDEO_MODEL
from mock_provider import MockProvider
from mock_veo import VEO
from mock_video_services import OWN, MockVideoServices
from mosaic_decoder import movie_of

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

SECONDS = {"film": 4, "veo": 8, "reel": 6, "own": 5, "grok-imagine-video": 8, "gen4.5": 5, "demo-film": 4}
"""By model: how long a video is whose client says nothing."""

SERVICES = (*SECONDS, "KumoAnonymous/KumoVideo-Turbo")
PRICE = 0.1
REPEATABLE = frozenset({"reel", "own"})
_numbers = itertools.count(1)

ROW = """
[[models]]
id = "{id}"
kind = "video"
candidates = [{{ provider = "{provider}", model = "{model}" }}]
price = {{ second = "0.1" }}
seconds = [{seconds}]
"""


def _toml(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f'"{name}" = {_toml(each)}' for name, each in value.items()) + " }"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value)


def _shipped(provider: str) -> str:
    """What the shipped catalogue declares of a provider's videos."""
    text = (resources.files("sluice") / "catalog.toml").read_text(encoding="utf-8")
    found = re.search(
        rf"^\[providers\.{provider}\.videos\]\n(.|\n)*?(?=^\[\[|^\[providers\.(?!{provider}\.)|^#)",
        text,
        re.MULTILINE,
    )
    assert found is not None
    return found[0]


def _catalog(gemini: MockGemini, bedrock: MockBedrock, services: MockVideoServices) -> str:
    row = '\n[providers.{}]\nkind = "{}"\nbase_url = "{}"\ncredential = "{}"\n'
    parts = [row.format("google", "gemini", gemini.url, "GEMINI_API_KEY")]
    parts.append(row.format("bedrock", "bedrock", bedrock.url, "AWS_BEARER_TOKEN_BEDROCK"))
    for name, kind in {"ora": "openai", "xai": "xai", "runway": "declared", "own": "declared"}.items():
        parts.append(row.format(name, kind, services.address(name), "SERVICE_KEY"))
        if name == "runway":
            parts.append('headers = { "X-Runway-Version" = "2024-11-06" }\n')
        if name == "own":
            parts.append("videos = " + _toml(OWN) + "\n")
        else:
            parts.append(_shipped(name))
    rows = {
        "film": ("openai", HOSTED_VIDEO_MODEL),
        "veo": ("google", VEO),
        "reel": ("bedrock", REEL),
        "own": ("own", "any"),
        "grok-imagine-video": ("xai", "grok-imagine-video"),
        "gen4.5": ("runway", "gen4.5"),
        "demo-film": ("demo", "demo-video"),
        "KumoAnonymous/KumoVideo-Turbo": ("ora", "KumoAnonymous/KumoVideo-Turbo"),
    }
    for name, (provider, model) in rows.items():
        parts.append(ROW.format(id=name, provider=provider, model=model, seconds=SECONDS.get(name, 4)))
    return "".join(parts)


@pytest.fixture(scope="module")
def services() -> Iterator[MockVideoServices]:
    with MockVideoServices() as found:
        yield found


@pytest.fixture(scope="module")
def filming(
    provider: MockProvider, services: MockVideoServices, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway of its own, whose catalogue has all of them."""
    with MockGemini() as gemini, MockBedrock() as bedrock:
        secrets = {
            "GEMINI_API_KEY": gemini.credential,
            "AWS_BEARER_TOKEN_BEDROCK": bedrock.credential,
            "SERVICE_KEY": services.credential,
        }
        with GatewayProcess(
            tmp_path_factory.mktemp("filming"),
            provider.url,
            provider.credential,
            models=_catalog(gemini, bedrock, services),
            secrets=secrets,
            settings={"SLUICE_POLL_SECONDS": "0", "SLUICE_LONGEST_POLL_SECONDS": "1"},
        ) as gateway:
            store = boto3.client(
                "s3",
                endpoint_url=gateway.details["aws_endpoint"],
                region_name="us-east-1",
                aws_access_key_id="any",
                aws_secret_access_key="any",
            )

            def deliver(bucket: str, key: str, content: bytes) -> None:
                store.put_object(Bucket=bucket, Key=key, Body=content)

            bedrock.deliver = deliver
            yield gateway


CLEAN = ""
WORDS = (CLEAN, UNSHOWN, BROKEN, FORBIDDEN, LOST)


def _wanted(model: str, word: str) -> tuple[str, str | None]:
    """How a job ends, and why: what is not told by a code or a status is nobody's policy and nobody's fault."""
    if model == "demo-film" or word == CLEAN or (word == LOST and model in REPEATABLE):
        return "completed", None
    tells = {UNSHOWN: ("reel", "KumoAnonymous/KumoVideo-Turbo"), FORBIDDEN: ("reel", "veo")}
    match word:
        case _ if word in (BROKEN, LOST):
            return "failed", "upstream_error"
        case _ if model not in tells[word]:
            return "failed", "content_policy_violation"
        case _:
            return "failed", "invalid_request" if word == FORBIDDEN else "upstream_error"


def test_each_service_makes_videos_that_are_charged_once_and_no_others(filming: GatewayProcess) -> None:
    key = filming.create_key("--budget", "100")
    client = openai.OpenAI(api_key=key["key"], base_url=f"{filming.url}/v1", max_retries=0)

    def ended(case: tuple[str, str]) -> tuple[str, str | None, float | None]:
        model, word = case
        video = client.videos.create(model=model, prompt=f"a cat {word} {next(_numbers)}")
        video = client.videos.poll(video.id, poll_interval_ms=300)
        if video.status != "completed":
            return video.status, None if video.error is None else video.error.code, None
        return video.status, None, movie_of(client.videos.download_content(video.id).content).seconds

    cases = [(model, word) for model in SERVICES for word in WORDS]
    with client, ThreadPoolExecutor(12) as threads:
        found = dict(zip(cases, threads.map(ended, cases), strict=True))
    assert {case: each[:2] for case, each in found.items()} == {case: _wanted(*case) for case in cases}
    for (model, _), (status, _, seconds) in found.items():
        # Reference 002's service says nothing of lengths, and cannot be told: what is held is the most that is charged.
        assert status == "failed" or seconds == SECONDS.get(model, 5)
    made = {
        model: sum(_wanted(model, word)[0] == "completed" for word in WORDS) * SECONDS.get(model, 4)
        for model in SERVICES
    }
    rows = filming.usage("--key", key["id"], "--by", "model", until=lambda rows: _seconds(rows) == made)
    assert {row["model"]: float(row["cost"]) for row in rows} == {
        model: pytest.approx(seconds * PRICE) for model, seconds in made.items()
    }
    checked = filming.sluice("reconcile")
    assert (checked["different"], checked["expired_holds"]) == ([], 0)


def _seconds(rows: list[Any]) -> dict[str, int]:
    return {row["model"]: row["seconds"] for row in rows}


def test_what_a_service_is_told_is_what_the_client_says(
    filming: GatewayProcess, services: MockVideoServices, provider: MockProvider
) -> None:
    client = openai.OpenAI(api_key=filming.create_key()["key"], base_url=f"{filming.url}/v1", max_retries=0)
    number = next(_numbers)
    with client:
        for model, members in {
            "film": {"seed": 7, "negative_prompt": "dogs"},
            "KumoAnonymous/KumoVideo-Turbo": {"seed": 0},
            "own": {"style": "noir"},
        }.items():
            client.videos.create(model=model, prompt=f"it moves {number}", extra_body=members)
            _until_submitted(client)
        with pytest.raises(openai.BadRequestError) as caught:
            client.videos.create(model="KumoAnonymous/KumoVideo-Turbo", prompt="it moves", size="1280x720")
        assert (caught.value.param, caught.value.code) == ("size", "unsupported_parameter")
    (film,) = provider.films.of(f"it moves {number}")
    assert film.about["seed"] == "7"
    (ora,) = services.books["ora"].of(f"it moves {number}")
    assert ora.about["seed"] == 0
    (own,) = services.books["own"].of(f"it moves {number}")
    assert own.about["input"] == {"text": f"it moves {number}", "seconds": 5, "style": "noir"}
    assert own.mark is not None
    assert own.mark.startswith("video_")


def _until_submitted(client: openai.OpenAI) -> None:
    newest = next(iter(client.videos.list(limit=1)))
    assert client.videos.poll(newest.id, poll_interval_ms=300).status == "completed"
