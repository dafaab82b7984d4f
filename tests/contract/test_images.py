"""Pictures through the official client, made by jobs that a state machine carries out."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest

from gateway_process import IMAGE_MODEL, GatewayProcess
from mock_provider import MockProvider
from openai_schemas import check_error, check_images
from openapi_document import check_reply
from sdk_clients import Traffic
from sluice.wire.media_types import recognised

PATH = "/v1/images/generations"
MODEL, PROMPT = "demo-image", "A sluice at dawn"
BODY = {"model": MODEL, "prompt": PROMPT}
SECONDS = 30


def is_png(content: bytes) -> bool:
    found = recognised(content)
    return found is not None and found.content_type == "image/png"


def ended(http: httpx.Client, place: str) -> dict[str, Any]:
    """A job once it is over."""
    deadline = time.monotonic() + SECONDS
    while True:
        reply = http.get(place)
        check_reply("GET", f"{PATH}/{{id}}", reply)
        job: dict[str, Any] = reply.json()
        if job["status"] in ("completed", "failed"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(int(reply.headers["openai-poll-after-ms"]) / 1000)


def test_pictures_as_links(base_url: str, key: str) -> None:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        reply = client.images.generate(model=MODEL, prompt=PROMPT, n=3, size="1024x1024")
    assert reply.data is not None
    assert (reply.size, reply.output_format) == ("1024x1024", "png")
    assert abs(reply.created - time.time()) < 60
    for picture in reply.data:
        assert picture.b64_json is None
        assert picture.url is not None
        found = httpx.get(picture.url, trust_env=False)
        assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
        assert is_png(found.content)
    assert len({picture.url for picture in reply.data}) == 3


def test_pictures_in_the_reply(client: openai.OpenAI, traffic: Traffic) -> None:
    reply = client.images.generate(model=MODEL, prompt=PROMPT, n=2, response_format="b64_json")
    assert reply.data is not None
    assert [picture.url for picture in reply.data] == [None, None]
    assert all(is_png(base64.b64decode(picture.b64_json or "", validate=True)) for picture in reply.data)
    check_images(traffic.last.json())


async def test_the_asynchronous_client(aclient: openai.AsyncOpenAI) -> None:
    reply = await aclient.images.generate(model=MODEL, prompt=PROMPT)
    assert reply.data is not None
    assert len(reply.data) == 1


def test_the_bare_reply(http: httpx.Client) -> None:
    reply = http.post(PATH, json={**BODY, "n": 2})
    check_reply("POST", PATH, reply)
    assert [picture["index"] for picture in reply.json()["data"]] == [0, 1]
    assert (reply.json()["object"], reply.json()["model"]) == ("list", "demo-image")


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}])
def test_a_job_and_what_it_makes(http: httpx.Client, headers: dict[str, str]) -> None:
    body = {**BODY, "n": 2, "prompt": f"A sluice that nobody else has: {headers}"}
    body |= {} if headers else {"async": True}
    taken = http.post(PATH, json=body, headers=headers)
    assert taken.status_code == 202
    check_reply("POST", PATH, taken)
    assert taken.headers.get("preference-applied") == ("respond-async" if headers else None)
    assert int(taken.headers["retry-after"]) >= 1
    place = taken.headers["location"]
    assert place == f"{PATH}/{taken.json()['id']}"
    job = ended(http, place)
    assert (job["status"], job["error"]) == ("completed", None)
    check_images(job["result"])
    assert [httpx.get(each["url"], trust_env=False).status_code for each in job["result"]["data"]] == [
        200,
        200,
    ]
    gone = http.delete(place)
    check_reply("DELETE", f"{PATH}/{{id}}", gone)
    assert http.get(place).status_code == 404
    for each in job["result"]["data"]:
        assert httpx.get(each["url"], trust_env=False).status_code in (403, 404)


def test_who_waits_a_while_gets_the_pictures(http: httpx.Client) -> None:
    reply = http.post(PATH, json=BODY, headers={"Prefer": "respond-async, wait=20"})
    assert reply.status_code == 200
    assert len(reply.json()["data"]) == 1


def test_a_request_that_comes_again_is_charged_once(gateway: GatewayProcess) -> None:
    made = gateway.create_key("--plan", "enterprise", "--budget", "1")
    with httpx.Client(
        base_url=gateway.url,
        headers={"authorization": f"Bearer {made['key']}", "idempotency-key": "k"},
        timeout=SECONDS,
        trust_env=False,
    ) as http:

        def ask(_: int) -> httpx.Response:
            return http.post(PATH, json={"model": IMAGE_MODEL, "prompt": "A sluice", "n": 2})

        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(ask, range(4)))
        last = ask(0)
    answered = [reply for reply in replies if reply.status_code == 200]
    assert all(reply.status_code in (200, 409) for reply in replies)
    assert max(reply.headers["x-sluice-cost"] for reply in answered) == "0.08"
    assert last.headers["idempotent-replayed"] == "true"
    assert last.headers["x-sluice-cost"] == "0.00"
    assert last.headers["x-sluice-budget-remaining"] == "0.92"
    (row,) = gateway.usage("--key", made["id"], until=lambda rows: rows)
    assert (row["requests"], row["images"]) == (1, 2)
    assert str(row["cost"]) in ("0.08", "80000000")


def test_a_budget_that_cannot_pay_for_all_refuses_all(gateway: GatewayProcess) -> None:
    made = gateway.create_key("--budget", "0.1")
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=made["key"], max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.images.generate(model=IMAGE_MODEL, prompt="A sluice", n=3)
        assert caught.value.status_code == 402
        assert caught.value.code == "budget_exceeded"
        assert len(client.images.generate(model=IMAGE_MODEL, prompt="A sluice", n=2).data or []) == 2


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 11}, "n"),
        ({"size": "huge"}, "size"),
        ({"prompt": ""}, "prompt"),
        ({"response_format": "jpeg"}, "response_format"),
        ({"style": "vivid"}, "style"),
        ({"webhook_url": "http://127.0.0.1/"}, "webhook_url"),
    ],
)
def test_what_cannot_be_is_told(client: openai.OpenAI, members: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post(
            "/images/generations",
            cast_to=httpx2.Response,
            body={**BODY, **members},
        )
    assert caught.value.param == param
    check_error(caught.value.response.json())


def test_what_the_client_leaves_is_cancelled(gateway: GatewayProcess) -> None:
    """It is cancelled, or was too fast for that; in no case does it stay held."""
    made = gateway.create_key("--plan", "enterprise", "--budget", "1")
    headers = {"authorization": f"Bearer {made['key']}"}
    with (
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(base_url=gateway.url, headers=headers, trust_env=False) as http,
    ):
        http.post(PATH, json={"model": IMAGE_MODEL, "prompt": "A sluice", "n": 10}, timeout=0.3)
    deadline = time.monotonic() + SECONDS
    with httpx.Client(base_url=gateway.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
        while (left := http.get("/v1/videos").headers["x-sluice-budget-remaining"]) not in ("1.00", "0.60"):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


def test_what_is_not_made_in_time_is_cancelled_and_costs_nothing(
    provider: MockProvider, tmp_path: Path
) -> None:
    hasty = {"SLUICE_IMAGE_TIMEOUT_SECONDS": "0.05"}
    with GatewayProcess(tmp_path, provider.url, provider.credential, settings=hasty) as gateway:
        made = gateway.create_key("--plan", "enterprise", "--budget", "1")
        headers = {"authorization": f"Bearer {made['key']}"}
        with httpx.Client(base_url=gateway.url, headers=headers, trust_env=False, timeout=SECONDS) as http:
            body = {"model": IMAGE_MODEL, "prompt": "A sluice", "n": 10}
            late = http.post(PATH, json=body)
            assert late.status_code == 504
            check_reply("POST", PATH, late)
            assert late.json()["error"]["code"] == "upstream_timeout"
            assert http.get("/v1/videos").headers["x-sluice-budget-remaining"] == "1.00"
            again = [http.post(PATH, json=body, headers={"idempotency-key": "k"}) for _ in range(2)]
            assert [reply.status_code for reply in again] == [504, 504]
            assert again[1].headers["idempotent-replayed"] == "true"
            assert again[1].headers["x-should-retry"] == "false"
        assert gateway.sluice("usage", "--key", made["id"]) == []
