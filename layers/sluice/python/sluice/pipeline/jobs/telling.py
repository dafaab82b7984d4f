"""What the headers of a reply, and the request's line in the log, tell of a job: as for requests answered at once."""

from sluice.money import format_usd
from sluice.observability import RequestRecord
from sluice.pipeline.route import PROVIDER
from sluice.pipeline.route_headers import COST, Headers, visible
from sluice.stores.job_records import Job


def tell_job(headers: Headers, record: RequestRecord, job: Job) -> None:
    """Tell who makes it, or has made it, and what it has cost; once it is completed, that is."""
    record.job = job.id
    if job.provider:
        headers[PROVIDER] = visible(job.provider)
        record.provider = job.provider
    if job.state == "completed" and job.cost is not None:
        headers[COST] = format_usd(job.cost)
