"""A picture is made by the first candidate that can, once, and left for the next task."""

import asyncio
import json
from typing import Any

import pytest

from fake_makers import inline, told
from job_world import PROMPT, JobWorld, makers_known
from made_media import mp4, png
from sluice.errors import UpstreamError, UpstreamTimeoutError
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.tasks import generate
from sluice.pipeline.jobs.work_file import work_file_of
from sluice.stores.bucket import Blob, request_key, work_key
from sluice.stores.job_records import Output
from sluice.stores.jobs import JobOverError

__all__ = ["makers_known"]

BUSY = told({"message": "later"}, 503)
POLICY = told({"message": "Not that.", "code": "content_policy_violation"}, 400)
BAD = told({"message": "That size is odd."}, 400)
BROKEN = UpstreamError("The connection to the provider broke.")


def running(**members: Any) -> JobWorld:
    world = JobWorld(**members)
    world.change(state="running")
    return world


def work(world: JobWorld, index: int = 0) -> tuple[int, bytes]:
    found = work_file_of(world.bucket.objects[work_key(world.job_id, index)])
    return found.head.leg, found.content


def asked(world: JobWorld) -> list[str]:
    return [request.url.split("/")[2] for request in world.makers.requests]


async def test_a_picture_is_left_with_who_made_it() -> None:
    world = running(count=2)
    await world.task("generate", index=1)
    assert work(world, 1) == (0, png(1))
    assert world.makers.pictures == [f"{PROMPT} 1"]


async def test_one_that_is_there_is_not_made_again() -> None:
    world = running()
    await world.task("generate")
    await world.task("generate")
    assert len(world.makers.pictures) == 1


async def test_nor_is_one_that_is_stored() -> None:
    world = running()
    world.change(outputs={0: Output(digest="d", content_type="image/png", size=1, stored=True)})
    await world.task("generate")
    assert world.makers.pictures == []


@pytest.mark.parametrize(
    "answer",
    [
        BUSY,
        BAD,
        told({}, 401),
        told({}, 500),
        told({}),
        told([]),
        told({"url": "http://elsewhere/1"}),
        BROKEN,
    ],
    ids=["busy", "bad", "credential", "failed", "no picture", "no object", "no https", "broken"],
)
async def test_the_next_candidate_is_asked_where_one_fails(answer: Any) -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers["POST alpha"] = [answer]
    await world.task("generate")
    assert asked(world) == ["alpha", "beta"]
    assert work(world) == (1, png(0))


async def test_so_it_is_where_one_cannot_be_asked() -> None:
    world = running(legs=("nobody", "beta"))
    await world.task("generate")
    assert work(world)[0] == 1


async def test_what_a_policy_refuses_is_carried_to_nobody_else() -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers["POST alpha"] = [POLICY]
    with pytest.raises(RefusedError, match="content_policy_violation"):
        await world.task("generate")
    assert asked(world) == ["alpha"]
    assert world.failure == {"code": "content_policy_violation", "message": "Not that."}


async def test_a_refusal_in_a_reply_counts_as_one() -> None:
    world = running()
    world.makers.answers["POST alpha"] = [told({"refused": "Not that."})]
    with pytest.raises(RefusedError, match="content_policy_violation"):
        await world.task("generate")


async def test_a_picture_is_asked_for_again_where_a_candidate_may_do_better() -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers |= {"POST alpha": [BAD], "POST beta": [BUSY]}
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("generate")
    assert world.failure["code"] == "upstream_error"


async def test_and_not_where_none_will() -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers |= {"POST alpha": [BAD], "POST beta": [told({}, 401)]}
    with pytest.raises(RefusedError, match="invalid_request"):
        await world.task("generate")
    assert world.failure == {"code": "invalid_request", "message": "That size is odd."}


