"""What a key's limits and its end mean to its jobs: who looks at one takes no part of them, and a job outlives its key."""

import json
from dataclasses import replace
from typing import Any

import pytest

from asgi_client import Client
from key_records import key_record
from sluice.keys import digest_of, new_secret
from studio_functions import Site, made, untouched
from studio_world import NANO, NOON, SECRET

VIDEOS, PICTURES = "/v1/videos", "/v1/images/generations"
VIDEO_SECOND = NANO // 10
PICTURE, PICTURE_HELD = NANO // 25, NANO // 20
SECONDS = 4
SECOND_SECRET = new_secret("key")

POLLS = (
    "/v1/videos",
    "/v1/videos/{video}",
    "/v1/videos/result/{video}",
    "/v1/videos/{video}/content",
    "/v1/images/generations/{pictures}",
    "/v1/jobs/{video}/deliveries",
)
"""What a client asks again and again while it waits."""


def members(client: Client) -> dict[str, Any]:
    assert client.status in (200, 202), client.body
    found: dict[str, Any] = json.loads(client.body)
    return found


async def ask_for_video(site: Site) -> Client:
    return await site.ask("POST", VIDEOS, {"model": "filmer", "prompt": "a cat", "seconds": SECONDS})


async def ask_for_pictures(site: Site) -> Client:
    return await site.ask("POST", PICTURES, {"model": "painter", "prompt": "a cat", "async": True})


async def jobs_of(site: Site) -> dict[str, str]:
    """A job of each kind, by its kind."""
    return {
        "video": str(members(await ask_for_video(site))["id"]),
        "pictures": str(members(await ask_for_pictures(site))["id"]),
    }


# ── looking at jobs ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_looks_takes_none_of_the_key_s_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, rpm=3, budget_nano_usd=NANO)
    jobs = await jobs_of(site)
    counter = site.world.counter
    for path in POLLS * 3:
        client = await site.ask("GET", path.format(**jobs))
        assert client.status in (200, 307), (path, client.body)
        assert client.headers["x-ratelimit-remaining-requests"] == "1"
    assert site.world.counter == counter
    assert (await ask_for_pictures(site)).status == 202


async def test_who_has_had_all_requests_and_money_may_look_still(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, rpm=2, budget_nano_usd=SECONDS * VIDEO_SECOND + PICTURE_HELD)
    site.carrier = untouched
    jobs = await jobs_of(site)
    assert (await ask_for_video(site)).status == 429
    for path in POLLS:
        client = await site.ask("GET", path.format(**jobs))
        assert client.status == (404 if path.endswith("content") else 200), (path, client.body)
    assert (await site.ask("DELETE", f"{PICTURES}/{jobs['pictures']}")).status == 200
    site.world.now += 60
    assert (await ask_for_video(site)).status == 429  # the money is held still
    assert (await site.ask("GET", f"{VIDEOS}/{jobs['video']}")).status == 200


@pytest.mark.parametrize("path", POLLS)
async def test_an_address_that_looks_is_counted(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    site = Site(monkeypatch, ip_rpm=4)
    jobs = await jobs_of(site)
    asked = [await site.ask("GET", path.format(**jobs)) for _ in range(3)]
    assert [client.status == 429 for client in asked] == [False, False, True]
    assert asked[-1].error["code"] == "rate_limit_exceeded"
    assert int(asked[-1].headers["retry-after"]) > 0


# ── jobs whose key ends ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "end",
    [{"active": False}, {"expires_at": int(NOON)}, {"models": ("writer",)}],
    ids=["revoked", "expired", "other models"],
)
async def test_a_job_goes_on_when_its_key_has_ended_and_is_charged(
    monkeypatch: pytest.MonkeyPatch, end: dict[str, Any]
) -> None:
    site = Site(monkeypatch, budget_nano_usd=NANO)
    site.carrier = untouched
    jobs = await jobs_of(site)
    site.keys.records[digest_of(SECRET)] = replace(site.world.key, **end)
    site.keys.records[digest_of(SECOND_SECRET)] = key_record(SECOND_SECRET, id="key_c", owner="ann")
    for job in site.jobs:
        await made(site, job)
    assert [job.state for job in site.jobs] == ["completed", "completed"]
    assert sorted(site.world.charges) == [PICTURE, SECONDS * VIDEO_SECOND]
    assert {row.key_id for row in site.world.ledger} == {"key_a"}
    site.world.all_is_well()
    works_still = "models" in end
    for path in POLLS:
        asked = path.format(**jobs)
        other = await site.ask("GET", asked, secret=SECOND_SECRET)
        assert other.status == (307 if path.endswith("content") else 200), (path, other.body)
        assert (await site.ask("GET", asked)).status == (other.status if works_still else 401)
    assert (await ask_for_video(site)).status == (403 if works_still else 401)
    for job_id, path in zip(jobs.values(), (VIDEOS, PICTURES), strict=True):
        assert (await site.ask("DELETE", f"{path}/{job_id}", secret=SECOND_SECRET)).status == 200
