"""Deliveries: at once, again by the schedule, never twice for nothing, and to the end whatever goes wrong on the way."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace

import openai
import pytest

from sluice.config import WebhookSettings
from sluice.errors import OverloadedError
from sluice.pipeline.jobs.request_file import MOST_BYTES
from sluice.pipeline.jobs.webhooks.deliver import LATE_SECONDS, OVER, Next, deliver
from sluice.pipeline.jobs.webhooks.message import message_of, secret_for
from sluice.stores.bucket import Blob, request_key
from sluice.stores.deliveries import MOST_ATTEMPTS, DeliveryLog
from sluice.stores.job_records import JobState
from sluice.upstream.public import Answer, NoAnswerError
from sluice.wire.standard_webhooks import verify
from webhook_world import (
    ADDRESS,
    KEY_DIGEST,
    MASTER,
    NOON,
    PROMPT,
    TABLE,
    Caller,
    World,
    made_request,
    told_job,
)

TAKEN = Answer(204, None)
FAILED = Answer(500, None)


async def run(world: World, job_id: str, most: int = 100) -> list[int]:
    """What the state machine does, without waiting; for how many seconds it would have waited, each time."""
    waits: list[int] = []
    while len(waits) < most:
        found = await deliver(world.courier, job_id)
        if found.over:
            return waits
        waits.append(found.seconds)
        world.now += found.seconds
    raise AssertionError("it does not end")


async def log_of(world: World, job_id: str) -> DeliveryLog:
    found = await world.logs.get(job_id)
    assert found is not None
    return found


async def test_a_receiver_is_told_who_it_is_from_and_what_of() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    assert await deliver(world.courier, job.id) == OVER
    (posted,) = world.posted
    assert (posted.address, posted.body) == (ADDRESS, message_of(job).body)
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["webhook-id"] == message_of(job).id
    assert posted.headers["webhook-timestamp"] == str(int(NOON))
    verify(posted.headers, posted.body, secret_for(MASTER, KEY_DIGEST), NOON)
    log = await log_of(world, job.id)
    assert (log.outcome, log.count, log.next_at, log.expires_at) == ("delivered", 1, None, job.expires_at)
    (attempt,) = log.attempts
    assert (attempt.at, attempt.milliseconds) == (int(NOON * 1000), 250)
    assert (attempt.status, attempt.failure) == (204, None)


async def test_each_attempt_is_the_same_message_of_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(answers=[FAILED, NoAnswerError("timeout"), Answer(302, None), Answer(404, None), TAKEN])
    job = world.has(told_job())
    assert await run(world, job.id) == [5, 300, 1800, 7200]
    assert len(world.posted) == 5
    assert {(posted.headers["webhook-id"], posted.body) for posted in world.posted} == {
        ("evt_0123456789abcdef", message_of(job).body)
    }
    client = openai.OpenAI(api_key="sk-none", webhook_secret=secret_for(MASTER, KEY_DIGEST))
    for posted in world.posted:
        assert posted.headers["webhook-timestamp"] == str(int(posted.at))
        monkeypatch.setattr("time.time", lambda at=posted.at: at)
        client.webhooks.unwrap(posted.body, posted.headers)
    log = await log_of(world, job.id)
    assert [attempt.status for attempt in log.attempts] == [500, None, 302, 404, 204]
    assert [attempt.failure for attempt in log.attempts] == [None, "timeout", None, None, None]
    assert log.outcome == "delivered"


async def test_a_receiver_that_never_takes_it_is_given_up_after_three_days() -> None:
    world = World(answers=[NoAnswerError("unreachable")], takes_seconds=0, chance=0.999)
    job = world.has(told_job())
    waits = await run(world, job.id)
    assert len(world.posted) == 10
    assert 3 * 86_400 < sum(waits) < 4 * 86_400
    log = await log_of(world, job.id)
    assert (log.outcome, log.count, log.next_at) == ("given_up", 10, None)


async def test_a_receiver_that_is_gone_is_given_up_at_once() -> None:
    world = World(answers=[FAILED, Answer(410, None)])
    job = world.has(told_job())
    assert await run(world, job.id) == [5]
    assert len(world.posted) == 2
    assert (await log_of(world, job.id)).outcome == "given_up"


async def test_a_receiver_says_when_to_come_again() -> None:
    world = World(answers=[Answer(429, 60.5), TAKEN])
    job = world.has(told_job())
    assert await deliver(world.courier, job.id) == Next(over=False, seconds=61)
    assert (await log_of(world, job.id)).next_at == int(NOON) + 61
    world.now += 61
    assert await deliver(world.courier, job.id) == OVER


@pytest.mark.parametrize("answers", [[TAKEN], [Answer(410, None)]])
async def test_what_is_over_is_not_sent_again(answers: list[Answer | NoAnswerError]) -> None:
    world = World(answers=answers)
    job = world.has(told_job())
    for _ in range(3):
        assert await deliver(world.courier, job.id) == OVER
        world.now += 100_000
    assert len(world.posted) == 1


async def test_an_event_that_comes_early_or_twice_makes_no_attempt() -> None:
    world = World(answers=[FAILED], takes_seconds=0)
    job = world.has(told_job())
    assert await deliver(world.courier, job.id) == Next(over=False, seconds=5)
    for passed, left in ((0, 5), (3.2, 2), (1.7, 1)):
        world.now += passed
        assert await deliver(world.courier, job.id) == Next(over=False, seconds=left)
    assert len(world.posted) == 1
    world.now = NOON + 5
    await deliver(world.courier, job.id)
    assert len(world.posted) == 2


async def test_a_note_that_is_lost_sends_the_message_again_under_the_same_id() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    world.dynamodb.faults = [None, OverloadedError("busy")]
    with pytest.raises(OverloadedError):
        await deliver(world.courier, job.id)
    assert await deliver(world.courier, job.id) == OVER
    first, second = world.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (await log_of(world, job.id)).count == 1


async def test_two_who_deliver_at_once_do_not_undo_each_others_note() -> None:
    world = World(answers=[FAILED])
    job = world.has(told_job())
    original = world.courier

    class Overtaken(Caller):
        """Another one delivers while this one waits for its answer."""

        async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            await deliver(original, job.id)
            return TAKEN

    assert await deliver(replace(original, caller=Overtaken(world)), job.id) == Next(over=False, seconds=5)
    standing = await log_of(world, job.id)
    assert (standing.count, standing.outcome) == (1, "pending")


@pytest.mark.parametrize("state", ["queued", "running", "finishing", "failing"])
async def test_nobody_is_told_before_the_job_can_be_seen_to_be_over(state: JobState) -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job(state=state))
    for passed, seconds in ((0, 1), (2, 2), (100, 100), (10_000, LATE_SECONDS), (-5, 1)):
        world.now = NOON + passed
        assert await deliver(world.courier, job.id) == Next(over=False, seconds=seconds)
    assert world.posted == []
    world.has(told_job())
    assert await deliver(world.courier, job.id) == OVER
    assert len(world.posted) == 1


async def test_a_job_whose_end_has_no_time_yet_is_looked_at_again() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job(state="running", ended_at=None))
    assert await deliver(world.courier, job.id) == Next(over=False, seconds=1)


async def test_of_a_job_that_is_deleted_nobody_is_told() -> None:
    world = World(answers=[FAILED])
    assert await deliver(world.courier, "video_none") == OVER
    job = world.has(told_job())
    assert not (await deliver(world.courier, job.id)).over
    del world.jobs.items[job.id]
    world.now += 5
    assert await deliver(world.courier, job.id) == OVER
    assert len(world.posted) == 1


async def test_of_a_job_that_is_forgotten_nobody_is_told() -> None:
    world = World(answers=[FAILED])
    job = world.has(told_job(expires_at=int(NOON) + 6))
    assert await run(world, job.id) == [5, 300]
    assert len(world.posted) == 2


async def test_of_a_job_whose_request_is_deleted_nobody_is_told() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    del world.bucket.objects[request_key(job.id)]
    assert await deliver(world.courier, job.id) == OVER
    world.has(job, made_request(address=None))
    assert await deliver(world.courier, job.id) == OVER
    world.has(job, made_request(key_digest=None))
    assert await deliver(world.courier, job.id) == OVER
    world.has(told_job(has_webhook=False))
    assert await deliver(world.courier, job.id) == OVER
    assert world.posted == []


async def test_a_gateway_that_has_lost_its_secret_sends_nothing_unsigned() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    world.credentials.values.clear()
    assert await deliver(world.courier, job.id) == Next(over=False, seconds=5)
    assert world.posted == []
    assert [attempt.failure for attempt in (await log_of(world, job.id)).attempts] == ["no_secret"]
    world.credentials.values["WEBHOOK_SECRET"] = MASTER
    world.now += 6
    assert await deliver(world.courier, job.id) == OVER
    assert len(world.posted) == 1


async def test_the_schedule_is_the_operators() -> None:
    settings = WebhookSettings(jobs_table=TABLE, jobs_bucket="bucket", webhook_delays=(0, 7))
    world = World(settings=settings, answers=[FAILED], takes_seconds=0)
    job = world.has(told_job())
    assert await run(world, job.id) == [1, 7]
    assert len(world.posted) == 3


async def test_the_log_keeps_the_last_attempts_and_counts_all() -> None:
    settings = WebhookSettings(jobs_table=TABLE, jobs_bucket="bucket", webhook_delays=(1,) * 19)
    world = World(settings=settings, answers=[FAILED], takes_seconds=0)
    job = world.has(told_job())
    log = DeliveryLog(job_id=job.id, expires_at=1)
    await run(world, job.id)
    log = await log_of(world, job.id)
    assert (log.count, len(log.attempts)) == (20, MOST_ATTEMPTS)
    more = log.after(log.attempts[0], "pending", None)
    assert (more.count, len(more.attempts), more.attempts[0]) == (21, MOST_ATTEMPTS, log.attempts[1])


async def test_no_log_line_has_the_address_the_secret_or_the_prompt(caplog: pytest.LogCaptureFixture) -> None:
    world = World(answers=[Answer(500, None), NoAnswerError("untrusted"), TAKEN])
    job = world.has(told_job())
    with caplog.at_level(logging.INFO, logger="sluice"):
        await run(world, job.id)
    assert [record.status for record in caplog.records] == [500, None, 204]  # type: ignore[attr-defined]  # extra
    assert [record.attempt for record in caplog.records] == [1, 2, 3]  # type: ignore[attr-defined]  # extra
    written = json.dumps([record.__dict__ for record in caplog.records], default=str)
    for secret in (ADDRESS, "hooks.example.com", "secret-of-the-clients", MASTER, "whsec_", PROMPT):
        assert secret not in written


async def test_no_item_of_the_table_has_the_address_or_the_prompt() -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    await run(world, job.id)
    written = json.dumps(list(world.dynamodb.database.tables[TABLE].values()))
    assert job.id in written
    for secret in ("hooks.example.com", MASTER, "whsec_", PROMPT):
        assert secret not in written


def test_a_request_fits() -> None:
    assert MOST_BYTES > 6 * 1024 * 1024


@pytest.mark.parametrize("content", [b"", b'{"prompt": "%s"}' % PROMPT.encode()])
async def test_nobody_is_told_by_a_request_that_cannot_be_read_and_nothing_of_it_is_logged(
    content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(answers=[TAKEN])
    job = world.has(told_job())
    world.bucket.objects[request_key(job.id)] = Blob(content, "application/json")
    assert await deliver(world.courier, job.id) == OVER
    assert world.posted == []
    assert f"the request of {job.id} cannot be read" in caplog.text
    assert PROMPT not in caplog.text
