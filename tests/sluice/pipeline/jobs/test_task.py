"""How a task is carried out: what its event may be, what its machine hears, what its log and its job's file say."""

import logging
from typing import Any, get_args

import pytest

from job_world import FUNCTION, PROMPT, JobWorld, makers_known
from sluice.errors import OverloadedError
from sluice.pipeline.jobs.failures import PassingError, RefusedError
from sluice.pipeline.jobs.task import EventError, TaskName, task_event
from sluice.stores.aws import AWSError
from sluice.stores.jobs import JobOverError
from sluice.stores.outputs import BeingDeletedError
from sluice.worker import UnexpectedError

__all__ = ["makers_known"]

JOB = "image_0123456789abcdef"


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (None, ""),
        ([], ""),
        ({}, "task"),
        ({"task": "paint", "job": JOB}, "task"),
        ({"task": "begin"}, "job"),
        ({"task": "begin", "job": "req_1"}, "job"),
        ({"task": "begin", "job": "image_../../x"}, "job"),
        ({"task": "begin", "job": JOB + "\n"}, "job"),
        ({"task": "generate", "job": JOB, "index": -1}, "index"),
        ({"task": "generate", "job": JOB, "index": "0"}, "index"),
        ({"task": "generate", "job": JOB, "prompt": "a cat"}, "prompt"),
        ({"task": "await", "job": JOB, "token": ""}, "token"),
    ],
)
def test_an_event_that_is_no_tasks_is_told(event: Any, place: str) -> None:
    with pytest.raises(EventError, match=f"no task's: {place}:") as caught:
        task_event(event)
    assert "cat" not in str(caught.value)


async def test_the_machine_is_told_so_too() -> None:
    world = JobWorld()
    with pytest.raises(EventError):
        await world.worker.answer({"task": "paint", "job": world.job_id})


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(task_event({"task": "await", "job": JOB, "token": "secret"}))


@pytest.mark.parametrize(
    "error",
    [OverloadedError("busy"), AWSError("GetItem", "AccessDenied", "not for you"), BeingDeletedError()],
)
async def test_what_fails_at_aws_is_tried_again(error: Exception) -> None:
    world = JobWorld()
    world.around.before = refusing("jobs.begin", error)
    with pytest.raises(PassingError) as caught:
        await world.task("begin")
    assert caught.value.code == "server_error"
    assert world.files == []


async def test_what_nobody_has_foreseen_is_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    world = JobWorld()
    world.around.before = refusing("jobs.begin", ValueError(PROMPT))
    with pytest.raises(UnexpectedError, match="ValueError") as caught:
        await world.task("begin")
    assert PROMPT not in str(caught.value)
    assert "a function failed" in caplog.text


async def test_a_job_says_why_it_fails_before_its_machine_hears_of_it() -> None:
    world = JobWorld(prompt="unspeakable")
    world.change(state="running")
    with pytest.raises(RefusedError):
        await world.task("generate")
    assert world.failure == {"code": "invalid_request", "message": "The provider cannot say it."}


async def test_nothing_is_kept_of_why_a_job_fails_that_was_deleted_meanwhile() -> None:
    world = JobWorld(prompt="unspeakable")
    world.change(state="running")
    failure = f"jobs/{world.job_id}/failure.json"

    async def before(call: str) -> None:
        if call == f"bucket.put {failure}":
            world.forget()

    world.around.before = before
    with pytest.raises(RefusedError):
        await world.task("generate")
    assert f"bucket.put {failure}" in world.around.calls
    assert world.files == []


async def test_it_fails_with_fewer_words_where_they_cannot_be_kept() -> None:
    world = JobWorld(prompt="unspeakable")
    world.change(state="running")
    world.around.before = refusing(f"bucket.put jobs/{world.job_id}/failure.json", OverloadedError("busy"))
    with pytest.raises(RefusedError):
        await world.task("generate")


async def test_each_task_leaves_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = JobWorld(count=2)
    await world.task("begin")
    await world.task("generate", index=1)
    with pytest.raises(RefusedError):
        await world.task("store", index=0)
    world.change(state="failed")
    with pytest.raises(JobOverError):
        await world.task("generate")
    lines = [record.getMessage().rpartition(",")[0] for record in caplog.records]
    assert lines == [
        f"begin {JOB}: done",
        f"generate {JOB}/1: done",
        f"store {JOB}/0: RefusedError server_error",
        f"generate {JOB}/0: over",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING", "INFO"]


@pytest.mark.parametrize("kind", ["image", "video"])
async def test_no_line_has_a_prompt_or_a_secret(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = JobWorld(kind, calls_back=True)
    await world.run()
    assert world.job.state == "completed"
    assert caplog.records
    for secret in (PROMPT, "callback-secret", "provider-secret", "token-"):
        assert secret not in caplog.text


def refusing(call: str, error: Exception) -> Any:
    async def before(made: str) -> None:
        if made == call:
            raise error

    return before


def test_the_function_knows_all_tasks_of_the_machines() -> None:
    assert set(FUNCTION.TASKS) == set(get_args(TaskName))
