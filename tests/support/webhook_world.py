"""A courier with one job to tell of: what is in the stores is real, who is called is the test's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from fake_dynamodb import FakeClient, FakeDynamoDB
from made_jobs import made_job
from sluice.config import SecretsSettings, WebhookSettings
from sluice.credentials import Credential
from sluice.keys import digest_of
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.pipeline.jobs.webhooks.deliver import Courier
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket, request_key
from sluice.stores.credentials import CredentialStore
from sluice.stores.deliveries import DeliveryStore
from sluice.stores.job_records import Job, JobKind, JobState
from sluice.stores.jobs import JobStore
from sluice.upstream.public import Answer, NoAnswerError, PublicCaller

TABLE = "JobsTable"
NOON = 1_800_000_000.0
"""When the job ended, in epoch seconds."""
MASTER = "a-master-secret"
KEY_DIGEST = digest_of("sk-" + "a" * 48)
PROMPT = "a cat that nobody may hear of"
ADDRESS = "https://hooks.example.com/jobs?token=secret-of-the-clients"


def told_job(job_id: str = "video_0123456789abcdef", state: JobState = "completed", **changes: Any) -> Job:
    """A job that ended at noon, and somebody wants to be told."""
    kind = cast("JobKind", job_id.partition("_")[0])
    times = {"created_at": int(NOON - 60) * 1000, "ended_at": int(NOON) * 1000}
    members = {"state": state, "has_webhook": True, "expires_at": int(NOON) + 30 * 86_400, **times}
    return made_job(job_id, kind, **(members | changes))


def made_request(address: str | None = ADDRESS, key_digest: str | None = KEY_DIGEST) -> RequestFile:
    """Its request."""
    return RequestFile(
        request={"model": "demo-video", "prompt": PROMPT} | ({"webhook_url": address} if address else {}),
        model="demo-video",
        legs=(JobLeg(provider="demo", model="video"),),
        key_digest=key_digest,
    )


class Jobs(JobStore):
    """Jobs in memory."""

    def __init__(self) -> None:
        self.items: dict[str, Job] = {}

    async def get(self, job_id: str) -> Job | None:
        return self.items.get(job_id)


class Objects(Bucket):
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, Blob] = {}

    async def get(self, key: str, most_bytes: int) -> Blob | None:
        found = self.objects.get(key)
        assert found is None or len(found.content) <= most_bytes
        return found


class Credentials(CredentialStore):
    """Credentials by name."""

    def __init__(self, **values: Credential) -> None:
        super().__init__(SecretsSettings(), cast("AWS", None))
        self.values: dict[str, Credential] = dict(values)

    async def get(self, name: str) -> Credential | None:
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class Posted:
    """A call of an address."""

    at: float
    address: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class World:
    """The parts, the time, and what was posted."""

    settings: WebhookSettings = field(
        default_factory=lambda: WebhookSettings(jobs_table=TABLE, jobs_bucket="bucket")
    )
    answers: list[Answer | NoAnswerError] = field(default_factory=list)
    """To the calls in their order; the last one to all others."""
    now: float = NOON
    takes_seconds: float = 0.25
    """How long each call takes."""
    chance: float = 0.0
    caller: PublicCaller | None = None
    """Who calls in place of the test's own."""

    def __post_init__(self) -> None:
        self.posted: list[Posted] = []
        self.jobs, self.bucket = Jobs(), Objects()
        self.credentials = Credentials(WEBHOOK_SECRET=MASTER)
        self.dynamodb = FakeClient(FakeDynamoDB({TABLE: ("id",)}))
        self.logs = DeliveryStore(self.dynamodb.aws, TABLE)
        self.courier = Courier(
            settings=self.settings,
            jobs=self.jobs,
            bucket=self.bucket,
            logs=self.logs,
            credentials=self.credentials,
            caller=self.caller or Caller(self),
            clock=lambda: self.now,
            chance=lambda: self.chance,
        )

    def has(self, job: Job, request: RequestFile | None = None) -> Job:
        """Put a job and its request where they are looked for."""
        self.jobs.items[job.id] = job
        content = (request or made_request()).model_dump_json().encode()
        self.bucket.objects[request_key(job.id)] = Blob(content, "application/json")
        return job


class Caller(PublicCaller):
    """Takes calls down, and answers as the world says."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        world = self._world
        world.posted.append(Posted(world.now, address, body, headers))
        world.now += world.takes_seconds
        answer = world.answers.pop(0) if len(world.answers) > 1 else world.answers[0]
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer
