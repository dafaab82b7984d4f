"""A job is taken whole or not at all: its money is held, its request kept, its machine started, and its key kept in mind."""

import asyncio
import contextlib
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from key_records import key_record
from sluice.api.validation import parse_object
from sluice.errors import (
    BudgetExceededError,
    BudgetInFlightError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    InvalidJSONError,
    InvalidRequestError,
    ModelNotAllowedError,
    ModelNotFoundError,
    NotFoundError,
    RateLimitError,
    UnsupportedParameterError,
)
from sluice.observability import RequestRecord
from sluice.pipeline.jobs.media import (
    IMAGES_MACHINE_SECONDS,
    MARGIN_SECONDS,
    VIDEOS_MACHINE_SECONDS,
    Images,
    Videos,
)
from sluice.pipeline.jobs.owned import request_of
from sluice.pipeline.jobs.submit import submit
from sluice.pipeline.jobs.visit import Wanted
from sluice.pipeline.path import Call
from sluice.stores.bucket import request_key
from studio_world import NANO, NOON, PROMPT, SECRET, StudioWorld

DEAREST = 50_000_000
"""Of the makers of a picture, in nano-USD."""

pytestmark = pytest.mark.usefixtures("noon")


async def test_a_job_is_put_held_for_and_started(world: StudioWorld) -> None:
    submission = await world.submit(n=3, size="512x512", seed=7, user="me")
    job = submission.job
    assert not submission.replayed
    digits = world.record.request_id.removeprefix("req_")
    assert (job.id, job.request_id, job.state) == (f"image_{digits}", f"req_{digits}", "queued")
    assert (job.key_id, job.owner, job.kind, job.model) == ("key_a", "ann", "image", "painter")
    assert (job.count, job.seconds, job.size, job.has_webhook) == (3, None, "512x512", False)
    assert (job.created_at, job.deadline) == (NOON * 1000, NOON + 600)
    assert job.expires_at == NOON + 30 * 86_400
    assert job.hold.amount == world.used == 3 * 40_000_000, "of this size the other one is cheaper"
    assert job.hold.tokens == 0
    assert await world.job(job.id) == job
    assert world.machines.started == {f"arn:images {job.id}": (job.id, {"job": job.id})}
    kept = world.request_file(job.id)
    assert kept.request == {
        "model": "painter",
        "prompt": PROMPT,
        "n": 3,
        "size": "512x512",
        "seed": 7,
        "user": "me",
    }
    assert [(leg.provider, leg.model, leg.price) for leg in kept.legs] == [
        ("near", "p-1", Decimal("0.04")),
        ("far", "p-2", Decimal("0.02")),
    ]
    assert (kept.model, kept.callback_secret, kept.key_digest) == ("painter", None, None)
    assert kept.images.count == 3


async def test_a_video_is_as_long_as_its_model_makes_it(world: StudioWorld) -> None:
    job = (await world.submit(video=True)).job
    assert (job.id[:6], job.kind, job.count, job.seconds) == ("video_", "video", 1, 8)
    assert (job.deadline, job.hold.amount) == (NOON + 3600, 800_000_000)
    assert world.machines.has_started("arn:videos", job.id)
    kept = world.request_file(job.id)
    assert kept.videos.seconds == 8
    assert re.fullmatch(r"[\w-]{43}", kept.callback_secret or "")


async def test_a_video_is_as_long_as_its_client_wants(world: StudioWorld) -> None:
    job = (await world.submit(video=True, seconds="4")).job
    assert (job.seconds, job.hold.amount) == (4, 400_000_000)
    assert world.request_file(job.id).videos.seconds == 4


async def test_a_service_that_the_catalogue_declares_makes_videos_and_nothing_that_it_cannot_be_told(
    world: StudioWorld,
) -> None:
    job = (await world.submit(video=True, model="declared-filmer")).job
    (leg,) = world.request_file(job.id).legs
    assert (leg.provider, leg.model, job.seconds) == ("declared", "d-1", 4)
    with pytest.raises(UnsupportedParameterError):
        await world.submit(video=True, model="declared-filmer", seconds="8")


async def test_nobody_reads_a_prompt_but_in_the_bucket(world: StudioWorld) -> None:
    job = (await world.submit(webhook_url="https://hooks.example.com/secret")).job
    tables = repr(world.database.tables)
    assert PROMPT not in tables
    assert "hooks.example.com" not in tables
    assert PROMPT not in repr(world.machines.started)
    assert PROMPT.encode() in world.bucket.objects[request_key(job.id)].content


async def test_a_client_that_waits_has_less_time(world: StudioWorld) -> None:
    assert (await world.submit(waits=True)).job.deadline == NOON + 120


def test_money_is_held_for_longer_than_the_machine_runs(world: StudioWorld) -> None:
    assert Images().hold_seconds == IMAGES_MACHINE_SECONDS + MARGIN_SECONDS
    assert Videos().hold_seconds == VIDEOS_MACHINE_SECONDS + MARGIN_SECONDS
    assert world.settings.image_job_seconds < IMAGES_MACHINE_SECONDS
    assert world.settings.video_job_seconds < VIDEOS_MACHINE_SECONDS


@pytest.mark.parametrize("video", [False, True], ids=["image", "video"])
async def test_the_hold_lasts(world: StudioWorld, *, video: bool) -> None:
    job = (await world.submit(video=video)).job
    lasts = (VIDEOS_MACHINE_SECONDS if video else IMAGES_MACHINE_SECONDS) + MARGIN_SECONDS
    assert job.hold.expires_at == NOON + lasts
    assert job.hold == (world.counter.holds if world.counter else {})[job.request_id]


async def test_no_job_may_take_longer_than_its_machine() -> None:
    world = StudioWorld(video_job_seconds=99_999)
    assert (await world.submit(video=True)).job.deadline == NOON + VIDEOS_MACHINE_SECONDS


async def test_the_hash_of_its_input_is_that_of_what_is_made(world: StudioWorld) -> None:
    hashes = {
        (await world.submit(**members)).job.input_hash
        for members in (
            {},
            {"webhook_url": "https://a.example/"},
            {"response_format": "b64_json"},
            {"async": True},
            {"user": "me"},
        )
    }
    assert len(hashes) == 1
    assert (await world.submit(n=2)).job.input_hash not in hashes
    one, other = (await world.submit()).job, (await world.submit()).job
    assert one.request_hash == other.request_hash
    assert one.id != other.id


async def test_the_log_and_the_reply_tell_of_it(world: StudioWorld) -> None:
    job = (await world.submit(model="brush")).job
    assert (world.record.key_id, world.record.model, world.record.asked_model) == (
        "key_a",
        "painter",
        None,
    )
    assert world.record.job == job.id
    assert world.headers["x-sluice-budget-limit"] == "1.00"
    assert world.headers["x-sluice-budget-remaining"] == "0.95"


