"""Jobs for tests."""

import itertools
from typing import Any

from sluice.accounting.counter import Hold
from sluice.stores.job_records import LEADS, Job, JobKind, Output

NOON = 1_795_262_400
"""2026-11-21, 12:00 UTC, in seconds."""

_numbers = itertools.count(1)


def new_id(kind: JobKind = "image") -> str:
    """The id of a job that no other test has; later ones sort behind."""
    return f"{LEADS[kind]}{next(_numbers):032x}"


def made_job(job_id: str | None = None, kind: JobKind = "image", **members: Any) -> Job:
    """A job that was just taken, ``members`` aside."""
    job_id = job_id or new_id(kind)
    defaults: dict[str, Any] = {
        "id": job_id,
        "request_id": "req_" + job_id.partition("_")[2],
        "key_id": "key_a",
        "owner": "ann",
        "kind": kind,
        "state": "queued",
        "model": "maker-1",
        "count": 1,
        "hold": Hold(40_000_000, 0, NOON + 4_440, "lifetime"),
        "created_at": NOON * 1000,
        "deadline": NOON + 600,
        "expires_at": NOON + 30 * 86_400,
        "request_hash": "a" * 64,
        "input_hash": "b" * 64,
        "seconds": None if kind == "image" else 4,
    }
    return Job(**(defaults | members))


def made_output(content: str = "picture", **members: Any) -> Output:
    """A file that is in the bucket, ``members`` aside."""
    defaults: dict[str, Any] = {
        "digest": f"{content}-digest",
        "content_type": "image/png",
        "size": 7,
        "stored": True,
    }
    return Output(**(defaults | members))
