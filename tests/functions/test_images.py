"""The images function over a studio in memory."""

import asyncio
import base64
from typing import Any

import pytest

from made_jobs import made_output
from openai_schemas import check_images
from sluice.catalog import load_catalog
from sluice.errors import OverloadedError
from sluice.pipeline.jobs import images_view
from sluice.pipeline.jobs.failures import FailureCode
from sluice.stores.job_records import Job
from streamed_functions import sample_events
from studio_functions import (
    OTHER_SECRET,
    Site,
    failed,
    made,
    members,
    untouched,
)
from studio_world import NANO

PATH = "/v1/images/generations"
BODY = {"model": "painter", "prompt": "a cat"}


# ── a client that waits ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_pictures_come_as_links(site: Site, prefix: str) -> None:
    client = await site.ask("POST", prefix + PATH, {**BODY, "n": 2, "size": "1024x1024"})
    reply = members(client)
    check_images(reply)
    (job,) = site.jobs
    assert reply | {"data": None, "requestHash": "", "responseHash": ""} == {
        "created": job.created_at // 1000,
        "model": "painter",
        "object": "list",
        "data": None,
        "output_format": "png",
        "size": "1024x1024",
        "requestHash": "",
        "responseHash": "",
    }
    assert [picture["index"] for picture in reply["data"]] == [0, 1]
    assert all(picture["url"].startswith("https://bucket.test/outputs/") for picture in reply["data"])
    assert (len(reply["requestHash"]), len(reply["responseHash"])) == (64, 64)
    assert client.headers["x-sluice-cost"] == "0.08"
    assert client.headers["x-sluice-provider"] == "near"
    assert client.headers["x-request-id"] == job.request_id
    site.world.all_is_well()


async def test_pictures_come_in_the_reply_if_asked_for(site: Site) -> None:
    reply = members(await site.ask("POST", PATH, {**BODY, "response_format": "b64_json"}))
    assert reply["data"] == [{"index": 0, "b64_json": base64.b64encode(b"picture").decode()}]


async def test_pictures_that_are_charged_and_cannot_be_read_this_moment_are_linked_to(site: Site) -> None:
    async def before(call: str) -> None:
        if call.startswith("bucket.get outputs/"):
            raise OverloadedError("busy", retry_after=1)

    site.world.around.before = before
    (picture,) = members(await site.ask("POST", PATH, {**BODY, "response_format": "b64_json"}))["data"]
    assert picture["url"].startswith("https://bucket.test/outputs/")
    site.world.all_is_well()


async def test_pictures_that_have_no_room_in_the_reply_are_linked_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_view, "MOST_INLINE_BYTES", 15)
    reply = members(await site.ask("POST", PATH, {**BODY, "n": 3, "response_format": "b64_json"}))
    assert [sorted(picture) for picture in reply["data"]] == [
        ["b64_json", "index"],
        ["b64_json", "index"],
        ["index", "url"],
    ]


async def test_only_what_was_made_is_shown_and_charged(site: Site) -> None:
    async def carry(site: Site, job: Job) -> None:
        """The second one was noted, but never came into the bucket."""
        await site.world.make(job, 1)
        await site.world.jobs.note_output(job.id, 1, made_output("lost", stored=False))
        await site.world.closer.finish(job.id)

    site.carrier = carry
    client = await site.ask("POST", PATH, {**BODY, "n": 3})
    assert [picture["index"] for picture in members(client)["data"]] == [0, 2]
    assert client.headers["x-sluice-cost"] == "0.08"


async def test_a_model_answers_under_the_name_it_was_asked_by(site: Site) -> None:
    assert members(await site.ask("POST", PATH, {**BODY, "model": "brush"}))["model"] == "brush"


@pytest.mark.parametrize(("member", "value"), [("size", "512x512"), ("quality", "standard")])
async def test_what_openai_has_no_word_for_is_left_out(site: Site, member: str, value: str) -> None:
    assert member not in members(await site.ask("POST", PATH, {**BODY, member: value}))


@pytest.mark.parametrize(
    ("code", "words", "status", "told"),
    [
        ("content_policy_violation", "No cats.", 400, "content_policy_violation"),
        ("invalid_request", "The prompt is odd.", 400, "invalid_request"),
        ("cancelled", None, 400, "cancelled"),
        ("invalid_output", None, 502, "upstream_error"),
        ("upstream_error", "It is down.", 502, "upstream_error"),
        ("timeout", None, 504, "upstream_timeout"),
        ("server_error", None, 500, None),
    ],
)
async def test_a_job_that_fails_is_an_error(
    site: Site, code: FailureCode, words: str | None, status: int, told: str | None
) -> None:
    site.carrier = failed(code, words)
    client = await site.ask("POST", PATH, BODY)
    assert (client.status, client.error["code"]) == (status, told)
    if words is not None:
        assert client.error["message"] == words
    assert "x-should-retry" not in client.headers
    site.world.all_is_well()


