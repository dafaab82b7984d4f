"""What clients of the images function meet where something of ours fails: nobody pays twice for it."""

from typing import Any

import pytest

from memory_jobs import nothing
from sluice.errors import OverloadedError
from sluice.stores.aws import AWSError
from studio_functions import Site, left_by_another_version, members, untouched

PATH = "/v1/images/generations"
BODY: dict[str, Any] = {"model": "painter", "prompt": "a cat"}


@pytest.mark.parametrize(("headers", "state"), [({}, "failed"), ({"Idempotency-Key": "k"}, "queued")])
async def test_a_client_that_cannot_be_told_of_its_job_does_not_pay_for_it_and_for_another(
    site: Site, headers: dict[str, str], state: str
) -> None:
    """It hears of a failure, so it asks again. Only with an Idempotency-Key that is the same job."""
    site.carrier = untouched

    async def before(call: str) -> None:
        if call.startswith("GetItem JobsTable") and site.jobs:
            site.world.around.before = nothing
            raise AWSError("GetItem", "AccessDeniedException", "not now")

    site.world.around.before = before
    client = await site.ask("POST", PATH, BODY, headers=headers)
    assert (client.status, client.error["type"]) == (500, "server_error")
    assert [job.state for job in site.jobs] == [state]
    if state == "failed":
        site.world.all_is_well()


@pytest.mark.parametrize(
    ("error", "with_key"), [(OverloadedError("busy"), 503), (AWSError("Sign", "NoCredentials", ""), 500)]
)
async def test_pictures_that_are_charged_and_cannot_be_shown_are_not_asked_for_again(
    site: Site,
    error: Exception,
    with_key: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(*_: object) -> str:
        raise error

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(site.world.bucket, "link", fails)
        client = await site.ask("POST", PATH, BODY)
        (job,) = site.jobs
        assert (client.status, client.headers["x-should-retry"]) == (500, "false")
        assert job.id in client.error["message"]
        assert f"the pictures of {job.id} are made" in caplog.text
        assert str(error) in caplog.text
        headers = {"Idempotency-Key": "k"}
        assert (await site.ask("POST", PATH, BODY, headers=headers)).status == with_key
    assert len(members(await site.ask("GET", f"{PATH}/{job.id}"))["result"]["data"]) == 1
    assert len(members(await site.ask("POST", PATH, BODY, headers=headers))["data"]) == 1
    assert len(site.jobs) == 2
    site.world.all_is_well()


async def test_a_job_whose_request_would_not_be_taken_any_more_is_no_fault_of_who_looks(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = members(await site.ask("POST", PATH, {**BODY, "async": True}), 202)["id"]
    left_by_another_version(site, job_id)
    client = await site.ask("GET", f"{PATH}/{job_id}")
    assert (client.status, client.error["param"], client.headers["x-should-retry"]) == (500, None, "false")
    assert f"the request of {job_id} would not be taken any more: prompt" in caplog.text
