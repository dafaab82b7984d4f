"""Two owners: what one has made is nothing to the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from gateway_process import VIDEO_MODEL, GatewayProcess

SECONDS = 60
BODY = {"model": "demo-video", "prompt": "A sluice of my own", "seconds": 1}


@dataclass
class Owner:
    """A client with its jobs."""

    http: httpx.Client
    video: str
    pictures: str


@pytest.fixture(scope="module")
def owners(gateway: GatewayProcess) -> Iterator[tuple[Owner, Owner]]:
    clients = [
        httpx.Client(
            base_url=gateway.url,
            headers={"authorization": f"Bearer {gateway.create_key('--owner', owner)['key']}"},
            timeout=SECONDS,
            trust_env=False,
        )
        for owner in ("ann", "bob")
    ]
    found = []
    for http in clients:
        video = http.post("/v1/videos", json=BODY).json()["id"]
        pictures = http.post(
            "/v1/images/generations", json={"model": "demo-image", "prompt": "A sluice", "async": True}
        ).json()["id"]
        found.append(Owner(http, video, pictures))
    deadline = time.monotonic() + SECONDS
    for owner in found:
        for path in (f"/v1/videos/{owner.video}", f"/v1/images/generations/{owner.pictures}"):
            while owner.http.get(path).json()["status"] != "completed":
                assert time.monotonic() < deadline
                time.sleep(0.2)
    yield found[0], found[1]
    for http in clients:
        http.close()


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/videos/{video}"),
        ("HEAD", "/v1/videos/{video}"),
        ("DELETE", "/v1/videos/{video}"),
        ("GET", "/v1/videos/{video}/content"),
        ("GET", "/v1/videos/result/{video}"),
        ("GET", "/v1/jobs/{video}/deliveries"),
        ("GET", "/v1/images/generations/{pictures}"),
        ("DELETE", "/v1/images/generations/{pictures}"),
        ("GET", "/v1/jobs/{pictures}/deliveries"),
    ],
)
def test_ids_of_others_are_those_of_nobody(
    owners: tuple[Owner, Owner], prefix: str, method: str, path: str
) -> None:
    ann, bob = owners
    path = prefix + path
    other = ann.http.request(method, path.format(video=bob.video, pictures=bob.pictures))
    nobody = ann.http.request(method, path.format(video=f"video_{0:032x}", pictures=f"image_{0:032x}"))
    assert (other.status_code, other.content) == (nobody.status_code, nobody.content)
    assert other.status_code == 404
    if method != "DELETE":
        mine = bob.http.request(method, path.format(video=bob.video, pictures=bob.pictures))
        assert mine.status_code in (200, 307)


def test_lists_have_one_s_own(owners: tuple[Owner, Owner]) -> None:
    for one, other in (owners, owners[::-1]):
        ids = {each["id"] for each in one.http.get("/v1/videos").json()["data"]}
        assert one.video in ids
        assert other.video not in ids
        after = one.http.get("/v1/videos", params={"after": other.video, "order": "asc"}).json()["data"]
        assert {each["id"] for each in after} <= ids


def test_a_link_leads_to_one_file_alone(owners: tuple[Owner, Owner]) -> None:
    ann, bob = owners
    mine = httpx.URL(ann.http.get(f"/v1/videos/{ann.video}/content").headers["location"])
    theirs = httpx.URL(bob.http.get(f"/v1/videos/{bob.video}/content").headers["location"])
    assert mine.params["X-Amz-Signature"]
    assert mine.params["X-Amz-Expires"] == theirs.params["X-Amz-Expires"] == "3600"


def test_secrets_of_webhooks_are_one_s_own(owners: tuple[Owner, Owner]) -> None:
    secrets = {owner.http.get("/v1/webhooks/secret").json()["secret"] for owner in owners}
    assert len(secrets) == 2


def test_the_same_idempotency_key_is_another_one(owners: tuple[Owner, Owner]) -> None:
    headers = {"idempotency-key": "the-same"}
    ids = [owner.http.post("/v1/videos", json=BODY, headers=headers).json()["id"] for owner in owners]
    assert len(set(ids)) == 2
    for owner, job_id in zip(owners, ids, strict=True):
        assert owner.http.delete(f"/v1/videos/{job_id}").status_code == 200


def test_a_callback_without_the_job_s_secret_is_nobody_s(owners: tuple[Owner, Owner]) -> None:
    ann, bob = owners
    for http in (ann.http, bob.http):
        assert http.post(f"/v1/jobs/{bob.video}/callbacks/guessed").status_code == 404


def test_what_one_deletes_the_other_keeps_though_it_is_the_same_file(owners: tuple[Owner, Owner]) -> None:
    """Both have asked for the same, so that the same bytes were made, which are stored once."""
    ann, bob = owners
    same = {"model": "demo-image", "prompt": "The very same", "seed": 1}
    links = [
        owner.http.post("/v1/images/generations", json={**same, "async": True}).headers["location"]
        for owner in (ann, bob)
    ]
    deadline = time.monotonic() + SECONDS
    for owner, link in zip((ann, bob), links, strict=True):
        while owner.http.get(link).json()["status"] != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.2)
    urls = [
        owner.http.get(link).json()["result"]["data"][0]["url"]
        for owner, link in zip((ann, bob), links, strict=True)
    ]
    assert httpx.URL(urls[0]).path == httpx.URL(urls[1]).path
    assert ann.http.delete(links[0]).status_code == 200
    assert httpx.get(urls[1], trust_env=False).status_code == 200
    assert bob.http.delete(links[1]).status_code == 200
    assert httpx.get(urls[1], trust_env=False).status_code in (403, 404)


def test_a_job_outlives_its_key(gateway: GatewayProcess) -> None:
    revoked, other = (gateway.create_key("--owner", "outlived", "--plan", "enterprise") for _ in range(2))
    with httpx.Client(base_url=gateway.url, timeout=SECONDS, trust_env=False) as http:
        mine, others = ({"authorization": f"Bearer {key['key']}"} for key in (revoked, other))
        body = {**BODY, "model": VIDEO_MODEL}
        path = f"/v1/videos/{http.post('/v1/videos', json=body, headers=mine).json()['id']}"
        gateway.keys("revoke", revoked["id"])
        deadline = time.monotonic() + SECONDS
        while http.get(path, headers=others).json()["status"] != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        while http.get(path, headers=mine).status_code != 401:  # it may be remembered for a moment
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert http.get(f"{path}/content", headers=others).status_code == 307
    (row,) = gateway.usage("--key", revoked["id"], until=lambda rows: rows)
    assert (row["requests"], row["seconds"]) == (1, 1)
