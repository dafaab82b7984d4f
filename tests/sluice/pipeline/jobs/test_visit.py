"""Whose a request is comes first, and is asked but once."""

import json
from typing import Any

import pytest

from key_records import key_record
from sluice.errors import InvalidAPIKeyError, InvalidRequestError
from sluice.keys import digest_of
from sluice.observability import RequestRecord
from sluice.pipeline.jobs.visit import visited, wanted
from sluice.pipeline.path import Call
from studio_world import SECRET, StudioWorld

MINUTE_HEADER = "x-ratelimit-limit-requests"


def call(world: StudioWorld, secret: str = SECRET, body: bytes = b'{"model":"painter"}') -> Call:
    return Call(f"Bearer {secret}", body, world.record, world.headers)


def unread(_: bytes) -> dict[str, Any]:
    raise AssertionError("a stranger's body is read")


@pytest.fixture
def world() -> StudioWorld:
    made = StudioWorld()
    made.record = RequestRecord("req_1", "POST", "/")
    return made


async def test_what_is_wanted_comes_with_whose_it_is(world: StudioWorld) -> None:
    found = await wanted(world.studio, call(world), json.loads)
    assert (found.key, found.members) == (world.key, {"model": "painter"})
    assert world.record.key_id == world.key.id


async def test_a_job_is_taken_with_one_look_at_its_key(world: StudioWorld) -> None:
    await world.submit()
    assert world.keys.asked == [digest_of(SECRET)]


async def test_nobody_elses_key_makes_anything(world: StudioWorld) -> None:
    with pytest.raises(InvalidAPIKeyError):
        await wanted(world.studio, call(world, "sk-" + "x" * 32), unread)
    with pytest.raises(InvalidAPIKeyError):
        async with visited(world.studio, call(world, "sk-" + "x" * 32)):
            raise AssertionError("a stranger is let in")
    assert world.around.calls == []


async def test_a_known_client_whose_body_cannot_be_read_is_told_its_limits() -> None:
    def unreadable(_: bytes) -> dict[str, Any]:
        raise InvalidRequestError("no JSON")

    world = StudioWorld(key_record(SECRET, rpm=7))
    world.record = RequestRecord("req_1", "POST", "/")
    with pytest.raises(InvalidRequestError):
        await wanted(world.studio, call(world), unreadable)
    assert world.headers[MINUTE_HEADER] == "7"
