"""What a provider has sent is checked, and stored once, with a note before and after."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from fake_makers import inline, told
from job_world import JobWorld, makers_known
from made_media import mp4, png
from sluice.errors import OverloadedError, UpstreamError
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.sweep import LATE_SECONDS
from sluice.pipeline.jobs.tasks.store import SECONDS
from sluice.pipeline.jobs.work_file import WorkFile, WorkHead
from sluice.pipeline.jobs.workshop import PIN_SECONDS
from sluice.stores.bucket import Blob, made_prefix, output_key, work_key
from sluice.stores.job_records import Output
from sluice.stores.jobs import JobOverError
from sluice.wire.cid import cid_of

__all__ = ["makers_known"]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def world_with(content: bytes, kind: Any = "image", leg: int = 0, **members: Any) -> JobWorld:
    world = JobWorld(kind, **members)
    world.change(state="running")
    leave(world, content, leg=leg)
    return world


def leave(world: JobWorld, content: bytes = b"", index: int = 0, **head: Any) -> None:
    blob = WorkFile(WorkHead(**{"leg": 0, **head}), content).blob()
    world.bucket.objects[work_key(world.job_id, index)] = blob


def submitted_video(**head: Any) -> JobWorld:
    world = JobWorld("video")
    world.change(state="running", leg=0, reference="video-1")
    world.makers.videos["video-1"] = {"name": world.job_id, "asked": 5}
    leave(world, **{"source": "provider", **head})
    return world


async def test_a_picture_is_stored_under_its_digest() -> None:
    world = world_with(png(), leg=2)
    await world.task("store")
    stored = Output(digest=digest(png()), content_type="image/png", size=len(png()), leg=2, stored=True)
    assert world.job.outputs == {0: stored}
    assert world.files == [output_key(stored.digest)]
    assert world.bucket.objects[world.files[0]] == Blob(png(), "image/png")


@pytest.mark.parametrize("late", [0, SECONDS - 1])
async def test_one_that_was_made_in_time_may_be_stored_after_it(late: float) -> None:
    world = world_with(png())
    world.now = world.job.deadline + late
    await world.task("store")
    assert world.files == [output_key(digest(png()))]


async def test_one_that_was_made_in_time_is_fetched_after_it() -> None:
    world = submitted_video()
    world.now = world.job.deadline + 1
    await world.task("store")
    assert world.job.outputs[0].stored


async def test_but_not_for_ever() -> None:
    world = world_with(png())
    world.now = world.job.deadline + SECONDS
    with pytest.raises(RefusedError, match="timeout"):
        await world.task("store")


def test_by_then_nobody_else_has_ended_the_job() -> None:
    assert SECONDS + PIN_SECONDS < LATE_SECONDS


async def test_the_note_comes_first() -> None:
    world = world_with(png())
    await world.task("store")
    calls = [
        call.partition(" ")[0]
        for call in world.around.calls
        if not call.startswith(("jobs.get", "bucket.get"))
    ]
    assert calls == ["jobs.note_output", "outputs.store", "bucket.put", "jobs.note_output", "bucket.delete"]


async def test_once_more_changes_nothing() -> None:
    world = world_with(png())
    await world.task("store")
    before = world.job
    await world.task("store")
    assert world.job == before
    assert world.files == [output_key(digest(png()))]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image", b""),
        ("image", b"<svg onload=alert(1)>"),
        ("image", b"%PDF-1.7"),
        ("image", mp4()),
        ("image", png()[:4]),
        ("video", png()),
        ("video", b"not a video"),
    ],
)
async def test_anything_else_is_refused(kind: Any, content: bytes) -> None:
    world = world_with(content, kind)
    with pytest.raises(RefusedError, match="invalid_output"):
        await world.task("store")
    assert world.failure["code"] == "invalid_output"
    assert world.job.outputs == {}
    assert not any(file.startswith("outputs/") for file in world.files)


async def test_so_is_one_that_is_too_large() -> None:
    world = world_with(mp4(mark=bytes(20_001)), "video")
    with pytest.raises(RefusedError, match="invalid_output"):
        await world.task("store")


async def test_two_pictures_that_are_alike_are_one_file() -> None:
    world = world_with(png(), count=2)
    leave(world, png(), index=1)
    await world.task("store", index=0)
    await world.task("store", index=1)
    assert world.files == [output_key(digest(png()))]
    assert [output.stored for output in world.job.outputs.values()] == [True, True]


async def test_a_file_that_is_not_there_is_the_gateways_fault() -> None:
    world = world_with(png())
    del world.bucket.objects[work_key(world.job_id, 0)]
    with pytest.raises(RefusedError, match="server_error"):
        await world.task("store")


async def test_an_earlier_attempts_other_bytes_are_dropped() -> None:
    world = world_with(png(1))
    world.change(outputs={0: Output(digest=digest(png(2)), content_type="image/png", size=1)})
    await world.outputs.store(world.job_id, digest(png(2)), Blob(png(2), "image/png"), 0)
    await world.task("store")
    assert world.files == [output_key(digest(png(1)))]


async def test_unless_another_picture_has_them() -> None:
    world = world_with(png(1), count=2)
    same = Output(digest=digest(png(2)), content_type="image/png", size=1)
    world.change(outputs={0: same, 1: same})
    await world.outputs.store(world.job_id, same.digest, Blob(png(2), "image/png"), 0)
    await world.task("store")
    assert output_key(same.digest) in world.files


async def ends_after_the_file(world: JobWorld, **members: Any) -> None:
    async def after(call: str) -> None:
        if call.startswith("outputs.store"):
            world.change(**members)

    world.around.after = after
    with pytest.raises(JobOverError):
        await world.task("store")


@pytest.mark.parametrize("state", ["failing", "failed", "finishing", "completed"])
async def test_a_file_is_taken_back_where_the_job_has_ended_meanwhile(state: Any) -> None:
    world = world_with(png())
    await ends_after_the_file(world, state=state)
    assert not any(file.startswith("outputs/") for file in world.files)


async def test_but_not_where_its_end_counts_on_it() -> None:
    world = world_with(png(), count=2)
    leave(world, png(), index=1)
    await world.task("store", index=1)
    await ends_after_the_file(world, state="completed")
    assert output_key(digest(png())) in world.files


async def test_bytes_of_an_attempt_that_was_overtaken_are_taken_back() -> None:
    world = world_with(png(1))
    other = Output(digest=digest(png(2)), content_type="image/png", size=1, stored=True)

    async def after(call: str) -> None:
        if call.startswith("outputs.store"):
            world.change(outputs={0: other})

    world.around.after = after
    with pytest.raises(PassingError):
        await world.task("store")
    assert not any(file.startswith("outputs/") for file in world.files)
    assert world.job.outputs == {0: other}


async def test_a_note_that_fails_takes_nothing_back() -> None:
    world = world_with(png())
    notes = 0

    async def before(call: str) -> None:
        nonlocal notes
        notes += call == "jobs.note_output"
        if call == "jobs.note_output" and notes == 2:
            raise OverloadedError("busy")

    world.around.before = before
    with pytest.raises(PassingError):
        await world.task("store")
    await world.task("store")
    assert world.job.outputs[0].stored
    assert world.files == [output_key(digest(png()))]


def pinning(world: JobWorld, answer: Any) -> None:
    settings = world.workshop.settings.model_copy(update={"ipfs_api": "https://ipfs"})
    world.workshop = replace(world.workshop, settings=settings)
    world.makers.answers["POST ipfs"] = [answer]


async def test_a_file_is_pinned_where_the_operator_wants_that() -> None:
    world = world_with(png())
    pinning(world, told({"Hash": cid_of(png())}))
    await world.task("store")
    assert world.job.outputs[0].cid == cid_of(png())
    assert world.job.outputs[0].stored


@pytest.mark.parametrize(
    "answer", [told({}, 500), told({"Hash": cid_of(b"another")}), told([]), UpstreamError("broken")], ids=str
)
async def test_a_service_that_does_not_pin_it_costs_no_job(answer: Any) -> None:
    world = world_with(png())
    pinning(world, answer)
    await world.task("store")
    assert (world.job.outputs[0].cid, world.job.outputs[0].stored) == (None, True)


async def test_what_it_was_made_of_need_not_be_deleted_at_once() -> None:
    world = world_with(png())

    async def before(call: str) -> None:
        if call.startswith("bucket.delete"):
            raise OverloadedError("busy")

    world.around.before = before
    await world.task("store")
    assert world.job.outputs[0].stored


async def test_a_video_is_fetched_from_its_provider() -> None:
    world = submitted_video(seconds=3)
    world.makers.delivers = lambda _name, _content: {"path": "/files/1.mp4"}
    await world.task("store")
    output = world.job.outputs[0]
    assert (output.content_type, output.seconds, output.stored) == ("video/mp4", 3, True)
    assert world.files == [output_key(output.digest)]
    assert [request.method for request in world.makers.requests] == ["GET", "GET"]


async def test_one_in_the_bucket_is_read_there_and_deleted() -> None:
    world = submitted_video(source="bucket", key=None)
    key = made_prefix("video_0123456789abcdef") + "x/output.mp4"
    leave(world, source="bucket", key=key)
    world.bucket.objects[key] = Blob(mp4(4), "video/mp4")
    world.bucket.objects[made_prefix(world.job_id) + "x/manifest.json"] = Blob(b"{}", "application/json")
    await world.task("store")
    assert world.files == [output_key(digest(mp4(4)))]


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (told({"status": "running"}), PassingError, "upstream_error"),
        (told({"status": "failed", "why": "It is gone."}), RefusedError, "invalid_request"),
        (told({}, 404), PassingError, "upstream_error"),
        (told({}, 500), PassingError, "upstream_error"),
        (told({"status": "made", "url": "http://elsewhere/1"}), RefusedError, "upstream_error"),
        (told({"status": "made", **inline(bytes(20_001))}), RefusedError, "invalid_output"),
        (UpstreamError("broken"), PassingError, "upstream_error"),
    ],
    ids=["running", "failed", "gone", "down", "no https", "too large", "broken"],
)
async def test_a_provider_that_does_not_give_it(answer: Any, error: type[Exception], code: str) -> None:
    world = submitted_video()
    world.makers.answers["GET alpha"] = [answer]
    with pytest.raises(error, match=code):
        await world.task("store")


@pytest.mark.parametrize(
    ("said", "made", "charged"),
    [
        (None, 4, 4),
        (None, 3.2, 4),
        (None, 2.9, 3),
        (3, 4, 3),
        (9, 4, 4),
        (None, 9, 4),
        (0, 4, 4),
        (None, 0, 4),
    ],
)
async def test_seconds_that_were_made_are_charged_and_never_more_than_were_asked_for(
    said: int | None, made: float, charged: int
) -> None:
    world = world_with(b"", "video")
    leave(world, mp4(made), seconds=said)
    await world.task("store")
    assert world.job.outputs[0].seconds == charged