async def test_webhooks_are_looked_at_first(world: StudioWorld) -> None:
    job = (await world.submit(webhook_url="https://hooks.example.com/")).job
    assert job.has_webhook
    assert world.webhooks.checked == ["https://hooks.example.com/"]
    kept = world.request_file(job.id)
    assert (kept.webhook_url, kept.key_digest) == ("https://hooks.example.com/", world.key.digest)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str | None]] = {
    "no prompt": ({"prompt": ""}, InvalidRequestError, "prompt"),
    "too many": ({"n": 11}, InvalidRequestError, "n"),
    "no size": ({"size": "large"}, InvalidRequestError, "size"),
    "another size": ({"size": "640x480"}, InvalidRequestError, "size"),
    "nobody's member": ({"style": "vivid"}, UnsupportedParameterError, "style"),
    "unknown model": ({"model": "nobody"}, ModelNotFoundError, "model"),
    "a model that writes": ({"model": "writer"}, ModelNotFoundError, "model"),
    "a model of videos": ({"model": "filmer"}, ModelNotFoundError, "model"),
    "no price": ({"model": "unpriced-painter"}, ModelNotAllowedError, "model"),
    "other prices": ({"service_tier": "priority"}, UnsupportedParameterError, "service_tier"),
    "an unknown provider": ({"providers": "nowhere"}, InvalidRequestError, None),
    "nobody's provider": ({"providers": "locked"}, ModelNotFoundError, "model"),
    "no turn": ({"idempotency_key": "with space"}, InvalidRequestError, None),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_made_is_refused_and_nothing_is_held(world: StudioWorld, name: str) -> None:
    members, error, param = REFUSED[name]
    with pytest.raises(error) as caught:
        await world.submit(**members)
    assert isinstance(caught.value, InvalidRequestError)
    if param is not None:
        assert caught.value.param == param
    assert world.counter is None
    assert not world.files
    assert not world.all_jobs
    assert world.machines.started == {}
    assert "x-sluice-budget-limit" in world.headers, "the limits are told all the same"


@pytest.mark.parametrize("seconds", [0, 601, 5, "x"], ids=str)
async def test_a_length_that_the_model_does_not_have_is_refused(world: StudioWorld, seconds: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await world.submit(video=True, seconds=seconds)
    assert caught.value.param == "seconds"
    assert world.counter is None


async def test_a_body_as_deep_as_a_body_may_be_is_taken_or_refused_before_anything_is_held(
    world: StudioWorld,
) -> None:
    """In the bucket a request lies a level deeper than in its body, and has to be read there."""

    deepest = max(levels for levels in range(150, 250) if is_parsed(metadata_of(levels)))
    job = (await world.submit(metadata=metadata_of(deepest - 1))).job
    assert (await request_of(world.studio, job)).images.prompt == PROMPT
    held, files = world.used, world.files
    with pytest.raises(InvalidRequestError, match="too deeply"):
        await world.submit(metadata=metadata_of(deepest))
    assert (world.used, world.files, len(world.all_jobs)) == (held, files, 1)


def metadata_of(levels: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for _ in range(levels - 1):
        found = {"a": found}
    return found


def is_parsed(metadata: dict[str, object]) -> bool:
    with contextlib.suppress(InvalidJSONError):
        return bool(parse_object(json.dumps({"metadata": metadata}).encode()))
    return False


async def test_an_address_beyond_its_limit_holds_nothing(world: StudioWorld) -> None:
    async def refused() -> None:
        raise RateLimitError("too many")

    body = {"model": "painter", "prompt": PROMPT}
    call = Call(
        f"Bearer {SECRET}",
        json.dumps(body).encode(),
        RequestRecord("req_1", "POST", "/"),
        allowed=refused,
    )
    with pytest.raises(RateLimitError):
        await submit(world.studio, call, Wanted(world.key, body), Images())
    assert world.counter is None


async def test_the_dearest_maker_is_held_for_and_the_budget_kept(world: StudioWorld) -> None:
    for _ in range(2):
        await world.submit(n=10)
    with pytest.raises(BudgetInFlightError):
        await world.submit()
    assert world.used == NANO == 20 * DEAREST


async def test_what_a_budget_cannot_pay_is_never_begun() -> None:
    world = StudioWorld(key_record(SECRET, id="key_a", owner="ann", budget_nano_usd=10 * DEAREST - 1))
    with pytest.raises(BudgetExceededError):
        await world.submit(n=10)
    await world.submit(n=9)
    assert len(world.all_jobs) == len(world.machines.started) == 1


async def test_only_the_wanted_provider_makes_and_is_paid(world: StudioWorld) -> None:
    job = (await world.submit(providers="far")).job
    assert [leg.provider for leg in world.request_file(job.id).legs] == ["far"]
    job = (await world.submit(providers="far, near")).job
    assert [leg.provider for leg in world.request_file(job.id).legs] == ["far", "near"]


async def test_requests_count_by_the_minute() -> None:
    world = StudioWorld(key_record(SECRET, id="key_a", owner="ann", rpm=2))
    await world.submit()
    await world.submit()
    with pytest.raises(RateLimitError):
        await world.submit()
    assert len(world.all_jobs) == 2


# ── Idempotency-Key ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeated_request_is_told_of_the_same_job(world: StudioWorld) -> None:
    first = await world.submit(idempotency_key="once")
    again = await world.submit(idempotency_key="once")
    assert (again.job, again.replayed) == (first.job, True)
    assert world.record.replayed
    assert world.record.job == first.job.id
    assert world.headers["idempotent-replayed"] == "true"
    assert world.holds == [first.job.request_id]
    with pytest.raises(IdempotencyKeyReusedError):
        await world.submit(idempotency_key="once", n=2)


async def test_a_repeated_request_is_told_of_a_job_that_failed(world: StudioWorld) -> None:
    first = await world.submit(idempotency_key="once")
    await world.closer.fail(first.job.id, "timeout")
    again = await world.submit(idempotency_key="once")
    assert (again.job.id, again.job.state) == (first.job.id, "failed")
    assert world.machines.started.keys() == {f"arn:images {first.job.id}"}


async def test_a_job_that_was_deleted_is_not_made_again(world: StudioWorld) -> None:
    first = await world.submit(idempotency_key="once")
    await world.closer.fail(first.job.id, "timeout")
    await world.jobs.delete(first.job.id)
    with pytest.raises(NotFoundError):
        await world.submit(idempotency_key="once")


async def test_of_many_at_once_one_job_is_made(world: StudioWorld) -> None:
    outcomes = await asyncio.gather(
        *(world.submit(idempotency_key="once") for _ in range(20)), return_exceptions=True
    )
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert all(
        isinstance(outcome, IdempotencyInProgressError)
        for outcome in outcomes
        if isinstance(outcome, BaseException)
    )
    assert len({submission.job.id for submission in made}) == 1
    assert len(world.all_jobs) == len(world.holds) == 1
