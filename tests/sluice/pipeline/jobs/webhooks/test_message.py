"""The message that a job is over, as those who read it with OpenAI's SDK find it, and the secret that signs it."""

import base64
import hashlib
import hmac
import json
from typing import Any, get_args

import openai
import pytest

from sluice.api.webhooks import EventType
from sluice.keys import digest_of, new_secret
from sluice.pipeline.jobs.webhooks.message import EVENTS, message_of, secret_for
from sluice.stores.job_records import OVER_STATES, JobKind, JobState
from sluice.wire.standard_webhooks import signed_headers
from webhook_world import KEY_DIGEST, MASTER, NOON, PROMPT, told_job


@pytest.mark.parametrize(
    ("job_id", "state", "event"),
    [
        ("image_ab12", "completed", "image.generation.completed"),
        ("image_ab12", "failed", "image.generation.failed"),
        ("video_ab12", "completed", "video.completed"),
        ("video_ab12", "failed", "video.failed"),
    ],
)
def test_the_message_says_what_has_happened_to_which_job_and_no_more(
    job_id: str, state: JobState, event: str
) -> None:
    message = message_of(told_job(job_id, state))
    assert message.id == "evt_ab12"
    assert json.loads(message.body) == {
        "id": "evt_ab12",
        "object": "event",
        "type": event,
        "created_at": int(NOON),
        "data": {"id": job_id},
    }
    assert PROMPT.encode() not in message.body


def test_there_is_an_event_for_every_end() -> None:
    assert EVENTS.keys() == {(kind, state) for kind in get_args(JobKind) for state in OVER_STATES}
    assert set(EVENTS.values()) == set(get_args(EventType))


@pytest.mark.parametrize("state", ["queued", "running", "finishing", "failing"])
def test_nothing_is_said_of_a_job_that_is_not_over(state: JobState) -> None:
    with pytest.raises(KeyError):
        message_of(told_job(state=state))


def test_every_attempt_sends_the_same() -> None:
    assert message_of(told_job()) == message_of(told_job())


@pytest.mark.parametrize("job_id", ["image_ab12", "video_ab12"])
def test_openais_sdk_verifies_and_reads_it(job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOON + 60)
    message, secret = message_of(told_job(job_id)), secret_for(MASTER, KEY_DIGEST)
    headers = signed_headers(message.id, int(NOON), message.body, [secret])
    client = openai.OpenAI(api_key="sk-none", webhook_secret=secret)
    event: Any = client.webhooks.unwrap(message.body, headers)
    assert (event.id, event.object, event.created_at) == (message.id, "event", int(NOON))
    assert (event.type, event.data.id) == (json.loads(message.body)["type"], job_id)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(message.body, headers, secret=secret_for(MASTER, digest_of("sk-other")))


def test_each_key_has_a_secret_of_its_own_that_no_other_tells() -> None:
    secret = secret_for(MASTER, KEY_DIGEST)
    lead, _, text = secret.partition("_")
    key = base64.b64decode(text, validate=True)
    assert (lead, len(key)) == ("whsec", 32)
    assert key == hmac.new(MASTER.encode(), KEY_DIGEST.encode(), hashlib.sha256).digest()
    others = {secret_for(MASTER, digest_of(new_secret("key"))) for _ in range(9)}
    assert len(others | {secret, secret_for(MASTER + "!", KEY_DIGEST)}) == 11
