"""The jobs that the sample events speak of, as a client has asked for them and nobody has carried them out."""

import time
from contextlib import closing
from decimal import Decimal

from made_jobs import made_job
from sluice.accounting.admission import Taking
from sluice.accounting.counter import Hold, Limits
from sluice.accounting.demand import Fit
from sluice.accounting.windows import Window
from sluice.keys import digest_of
from sluice.local.stack import Stack
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket, request_key
from sluice.stores.counter_items import admitting
from sluice.stores.counters import LEAD
from sluice.stores.job_records import Job, JobKind
from sluice.stores.jobs import JobStore

DIGITS = "0192f3a4b5c67d8e9f00112233445566"
"""Of the ids of the jobs in all sample events."""

IMAGE, VIDEO = f"image_{DIGITS}", f"video_{DIGITS}"
MODELS: dict[JobKind, str] = {"image": "demo-image", "video": "demo-video"}
PRICE = Decimal("0.01")
HELD = 40_000_000
"""What they hold, in nano-USD: a picture, or four seconds."""

PERIOD = "lifetime"
EMPTY = Window(0, 0, (0, 0, 0, 0, 0), 0)


async def put_jobs(endpoint: Endpoint, stack: Stack, keys: dict[JobKind, tuple[str, str]], hook: str) -> None:
    """Put a picture that is queued, and a video that is running: its machine has begun it.

    Args:
        endpoint, stack: where.
        keys: the id and the secret of the key whose the job is, by the job's kind; none was used before.
        hook: who is told of the video.
    """
    with closing(AWS(endpoint)) as aws:
        bucket = Bucket(aws, stack.outputs["JobsBucketName"])
        jobs = JobStore(aws, stack.tables["JobsTable"])
        for kind, (key_id, secret) in keys.items():
            job = _job(kind, key_id)
            request = _request(kind, secret, hook)
            await bucket.put(
                request_key(job.id), Blob(request.model_dump_json().encode(), "application/json")
            )
            await _hold(aws, stack.tables["CountersTable"], job)
            await jobs.put_new(job)
        await jobs.begin(VIDEO, int(time.time() * 1000))


def _job(kind: JobKind, key_id: str) -> Job:
    now = int(time.time())
    return made_job(
        f"{kind}_{DIGITS}",
        kind,
        request_id=f"req_{kind[0]}{DIGITS[1:]}",
        key_id=key_id,
        model=MODELS[kind],
        hold=Hold(HELD, 0, now + 4_440, PERIOD),
        created_at=now * 1000,
        deadline=now + 3_600,
        expires_at=now + 86_400,
        has_webhook=kind == "video",
    )


def _request(kind: JobKind, secret: str, hook: str) -> RequestFile:
    told = {"n": 1} if kind == "image" else {"seconds": 4, "webhook_url": hook}
    return RequestFile(
        request={"model": MODELS[kind], "prompt": "a lighthouse at dusk", **told},
        model=MODELS[kind],
        legs=(JobLeg(provider="demo", model=MODELS[kind], price=PRICE),),
        callback_secret="nobody-guesses-it",
        key_digest=digest_of(secret),
    )


async def _hold(aws: AWS, table: str, job: Job) -> None:
    taking = Taking(Fit(0, 0, HELD), None, EMPTY, EMPTY, EMPTY, PERIOD)
    update = admitting(job.request_id, job.hold, taking, Limits(), int(time.time()))
    await aws.dynamodb.call(
        "UpdateItem", TableName=table, Key={"id": {"S": LEAD + job.key_id}}, **update.members()
    )
