"""The videos function over a studio in memory."""

import pytest

from openai_schemas import check_video, check_video_deleted, check_videos
from sluice.catalog import load_catalog
from streamed_functions import sample_events
from studio_functions import (
    OTHER_SECRET,
    VIDEO,
    VIDEOS,
    Desk,
    Site,
    create_video,
    failed,
    left_by_another_version,
    members,
    untouched,
)

TASKS = "/v1/videos/generations"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff--a-boundary\r\r\n"


# ── OpenAI's videos ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_video_is_seen_queued_in_progress_and_completed(site: Site, prefix: str) -> None:
    site.carrier = untouched
    client = await site.ask("POST", prefix + VIDEOS, {**VIDEO, "seconds": "4", "size": "1280x720"})
    (job,) = site.jobs
    first = members(client)
    check_video(first)
    assert first == {
        "id": job.id,
        "object": "video",
        "model": "filmer",
        "status": "queued",
        "progress": 0,
        "created_at": job.created_at // 1000,
        "completed_at": None,
        "expires_at": job.expires_at,
        "prompt": "a cat",
        "seconds": "4",
        "size": "1280x720",
        "remixed_from_video_id": None,
        "error": None,
    }
    assert client.headers["openai-poll-after-ms"] == "1000"
    await site.world.jobs.begin(job.id, 1)
    await site.world.jobs.note_progress(job.id, 40)
    shown = await site.ask("GET", f"{prefix}{VIDEOS}/{job.id}")
    assert members(shown) == first | {"status": "in_progress", "progress": 40}
    assert shown.headers["openai-poll-after-ms"] == "1000"
    await site.world.make(job, seconds=4)
    await site.world.closer.finish(job.id)
    done = await site.ask("GET", f"{prefix}{VIDEOS}/{job.id}")
    check_video(members(done))
    assert members(done) == first | {
        "status": "completed",
        "progress": 100,
        "completed_at": int(site.world.now),
    }
    assert done.headers["openai-poll-after-ms"] == "1000"
    site.world.all_is_well()


async def test_a_failed_video_says_why(site: Site) -> None:
    site.carrier = failed("content_policy_violation", "No cats.")
    shown = members(await site.ask("GET", f"{VIDEOS}/{await create_video(site)}"))
    assert shown["status"] == "failed"
    assert shown["error"] == {"code": "content_policy_violation", "message": "No cats."}
    assert shown["completed_at"] is None
    check_video(shown | {"size": "720x1280"})


async def test_who_looks_often_is_told_to_look_less(site: Site) -> None:
    site.carrier = untouched
    job_id = await create_video(site)
    for age, milliseconds in ((0, "1000"), (45, "4500"), (600, "10000")):
        site.world.now += age
        client = await site.ask("GET", f"{VIDEOS}/{job_id}")
        assert client.headers["openai-poll-after-ms"] == milliseconds
        site.world.now -= age


async def test_a_video_of_no_known_size_says_so(site: Site) -> None:
    assert members(await site.ask("POST", VIDEOS, VIDEO))["size"] == "auto"


