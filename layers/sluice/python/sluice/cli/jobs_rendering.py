"""Jobs as the command prints them: as JSON for scripts, as text for a person. What clients have said is in neither."""

from collections.abc import Iterable, Iterator
from typing import Any

from sluice.cli.rendering import columns, moment
from sluice.money import format_usd
from sluice.observability import on_one_line
from sluice.pipeline.jobs.failures import WORDS
from sluice.stores.job_records import Job

COLUMNS = ("id", "state", "owner", "key", "model", "provider", "created", "took", "cost")


def job_object(job: Job) -> dict[str, Any]:
    """A job as a JSON object. Times are epoch seconds, money is a decimal string of USD."""
    return {
        "id": job.id,
        "request_id": job.request_id,
        "kind": job.kind,
        "state": job.state,
        "failure": job.failure,
        "owner": job.owner,
        "key": job.key_id,
        "model": job.model,
        "provider": job.provider or None,
        "reference": job.reference,
        "count": job.count,
        "seconds": job.seconds,
        "size": job.size,
        "progress": job.progress,
        "cost": None if job.cost is None else format_usd(job.cost),
        "held": None if job.is_over else format_usd(job.hold.amount),
        "created_at": job.created_at // 1000,
        "started_at": _seconds(job.started_at),
        "ended_at": _seconds(job.ended_at),
        "deadline": job.deadline,
        "expires_at": job.expires_at,
        "has_webhook": job.has_webhook,
        "outputs": [
            {
                "index": index,
                "digest": output.digest,
                "content_type": output.content_type,
                "size": output.size,
                "cid": output.cid,
                "stored": output.stored,
            }
            for index, output in sorted(job.outputs.items())
        ],
    }


def jobs_table(jobs: Iterable[Job], now: float) -> str:
    """Jobs as lines under a heading; ``now`` is epoch seconds."""
    return columns([COLUMNS, *(_row(job, now) for job in jobs)])


def job_text(job: Job, now: float) -> str:
    """A job as lines that begin with a name."""
    lines = dict(_lines(job, now))
    width = max(map(len, lines))
    return "\n".join(f"{name.ljust(width)}  {on_one_line(value)}" for name, value in lines.items())


def _row(job: Job, now: float) -> tuple[str, ...]:
    state = job.state if job.failure is None else f"{job.state} ({job.failure})"
    return (
        job.id,
        state,
        job.owner,
        job.key_id,
        job.model,
        job.provider or "-",
        moment(job.created_at // 1000),
        _took(job, now),
        _cost(job),
    )


def _lines(job: Job, now: float) -> Iterator[tuple[str, str]]:
    yield "id", job.id
    yield "state", job.state if job.is_over or not job.progress else f"{job.state}, {job.progress} %"
    if job.failure is not None:
        yield "failure", f"{job.failure}: {WORDS.get(job.failure, WORDS['server_error'])}"
    yield "request", job.request_id
    yield "owner", job.owner
    yield "key", job.key_id
    yield "model", job.model
    if job.provider:
        yield "provider", job.provider
    if job.reference is not None:
        yield "reference", job.reference
    yield "wanted", f"{job.count} image(s)" if job.seconds is None else f"{job.seconds} s"
    if job.size is not None:
        yield "size", job.size
    yield "cost", _cost(job)
    yield "created", moment(job.created_at // 1000)
    yield "took", _took(job, now)
    if not job.is_over:
        yield "deadline", moment(job.deadline)
    yield "expires", moment(job.expires_at)
    yield "webhook", "yes" if job.has_webhook else "no"
    for index, output in sorted(job.outputs.items()):
        stored = "" if output.stored else ", not stored"
        yield f"file {index}", f"{output.digest}, {output.content_type}, {output.size} bytes{stored}"


def _cost(job: Job) -> str:
    if job.cost is not None:
        return f"{format_usd(job.cost)} USD"
    return "-" if job.is_over else f"{format_usd(job.hold.amount)} USD held"


def _took(job: Job, now: float) -> str:
    end = now if job.ended_at is None else job.ended_at / 1000
    return f"{max(0.0, end - job.created_at / 1000):.0f} s{'' if job.ended_at is not None else ' so far'}"


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000
