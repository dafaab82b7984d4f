"""What is particular to pictures and to videos; and that money is held for longer than their machines run."""

from decimal import Decimal

import pytest
import yaml

from local_stack import ROOT
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.catalog import Candidate, ModelRow
from sluice.errors import InvalidRequestError
from sluice.pipeline.jobs.media import LIKELY_SECONDS, MARGIN_SECONDS, Images, Medium, Videos
from sluice.pipeline.jobs.sweep import LATE_SECONDS
from sluice.providers.registry import PROVIDERS
from studio_world import StudioWorld

CANDIDATE = Candidate(provider="near", model="m-1")
SWEEPS_SECONDS = 900
"""How often the schedules come by."""


def row(**members: object) -> ModelRow:
    return ModelRow.model_validate({"id": "m", "candidates": [CANDIDATE], **members})


@pytest.mark.parametrize(
    ("medium", "machine"), [(Images(), "images"), (Videos(), "videos")], ids=["images", "videos"]
)
def test_a_hold_outlives_its_machine_and_several_sweeps(medium: Medium, machine: str) -> None:  # type: ignore[type-arg] # of either request
    text = (ROOT / "functions" / "jobs" / f"{machine}.asl.yaml").read_text(encoding="utf-8")
    seconds = yaml.safe_load(text)["TimeoutSeconds"]
    assert seconds == medium.MACHINE_SECONDS
    assert medium.hold_seconds > seconds + LATE_SECONDS + 2 * SWEEPS_SECONDS
    assert medium.hold_seconds == seconds + MARGIN_SECONDS


@pytest.mark.parametrize("medium", [Images(), Images(waits=True), Videos()])
def test_a_job_gives_up_before_its_machine_is_ended(medium: Medium) -> None:  # type: ignore[type-arg] # of either request
    settings = StudioWorld().settings
    assert medium.job_seconds(settings) <= medium.MACHINE_SECONDS - 60


PRICE = {
    "image": "0.04",
    "second": "0.1",
    "variants": [
        {"size": "large", "quality": "hd", "image": "0.12", "second": "0.5"},
        {"size": "large", "image": "0.08"},
        {"quality": "hd", "image": "0.06"},
    ],
}


@pytest.mark.parametrize(
    ("size", "quality", "expected"),
    [
        (None, None, "0.04"),
        ("auto", "auto", "0.04"),
        ("1x1", None, "0.04"),
        ("large", None, "0.08"),
        ("large", "hd", "0.12"),
        ("large", "low", "0.08"),
        ("1x1", "hd", "0.06"),
        ("auto", "hd", "0.06"),
    ],
)
def test_a_picture_costs_what_its_size_and_quality_cost(
    size: str | None, quality: str | None, expected: str
) -> None:
    request = ImagesRequest.model_construct(model="m", prompt="p", size=size, quality=quality, n=3)
    assert Images().price(request, row(price=PRICE)) == Decimal(expected)
    assert Images().price(request, row()) is None
    assert (Images().pieces(request), Images().count(request), Images().seconds(request)) == (3, 3, None)


def test_a_video_costs_by_the_second() -> None:
    request = VideosRequest(model="m", prompt="p", seconds=12)
    assert Videos().price(request, row(price=PRICE)) == Decimal("0.1")
    assert Videos().price(request, row()) is None
    assert (Videos().pieces(request), Videos().count(request), Videos().seconds(request)) == (12, 1, 12)


@pytest.mark.parametrize(
    ("asked", "lengths", "expected"),
    [(6, (8, 4), 6), (None, (8, 4), 8), (None, (), LIKELY_SECONDS)],
)
def test_a_length_that_is_not_asked_for_is_the_models(
    asked: int | None, lengths: tuple[int, ...], expected: int
) -> None:
    request = VideosRequest(model="m", prompt="p", seconds=asked)
    assert Videos().settled(request, row(seconds=lengths)).seconds == expected
    assert Images().settled(ImagesRequest(model="m", prompt="p"), row()).n is None


@pytest.mark.parametrize(
    ("asked", "sizes", "expected"),
    [("1x10", (), "1x10"), (None, ("2x20",), "2x20"), ("auto", ("2x20",), "2x20"), (None, (), None)],
)
def test_a_size_that_is_not_asked_for_is_the_models(
    asked: str | None, sizes: tuple[str, ...], expected: str | None
) -> None:
    request = ImagesRequest.model_construct(model="m", prompt="p", size=asked)
    assert Images().size(request, row(sizes=sizes)) == expected


def test_a_provider_that_makes_none_is_refused() -> None:
    maker = PROVIDERS["anthropic"]
    for medium in (Images(), Videos()):
        with pytest.raises(InvalidRequestError) as caught:
            medium.features(maker, row())
        assert caught.value.param == "model"