async def test_a_request_that_comes_again_gets_the_same_video(site: Site) -> None:
    site.carrier = untouched
    replies = [await site.ask("POST", VIDEOS, VIDEO, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert members(replies[0]) == members(replies[1])
    assert [reply.headers.get("idempotent-replayed") for reply in replies] == [None, "true"]


async def test_a_client_that_goes_away_finds_its_video_in_the_list(site: Site) -> None:
    site.carrier = untouched
    client = site.client(VIDEO)

    async def leave(call: str) -> None:
        if call.startswith("machines.start"):
            client.gone.set()

    site.world.around.after = leave
    await site.ask("POST", VIDEOS, client=client)
    assert [job.state for job in site.jobs] == ["queued"]


async def test_deleted_videos_are_gone(site: Site) -> None:
    job_id = await create_video(site)
    gone = members(await site.ask("DELETE", f"{VIDEOS}/{job_id}"))
    check_video_deleted(gone)
    assert gone == {"id": job_id, "object": "video.deleted", "deleted": True}
    assert (await site.ask("GET", f"{VIDEOS}/{job_id}")).status == 404
    assert site.world.files == []
    assert len(site.world.charges) == 1


async def test_one_that_is_deleted_in_the_making_costs_nothing(site: Site) -> None:
    site.carrier = untouched
    job_id = await create_video(site)
    members(await site.ask("DELETE", f"{VIDEOS}/{job_id}"))
    assert (site.world.charges, site.world.holds, site.jobs) == ([], [], [])
    assert site.world.machines.stopped == [job_id]


# ── their lists ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_list_is_read_page_by_page(site: Site) -> None:
    made = []
    for _ in range(5):
        site.world.now += 1
        made.append(await create_video(site))
    await site.ask("POST", VIDEOS, VIDEO, secret=OTHER_SECRET)
    for order, wanted in (("desc", made[::-1]), ("asc", made)):
        seen: list[str] = []
        after, more = "", True
        while more:
            page = members(await site.ask("GET", f"{VIDEOS}?limit=2&order={order}{after}"))
            ids = [each["id"] for each in page["data"]]
            assert (page["object"], page["first_id"], page["last_id"]) == ("list", ids[0], ids[-1])
            seen += ids
            after, more = f"&after={ids[-1]}", page["has_more"]
        assert seen == wanted


async def test_without_parameters_the_newest_twenty_are_listed(site: Site) -> None:
    empty = members(await site.ask("GET", VIDEOS))
    check_videos(empty)
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    for number in range(21):
        site.world.now += 1
        await create_video(site, prompt=f"cat {number}", size="720x1280")
    page = members(await site.ask("GET", VIDEOS))
    check_videos(page)
    assert [each["prompt"] for each in page["data"]] == [f"cat {number}" for number in range(20, 0, -1)]
    assert page["has_more"] is True


async def test_a_list_has_what_each_video_is(site: Site) -> None:
    site.carrier = failed("timeout")
    job_id = await create_video(site)
    (listed,) = members(await site.ask("GET", VIDEOS))["data"]
    assert listed == members(await site.ask("GET", f"{VIDEOS}/{job_id}"))
    assert listed["error"]["code"] == "timeout"


async def test_one_that_is_being_deleted_is_listed_without_its_words(site: Site) -> None:
    job_id = await create_video(site)
    del site.world.bucket.objects[f"jobs/{job_id}/request.json"]
    (listed,) = members(await site.ask("GET", VIDEOS))["data"]
    assert (listed["id"], listed["prompt"], listed["model"]) == (job_id, None, "filmer")
    assert (await site.ask("GET", f"{VIDEOS}/{job_id}")).status == 404


async def test_one_that_would_not_be_taken_any_more_is_seen_without_its_words(site: Site) -> None:
    job_id = await create_video(site)
    left_by_another_version(site, job_id)
    (listed,) = members(await site.ask("GET", VIDEOS))["data"]
    assert (listed["id"], listed["prompt"]) == (job_id, None)
    assert members(await site.ask("GET", f"{VIDEOS}/{job_id}")) == listed


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("order=up", "order"),
        ("after=image_1", "after"),
        ("after=%00%ff", "after"),
        ("after=", "after"),
    ],
)
async def test_a_page_that_is_none_is_the_client_s_fault(site: Site, query: str, param: str) -> None:
    client = await site.ask("GET", f"{VIDEOS}?{query}")
    assert (client.status, client.error["param"]) == (400, param)


async def test_other_parameters_are_not_looked_at(site: Site) -> None:
    assert (await site.ask("GET", f"{VIDEOS}?x=1&x=2&limit=100&%zz")).status == 200


# ── their content ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?variant=video"])
async def test_the_content_is_at_an_address_of_its_own(site: Site, method: str, query: str) -> None:
    job_id = await create_video(site)
    client = await site.ask(method, f"{VIDEOS}/{job_id}/content{query}")
    assert (client.status, client.body) == (307, b"")
    assert client.headers["location"].startswith("https://bucket.test/outputs/")
    assert client.headers["location"].endswith("&HEAD") == (method == "HEAD")
    assert client.headers["cache-control"] == "no-store"
    assert client.headers["content-length"] == "0"


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet", ""])
async def test_there_is_no_other_variant(site: Site, variant: str) -> None:
    client = await site.ask("GET", f"{VIDEOS}/{await create_video(site)}/content?variant={variant}")
    assert (client.status, client.error["param"]) == (400, "variant")
    assert client.error["code"] == "unsupported_parameter"


async def test_there_is_no_content_yet_or_never(site: Site) -> None:
    site.carrier = untouched
    waiting = await site.ask("GET", f"{VIDEOS}/{await create_video(site)}/content")
    site.carrier = failed("timeout")
    lost = await site.ask("GET", f"{VIDEOS}/{await create_video(site)}/content")
    assert (waiting.status, lost.status) == (404, 404)
    assert "not ready yet" in waiting.error["message"]
    assert "failed" in lost.error["message"]


# ── as Lambda calls it ───────────────────────────────────────────────────────────────────────────────────────────────

SAMPLES = {
    **dict.fromkeys(["create", "form", "generation", "list", "webhook_secret"], 200),
    **dict.fromkeys(["callback", "content", "delete", "deliveries", "result", "retrieve"], 404),
}
"""The sample events, and how each is answered: their jobs do not exist."""


@pytest.mark.parametrize("event", SAMPLES)
async def test_a_sample_event(monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    site = Site(monkeypatch, catalog=load_catalog(None))
    monkeypatch.setattr(type(site.world.webhooks), "secret", Desk.secret, raising=False)
    client = await site.answered("videos", event)
    assert client.status == SAMPLES[event], client.body


def test_every_sample_event_is_used() -> None:
    assert sample_events("videos") == SAMPLES.keys()