async def test_a_candidate_that_hangs_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SECONDS", 0.1)
    monkeypatch.setattr(generate, "LEAST_SECONDS", 0.01)
    world = running(legs=("alpha", "beta"))
    world.makers.answers["POST alpha"] = [None]
    await world.task("generate")
    assert work(world)[0] == 1


async def test_a_task_ends_before_its_machine_gives_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SECONDS", 0.05)
    world = running(legs=("alpha", "beta"))
    world.makers.answers |= {"POST alpha": [None], "POST beta": [None]}
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("generate")


async def test_a_picture_elsewhere_is_fetched() -> None:
    world = running()
    world.makers.file = png(7)
    world.makers.answers["POST alpha"] = [told({"url": "https://files/files/7"})]
    await world.task("generate")
    assert work(world) == (0, png(7))
    assert world.makers.requests[-1].headers == {}


@pytest.mark.parametrize("content", [b"", b"<html>", mp4()])
async def test_what_is_no_picture_is_another_candidates_chance(content: bytes) -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers["POST alpha"] = [told(inline(content))]
    await world.task("generate")
    assert work(world) == (1, png(0))


async def test_one_that_is_too_large_is_another_candidates_chance() -> None:
    world = running(legs=("alpha", "beta"))
    world.makers.answers["POST alpha"] = [told(inline(bytes(10_001)))]
    await world.task("generate")
    assert work(world)[0] == 1


async def test_or_the_end() -> None:
    world = running()
    world.makers.answers["POST alpha"] = [told(inline(bytes(10_001)))]
    with pytest.raises(RefusedError, match="invalid_output"):
        await world.task("generate")


async def test_a_reply_that_does_not_end_is_not_read_to_its_end() -> None:
    world = running()
    world.makers.answers["POST alpha"] = [told("x" * (10_000 * 4 // 3 + 5 * 1024 * 1024))]
    with pytest.raises(PassingError, match="upstream_error"):
        await world.task("generate")


@pytest.mark.parametrize("state", ["queued", "failing", "failed", "finishing", "completed"])
async def test_nothing_is_made_for_a_job_that_is_not_running(state: Any) -> None:
    world = JobWorld()
    world.change(state=state)
    with pytest.raises(JobOverError):
        await world.task("generate")
    assert world.makers.requests == []


async def test_nothing_is_left_for_one_that_has_ended_meanwhile() -> None:
    world = running()

    async def before(call: str) -> None:
        if call.startswith("bucket.put"):
            world.change(state="failed")

    world.around.before = before
    with pytest.raises(JobOverError):
        await world.task("generate")
    assert world.files == []


async def test_a_job_whose_time_is_over_is_refused() -> None:
    world = running()
    world.now = world.job.deadline
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("generate")
    assert world.failure["code"] == "timeout"


async def test_a_picture_that_nobody_wants_is_refused() -> None:
    world = running(count=2)
    with pytest.raises(RefusedError, match="server_error"):
        await world.task("generate", index=2)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"prompt": "a cat"'])
async def test_a_request_that_is_lost_is_the_gateways_fault(content: bytes | None) -> None:
    world = running()
    key = request_key(world.job_id)
    if content is None:
        del world.bucket.objects[key]
    else:
        world.bucket.objects[key] = Blob(content, "application/json")
    with pytest.raises(RefusedError, match="server_error"):
        await world.task("generate")


async def test_pictures_are_made_side_by_side() -> None:
    world = running(count=3)
    await asyncio.gather(*(world.task("generate", index=index) for index in range(3)))
    assert [work(world, index)[1] for index in range(3)] == [png(0), png(1), png(2)]
    assert [json.loads(request.body)["index"] for request in world.makers.requests] == [0, 1, 2]


async def test_an_answer_that_is_lost_may_cost_the_operator_and_nobody_else() -> None:
    world = running()
    world.makers.answers["POST alpha"] = [UpstreamTimeoutError("too late")]
    with pytest.raises(PassingError):
        await world.task("generate")
    await world.task("generate")
    assert work(world) == (0, png(0))
