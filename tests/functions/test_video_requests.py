"""The videos function over a studio in memory: what it takes, from whom, and what it refuses."""

import base64
from typing import Any

import pytest

from studio_functions import (
    OTHER_SECRET,
    VIDEO,
    VIDEOS,
    Site,
    create_video,
    form,
    members,
    untouched,
)
from studio_world import NANO

TASKS = "/v1/videos/generations"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff--a-boundary\r\r\n"


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_form_is_what_the_json_would_be(site: Site) -> None:
    site.carrier = untouched
    body, headers = form(
        ('"model"', "filmer", ""), ('"prompt"', "kätzchen", ""), ('"seconds"', "4", ""), ('"seed"', "7", "")
    )
    video = members(await site.ask("POST", VIDEOS, body, headers=headers))
    assert (video["prompt"], video["seconds"]) == ("kätzchen", "4")
    request = site.world.request_file(video["id"]).request
    assert (request["seconds"], request["seed"]) == (4, 7)


async def test_a_form_that_is_none_is_the_client_s_fault(site: Site) -> None:
    body, headers = form(('"prompt"', "cat", ""))
    for broken, told in (
        (body[:-10], headers),
        (b"", headers),
        (body, {"content-type": "multipart/form-data"}),
    ):
        client = await site.ask("POST", VIDEOS, broken, headers=told)
        assert client.status == 400, broken
        assert client.error["message"].startswith("We could not read the form")
    missing = await site.ask("POST", VIDEOS, body, headers=headers)
    assert (missing.status, missing.error["param"]) == (400, "model")


async def test_forms_are_for_videos_alone(site: Site) -> None:
    body, headers = form(('"model"', "filmer", ""), ('"prompt"', "cat", ""))
    client = await site.ask("POST", TASKS, body, headers=headers)
    assert client.error["code"] == "invalid_json"


async def test_a_file_becomes_the_picture_that_the_video_begins_with(site: Site) -> None:
    site.carrier = untouched
    body, headers = form(
        ('"model"', "filmer", ""),
        ('"prompt"', "cat", ""),
        ('"input_reference"; filename="a.png"', PICTURE, "image/png"),
    )
    client = await site.ask("POST", VIDEOS, body, headers=headers)
    assert (client.status, client.error["param"]) == (400, "input_reference")  # demo takes none
    assert client.error["code"] == "unsupported_parameter"
    assert base64.b64encode(PICTURE) not in client.body


# ── who, and what not ────────────────────────────────────────────────────────────────────────────────────────────────

SHOWING = [
    ("GET", "/v1/videos/{id}"),
    ("HEAD", "/v1/videos/{id}"),
    ("DELETE", "/v1/videos/{id}"),
    ("GET", "/v1/videos/{id}/content"),
    ("GET", "/v1/videos/result/{id}"),
    ("GET", "/v1/jobs/{id}/deliveries"),
]


@pytest.mark.parametrize(("method", "path"), SHOWING)
async def test_another_owner_s_video_does_not_exist(site: Site, method: str, path: str) -> None:
    job_id = await create_video(site)
    strange = await site.ask(method, path.format(id=job_id), secret=OTHER_SECRET)
    unknown = await site.ask(method, path.format(id="video_0"), secret=OTHER_SECRET)
    assert (strange.status, strange.body) == (unknown.status, unknown.body)
    assert strange.status == 404
    assert len(site.jobs) == 1


@pytest.mark.parametrize(("method", "path"), SHOWING[:-1])
async def test_pictures_are_no_videos(site: Site, method: str, path: str) -> None:
    await site.ask("POST", "/v1/images/generations", {"model": "painter", "prompt": "a cat"})
    (job,) = site.jobs
    assert (await site.ask(method, path.format(id=job.id))).status == 404
    assert members(await site.ask("GET", VIDEOS))["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [*SHOWING, ("POST", VIDEOS), ("POST", TASKS), ("GET", VIDEOS), ("GET", "/v1/webhooks/secret")],
)
@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_key_comes_first(site: Site, method: str, path: str, prefix: str) -> None:
    client = await site.ask(method, prefix + path.format(id="x"), b"no json", secret="sk-" + "x" * 48)
    assert client.status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", VIDEOS),
        ("GET", TASKS),
        ("POST", "/v1/videos/x"),
        ("DELETE", "/v1/videos/x/content"),
        ("POST", "/v1/videos/result/x"),
        ("POST", "/v1/webhooks/secret"),
        ("GET", "/v1/jobs/x/callbacks/y"),
    ],
)
async def test_other_methods_are_not_allowed(site: Site, method: str, path: str) -> None:
    client = await site.ask(method, path)
    assert (client.status, client.error["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"seconds": "0"}, "seconds"),
        ({"seconds": 5}, "seconds"),
        ({"seconds": "four"}, "seconds"),
        ({"size": "wide"}, "size"),
        ({"seed": -1}, "seed"),
        ({"input_reference": {}}, "input_reference.image_url"),
        ({"input_reference": "x"}, "input_reference"),
    ],
)
@pytest.mark.parametrize("path", [VIDEOS, TASKS])
async def test_a_bad_body_is_the_client_s_fault(
    site: Site, path: str, more: dict[str, Any], param: str
) -> None:
    client = await site.ask("POST", path, {**VIDEO, **more})
    assert (client.status, client.error["param"]) == (400, param)
    assert site.jobs == []


async def test_limits_are_told_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch, budget_nano_usd=10 * NANO)
    job_id = await create_video(site)
    asked = [
        await site.ask("POST", VIDEOS, b"{"),
        await site.ask("GET", VIDEOS),
        await site.ask("GET", f"{VIDEOS}?limit=0"),
        await site.ask("GET", f"{VIDEOS}/{job_id}"),
        await site.ask("GET", f"{VIDEOS}/{job_id}/content"),
        await site.ask("GET", f"{VIDEOS}/x"),
        await site.ask("DELETE", f"{VIDEOS}/{job_id}"),
    ]
    assert [client.status for client in asked] == [400, 200, 400, 200, 307, 404, 200]
    assert all(client.headers["x-sluice-budget-remaining"] == "9.20" for client in asked)
