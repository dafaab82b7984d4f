"""The jobs table, on every engine: what becomes of a job is decided once, whoever tries and however often."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from engines import Engine
from fake_dynamodb import FakeClient, FakeDynamoDB
from made_jobs import NOON, made_job, made_output, new_id
from sluice.errors import OverloadedError
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.job_items import MalformedJobError, item_of, job_of, shard_of
from sluice.stores.job_records import Job, JobState
from sluice.stores.jobs import JobOverError, JobStore

TABLE = "JobsTable"
LATER = NOON * 1000 + 5_000
owners = (f"listed_owner_{number}" for number in itertools.count())

type Write = Callable[[JobStore, str], Awaitable[object]]

WRITES: dict[str, Write] = {
    "begin": lambda store, job_id: store.begin(job_id, LATER),
    "note_output": lambda store, job_id: store.note_output(job_id, 0, made_output(stored=False)),
    "note_submitting": lambda store, job_id: store.note_submitting(job_id, 0, LATER),
    "note_rejected": lambda store, job_id: store.note_rejected(job_id),
    "note_submitted": lambda store, job_id: store.note_submitted(job_id, 0, "fal", "ref"),
    "note_progress": lambda store, job_id: store.note_progress(job_id, 50),
    "finish": lambda store, job_id: store.finish(job_id, 7, "fal", LATER),
    "fail": lambda store, job_id: store.fail(job_id, "timeout", LATER),
    "overrule": lambda store, job_id: store.overrule(job_id, "timeout"),
}
STATES: tuple[JobState, ...] = ("queued", "running", "finishing", "completed", "failing", "failed")
LEGAL: dict[str, dict[JobState, JobState]] = {
    "begin": {"queued": "running", "running": "running"},
    "note_output": {"running": "running"},
    "note_submitting": {"running": "running"},
    "note_rejected": {"running": "running"},
    "note_submitted": {"running": "running"},
    "note_progress": {"running": "running"},
    "finish": {"running": "finishing", "finishing": "finishing", "completed": "completed"},
    "fail": {"queued": "failing", "running": "failing", "failing": "failing", "failed": "failed"},
    "overrule": {"finishing": "failing", "failing": "failing", "failed": "failed"},
}
"""From which state each write leads where; from any other it is refused."""


@pytest.fixture
def store(engine_aws: AWS) -> JobStore:
    return JobStore(engine_aws, TABLE)


@pytest.fixture
async def job(store: JobStore) -> Job:
    """One that is running."""
    job = made_job()
    await store.put_new(job)
    return await store.begin(job.id, LATER)


async def test_a_job_is_read_as_it_was_written(store: JobStore) -> None:
    job = made_job(
        kind="video",
        state="completed",
        size="1280x720",
        outputs={
            0: made_output(seconds=4, cid="bafy", leg=2),
            10: made_output("other", stored=False),
        },
        provider="fal",
        leg=1,
        reference="ref",
        submitting_at=1,
        started_at=2,
        ended_at=3,
        progress=99,
        cost=0,
        failure="timeout",
        has_webhook=True,
        notes=4,
    )
    await store.put_new(job)
    assert await store.get(job.id) == job


async def test_a_job_that_is_there_stays(store: JobStore, job: Job) -> None:
    await store.put_new(made_job(job.id))
    assert await store.get(job.id) == job


async def test_there_is_no_job_of_another_id(store: JobStore, job: Job) -> None:
    assert await store.get(job.id + "0") is None
    for write in WRITES.values():
        with pytest.raises(JobOverError) as caught:
            await write(store, job.id + "0")
        assert caught.value.job is None
    assert not await store.end(job.id + "0", "completed")
    await store.delete(job.id + "0")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", WRITES)
async def test_each_write_is_made_in_its_own_states_alone(
    store: JobStore, name: str, state: JobState
) -> None:
    job = made_job(state=state)
    await store.put_new(job)
    if state in LEGAL[name]:
        await WRITES[name](store, job.id)
        await WRITES[name](store, job.id)  # its reply was lost
        found = await store.get(job.id)
        assert found is not None
        assert found.state == LEGAL[name][state]
    else:
        with pytest.raises(JobOverError) as caught:
            await WRITES[name](store, job.id)
        assert caught.value.job == job
        assert await store.get(job.id) == job


async def test_a_job_begins_once(store: JobStore, job: Job) -> None:
    assert (job.state, job.started_at) == ("running", LATER)
    assert await store.begin(job.id, LATER + 1) == job


async def test_outputs_are_noted_each_by_itself(store: JobStore, job: Job) -> None:
    noted = [made_output(f"picture {index}", stored=False) for index in range(12)]
    await asyncio.gather(*(store.note_output(job.id, index, each) for index, each in enumerate(noted)))
    found = await store.get(job.id)
    assert found is not None
    assert dict(found.outputs) == dict(enumerate(noted))
    assert list(found.outputs) == list(range(12))
    assert found.notes == 12


async def test_what_is_stored_is_not_said_to_be_unstored_by_a_late_note(store: JobStore, job: Job) -> None:
    early, stored = made_output(stored=False), made_output(cid="bafy")
    await store.note_output(job.id, 0, early)
    await store.note_output(job.id, 0, stored)
    found = await store.note_output(job.id, 0, early)
    assert found.outputs[0] == stored


async def test_a_file_is_not_noted_as_stored_in_the_place_of_another(store: JobStore, job: Job) -> None:
    first, second = made_output("first"), made_output("second", stored=False)
    await store.note_output(job.id, 0, replace(first, stored=False))
    await store.note_output(job.id, 0, second)
    with pytest.raises(OverloadedError):
        await store.note_output(job.id, 0, first)
    with pytest.raises(OverloadedError):
        await store.note_output(job.id, 1, first)
    found = await store.get(job.id)
    assert found is not None
    assert dict(found.outputs) == {0: second}


async def test_submitting_tells_what_was_before(store: JobStore, job: Job) -> None:
    before = await store.note_submitting(job.id, 1, LATER)
    assert (before.leg, before.submitting_at) == (None, None)
    before = await store.note_submitting(job.id, 2, LATER + 1)
    assert (before.leg, before.submitting_at) == (1, LATER)
    found = await store.note_rejected(job.id)
    assert (found.leg, found.submitting_at) == (None, None)
    before = await store.note_submitting(job.id, 0, LATER + 2)
    assert (before.leg, before.submitting_at) == (None, None)


async def test_the_first_reference_stays(store: JobStore, job: Job) -> None:
    await store.note_submitting(job.id, 1, LATER)
    noted = await store.note_submitted(job.id, 1, "fal", "first")
    assert (noted.leg, noted.provider, noted.reference) == (1, "fal", "first")
    assert await store.note_submitted(job.id, 1, "fal", "second") == noted
    assert await store.note_submitting(job.id, 2, LATER + 1) == noted
    assert await store.note_rejected(job.id) == noted
    assert await store.get(job.id) == noted


async def test_progress_only_grows(store: JobStore, job: Job) -> None:
    for progress, expected in ((30, 30), (20, 30), (30, 30), (31, 31)):
        assert (await store.note_progress(job.id, progress)).progress == expected


async def test_what_is_decided_keeps_its_cost(store: JobStore, job: Job) -> None:
    finished = await store.finish(job.id, 7, "fal", LATER)
    assert (finished.state, finished.cost, finished.provider, finished.ended_at) == (
        "finishing",
        7,
        "fal",
        LATER,
    )
    assert await store.finish(job.id, 8, "other", LATER + 1) == finished


async def test_a_cost_is_for_the_files_that_were_seen(store: JobStore, job: Job) -> None:
    seen = await store.note_output(job.id, 0, made_output(stored=False))
    await store.note_output(job.id, 0, made_output())
    with pytest.raises(JobOverError) as caught:
        await store.finish(job.id, 7, "fal", LATER, seen.notes)
    assert caught.value.job is not None
    assert (caught.value.job.state, caught.value.job.notes) == ("running", 2)
    assert (await store.finish(job.id, 7, "fal", LATER, 2)).state == "finishing"
    assert (await store.finish(job.id, 7, "fal", LATER, 1)).state == "finishing"


async def test_of_fifty_at_once_one_decides(store: JobStore) -> None:
    for _ in range(4):
        job = made_job(state="running")
        await store.put_new(job)

        async def decide(number: int, job_id: str = job.id) -> Job | None:
            try:
                if number % 2:
                    return await store.finish(job_id, number, "fal", LATER)
                return await store.fail(job_id, "timeout", LATER)
            except JobOverError as error:
                return error.job

        outcomes = await asyncio.gather(*map(decide, range(50)))
        found = await store.get(job.id)
        assert found is not None
        assert found.state in ("finishing", "failing")
        assert all(outcome == found for outcome in outcomes)


@pytest.mark.parametrize(
    ("decided", "end"), [("finishing", "completed"), ("failing", "failed")], ids=["completed", "failed"]
)
async def test_a_job_ends_as_it_was_decided(store: JobStore, decided: JobState, end: JobState) -> None:
    job = made_job(state=decided)
    await store.put_new(job)
    other: JobState = "failed" if end == "completed" else "completed"
    assert not await store.end(job.id, other)
    assert await store.get(job.id) == job
    with pytest.raises(JobOverError):
        await store.delete(job.id)
    assert sorted(await asyncio.gather(*(store.end(job.id, end) for _ in range(5)))) == [*[False] * 4, True]
    assert await store.get(job.id) == replace(job, state=end)
    await store.delete(job.id)
    await store.delete(job.id)
    assert await store.get(job.id) is None


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("completed", "failed")])
async def test_a_job_that_is_not_over_is_not_forgotten(store: JobStore, state: JobState) -> None:
    job = made_job(state=state)
    await store.put_new(job)
    with pytest.raises(JobOverError) as caught:
        await store.delete(job.id)
    assert caught.value.job == job
    assert await store.get(job.id) == job


async def test_an_owner_sees_its_own_jobs_of_a_kind_by_time(store: JobStore) -> None:
    owner, other = next(owners), next(owners)
    jobs = [made_job(new_id("video"), "video", owner=owner) for _ in range(7)]
    for job in (*jobs, made_job(owner=owner), made_job(kind="video", owner=other)):
        await store.put_new(job)

    async def ids(after: str | None, limit: int, *, newest_first: bool) -> tuple[list[str], bool]:
        found, more = await store.of_owner(
            owner, "video", after=after, limit=limit, newest_first=newest_first
        )
        return [job.id for job in found], more

    told = [job.id for job in jobs]
    assert await ids(None, 100, newest_first=False) == (told, False)
    assert await ids(None, 7, newest_first=True) == (told[::-1], False)
    assert await ids(None, 3, newest_first=False) == (told[:3], True)
    assert await ids(told[2], 3, newest_first=False) == (told[3:6], True)
    assert await ids(told[5], 3, newest_first=False) == (told[6:], False)
    assert await ids(told[4], 2, newest_first=True) == (told[3:1:-1], True)
    assert await ids(told[0], 2, newest_first=True) == ([], False)
    assert await ids("video_~~", 2, newest_first=False) == ([], False)
    assert await ids("a", 9, newest_first=True) == ([], False)
    found, more = await store.of_owner(other, "image", after=None, limit=5, newest_first=True)
    assert (list(found), more) == ([], False)


async def test_one_that_is_gone_can_be_listed_after(store: JobStore) -> None:
    owner = next(owners)
    jobs = [made_job(owner=owner, state="failed") for _ in range(3)]
    for job in jobs:
        await store.put_new(job)
    await store.delete(jobs[1].id)
    found, _ = await store.of_owner(owner, "image", after=jobs[1].id, limit=5, newest_first=False)
    assert [job.id for job in found] == [jobs[2].id]


async def test_unfinished_are_those_that_are_old_or_decided(store: JobStore, engine: Engine) -> None:
    engine.empty(TABLE)
    old = [made_job(state=state) for state in STATES for _ in range(4)]
    new = [made_job(state=state, created_at=LATER) for state in STATES]
    for job in (*old, *new):
        await store.put_new(job)
    engine.botocore.put_item(
        TableName=TABLE, Item={"id": {"S": "broken"}, "open": {"S": "3"}, "created_at": {"N": "1"}}
    )
    found = [job async for job in store.unfinished(LATER)]
    expected = [job for job in old if not job.is_over]
    expected += [job for job in new if job.state in ("finishing", "failing")]
    assert sorted(job.id for job in found) == sorted(job.id for job in expected)
    assert {job.id: job for job in found} == {job.id: job for job in expected}
    engine.empty(TABLE)


async def test_a_job_that_is_over_is_out_of_the_index(store: JobStore, engine: Engine) -> None:
    job = made_job(state="failing")
    await store.put_new(job)
    items = [item for item in engine.items(TABLE) if item["id"] == {"S": job.id}]
    assert items[0]["open"] == {"S": shard_of(job.id)}
    await store.end(job.id, "failed")
    items = [item for item in engine.items(TABLE) if item["id"] == {"S": job.id}]
    assert "open" not in items[0]


async def test_a_write_that_cannot_be_read_back_tells_so() -> None:
    client = FakeClient(FakeDynamoDB(), faults=[ConditionFailedError({}), OverloadedError("busy")])
    with pytest.raises(OverloadedError):
        await JobStore(client.aws, TABLE).begin("image_1", 1)


def test_shards_are_all_used() -> None:
    assert {shard_of(new_id()) for _ in range(500)} == set("01234567")


@pytest.mark.parametrize(
    "change",
    [
        {"color": {"S": "red"}},
        {"state": {"S": "lost"}},
        {"kind": {"S": "sound"}},
        {"count": {"S": "1"}},
        {"has_webhook": {"N": "1"}},
        {"hold": {"S": "1 2"}},
        {"outputs": {"M": {"x": {"M": {}}}}},
        {"outputs": {"M": {"0": {"M": {"digest": {"S": "d"}}}}}},
        {"outputs": {"L": []}},
        {"owner": None},
        {"hold": None},
    ],
)
def test_what_is_no_job_is_not_read_as_one(change: dict[str, dict[str, object] | None]) -> None:
    item = {name: value for name, value in (item_of(made_job()) | change).items() if value is not None}
    with pytest.raises(MalformedJobError):
        job_of(item)


async def test_an_operator_finds_every_job_and_nothing_else(
    store: JobStore, engine_aws: AWS, caplog: pytest.LogCaptureFixture
) -> None:
    ann = [made_job(owner="ann-of-all"), made_job(kind="video", owner="ann-of-all", state="completed")]
    bob = made_job(owner="bob-of-all")
    broken = made_job(owner="ann-of-all")
    for job in (*ann, bob):
        await store.put_new(job)
    others: list[Item] = [
        {"id": {"S": f"webhook#{bob.id}"}, "outcome": {"S": "pending"}},
        item_of(broken) | {"count": {"S": "many"}},
    ]
    for item in others:
        await engine_aws.dynamodb.call("PutItem", TableName=TABLE, Item=item)
    found = [job async for job in store.every()]
    assert {job.id for job in (*ann, bob)} <= {job.id for job in found}
    assert broken.id not in {job.id for job in found}
    assert f"the item of job {broken.id} is malformed" in caplog.messages
    assert sorted([job.id async for job in store.every("ann-of-all")]) == sorted(job.id for job in ann)
    assert [job async for job in store.every("nobody")] == []
    await engine_aws.dynamodb.call("DeleteItem", TableName=TABLE, Key={"id": {"S": broken.id}})