async def test_at_its_deadline_a_job_is_cancelled_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, image_timeout_seconds=0.01)
    site.carrier = untouched
    client = await site.ask("POST", PATH, BODY)
    assert (client.status, client.error["code"]) == (504, "upstream_timeout")
    (job,) = site.jobs
    assert (job.state, job.failure) == ("failed", "timeout")
    assert site.world.machines.stopped == [job.id]
    assert site.world.charges == []
    site.world.all_is_well()


async def test_a_job_that_is_decided_at_its_deadline_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is charged, whoever carries that out: so its client gets it."""
    site = Site(monkeypatch, image_timeout_seconds=0.01)

    async def carry(site: Site, job: Job) -> None:
        await site.world.make(job)
        await site.world.jobs.finish(job.id, 40_000_000, "near", 1)

    site.carrier = carry
    assert len(members(await site.ask("POST", PATH, BODY))["data"]) == 1
    site.world.all_is_well()


async def test_a_client_that_goes_away_has_its_job_cancelled(site: Site) -> None:
    site.carrier = untouched
    client = site.client(BODY)

    async def leave(call: str) -> None:
        if call.startswith("machines.start"):
            client.gone.set()

    site.world.around.after = leave
    await site.ask("POST", PATH, client=client)
    (job,) = site.jobs
    assert (client.sent, job.state, job.failure) == ([], "failed", "cancelled")
    site.world.all_is_well()


async def test_a_client_that_goes_away_while_its_job_is_taken_has_it_cancelled(site: Site) -> None:
    site.carrier = untouched
    client = site.client(BODY)

    async def leave(call: str) -> None:
        if call.startswith("bucket.put"):
            client.gone.set()
            await asyncio.sleep(0)

    site.world.around.before = leave
    await site.ask("POST", PATH, client=client)
    assert [job.state for job in site.jobs] == ["failed"]
    site.world.all_is_well()


async def test_one_with_an_idempotency_key_finds_its_pictures_when_it_is_back(site: Site) -> None:
    site.carrier = untouched
    client, headers, started = site.client(BODY), {"Idempotency-Key": "k"}, asyncio.Event()

    async def leave(call: str) -> None:
        if call.startswith("machines.start"):
            client.gone.set()
            started.set()

    site.world.around.after = leave
    first = asyncio.create_task(site.ask("POST", PATH, client=client, headers=headers))
    await started.wait()
    again = asyncio.create_task(site.ask("POST", PATH, BODY, headers=headers))
    (job,) = site.jobs
    await made(site, job)
    await first
    reply = await again
    assert len(members(reply)["data"]) == 1
    assert reply.headers["idempotent-replayed"] == "true"
    assert reply.headers["x-sluice-cost"] == "0.00"
    assert len(site.jobs) == 1
    site.world.all_is_well()


async def test_until_its_deadline_somebody_waits_for_one_with_an_idempotency_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = Site(monkeypatch, image_timeout_seconds=0.01)
    client = site.client(BODY)

    async def leave(call: str) -> None:
        if call.startswith("machines.start"):
            client.gone.set()

    site.world.around.after = leave
    await site.ask("POST", PATH, client=client, headers={"Idempotency-Key": "k"})
    assert [(job.state, job.failure) for job in site.jobs] == [("failed", "timeout")]


@pytest.mark.parametrize(("headers", "state"), [({}, "failed"), ({"Idempotency-Key": "k"}, "queued")])
async def test_when_the_server_ends_what_a_client_comes_back_for_goes_on(
    site: Site, headers: dict[str, str], state: str
) -> None:
    started = asyncio.Event()

    async def start(call: str) -> None:
        if call.startswith("machines.start"):
            started.set()

    site.world.around.after = start
    asking = asyncio.create_task(site.ask("POST", PATH, BODY, headers=headers))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [job.state for job in site.jobs] == [state]


async def test_a_failure_is_repeated_too_and_says_that_it_will_be(site: Site) -> None:
    site.carrier = failed("upstream_error")
    for replayed in (None, "true"):
        client = await site.ask("POST", PATH, BODY, headers={"Idempotency-Key": "k"})
        assert client.status == 502
        assert client.headers["x-should-retry"] == "false"
        assert client.headers.get("idempotent-replayed") == replayed
    assert len(site.jobs) == 1


async def test_who_repeats_a_request_does_not_cancel_it(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, image_timeout_seconds=0.01)
    site.carrier = untouched
    headers = {"Idempotency-Key": "k"}
    members(await site.ask("POST", PATH, BODY, headers={**headers, "Prefer": "respond-async"}), 202)
    assert (await site.ask("POST", PATH, BODY, headers=headers)).status == 504
    assert [job.state for job in site.jobs] == ["queued"]


# ── who, and what not ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_another_owner_s_job_does_not_exist(site: Site, method: str) -> None:
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    strange = await site.ask(method, f"{PATH}/{job_id}", secret=OTHER_SECRET)
    unknown = await site.ask(method, f"{PATH}/image_0", secret=OTHER_SECRET)
    assert (strange.status, strange.body) == (unknown.status, unknown.body)
    assert strange.status == 404
    assert len(site.jobs) == 1


@pytest.mark.parametrize("name", ["video_1", "output#x", "..", "%00", "é", "x" * 3000])
async def test_what_is_no_job_s_id_is_not_found(site: Site, name: str) -> None:
    client = await site.ask("GET", f"{PATH}/{name}")
    assert (client.status, client.error["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("GET", f"{PATH}/x"), ("DELETE", f"{PATH}/x")])
async def test_a_key_comes_first(site: Site, method: str, path: str) -> None:
    client = await site.ask(method, path, b"no json", secret=None)
    assert (client.status, client.error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"{", None, "invalid_json"),
        (b"[]", None, "invalid_json"),
        ({"model": "painter"}, "prompt", None),
        ({**BODY, "n": 0}, "n", None),
        ({**BODY, "n": 11}, "n", None),
        ({**BODY, "size": "big"}, "size", None),
        ({**BODY, "response_format": "gif"}, "response_format", None),
        ({**BODY, "async": "yes"}, "async", None),
    ],
)
async def test_a_bad_body_is_the_client_s_fault(
    site: Site, body: Any, param: str | None, code: str | None
) -> None:
    client = await site.ask("POST", PATH, body)
    assert (client.status, client.error["param"], client.error["code"]) == (400, param, code)
    assert site.jobs == []


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("PUT", PATH), ("POST", f"{PATH}/x")])
async def test_other_methods_are_not_allowed(site: Site, method: str, path: str) -> None:
    client = await site.ask(method, path)
    assert client.status == 405
    assert "OPTIONS" in client.headers["allow"]


async def test_a_model_that_makes_no_pictures_is_none_here(site: Site) -> None:
    client = await site.ask("POST", PATH, {**BODY, "model": "filmer"})
    assert (client.status, client.error["code"], client.error["param"]) == (404, "model_not_found", "model")


async def test_head_is_get_without_the_body(site: Site) -> None:
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    client = await site.ask("HEAD", f"{PATH}/{job_id}")
    assert (client.status, client.body) == (200, b"")
    assert int(client.headers["content-length"]) > 0


async def test_an_address_that_has_had_its_requests_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, ip_rpm=1)
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    assert (await site.ask("DELETE", f"{PATH}/{job_id}")).status == 429
    assert [job.state for job in site.jobs] == ["completed"]


async def test_limits_are_told_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, budget_nano_usd=NANO)
    site.carrier = failed("timeout")
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    asked = [
        await site.ask("POST", PATH, BODY),
        await site.ask("POST", PATH, b"{"),
        await site.ask("GET", f"{PATH}/{job_id}"),
        await site.ask("GET", f"{PATH}/x"),
    ]
    assert [client.status for client in asked] == [504, 400, 200, 404]
    assert all(client.headers["x-sluice-budget-limit"] == "1.00" for client in asked)


# ── as Lambda calls it ───────────────────────────────────────────────────────────────────────────────────────────────

SAMPLES = {"asynchronous": 202, "base64": 200, "job": 404, "urls": 200}
"""The sample events, and how each is answered."""


@pytest.mark.parametrize("event", SAMPLES)
async def test_a_sample_event(monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    site = Site(monkeypatch, catalog=load_catalog(None))
    client = await site.answered("images", event)
    assert client.status == SAMPLES[event], client.body
    if event == "asynchronous":
        assert client.headers["location"] == f"/live{PATH}/{site.jobs[0].id}"


def test_every_sample_event_is_used() -> None:
    assert sample_events("images") == SAMPLES.keys()
