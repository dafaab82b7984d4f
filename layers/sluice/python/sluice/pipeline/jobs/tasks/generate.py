"""Has one picture made, by the first candidate that can, and leaves it in the bucket as it came.

A picture that is there is not made again, so that a repeated task costs nothing; one whose provider was asked and did
not answer may be made twice, and is charged once.
"""

import asyncio
from typing import Any

from sluice.errors import SluiceError
from sluice.pipeline.jobs.causes import is_final, most_telling_cause
from sluice.pipeline.jobs.checking import checked
from sluice.pipeline.jobs.exchange import answer_of, room_for
from sluice.pipeline.jobs.failures import RefusedError
from sluice.pipeline.jobs.fetching import Fetcher
from sluice.pipeline.jobs.legs import way_to
from sluice.pipeline.jobs.request_file import RequestFile
from sluice.pipeline.jobs.task import TaskEvent
from sluice.pipeline.jobs.work_file import WorkFile, WorkHead
from sluice.pipeline.jobs.workshop import Workshop
from sluice.providers.contract import ProviderCall
from sluice.stores.bucket import work_key
from sluice.stores.job_records import Job

SECONDS = 240.0
"""For all candidates together: less than the state's own limit, so that the machine hears what went wrong."""

LEAST_SECONDS = 45.0
"""What each candidate has at least, if there is so much; a picture takes longer than a second."""


async def generate(event: TaskEvent, workshop: Workshop) -> dict[str, Any]:
    """Have the picture at ``event.index`` made.

    Raises:
        JobOverError: it is not wanted any more.
        RefusedError, PassingError: no candidate has made it.
    """
    job = await workshop.running(event.job)
    if event.index >= job.count:
        raise RefusedError("server_error")
    if await _is_there(workshop, job, event.index):
        return {}
    deadline = workshop.deadline(job, SECONDS)
    work = await _made(workshop, job, event.index, await workshop.request_of(job), deadline)
    await workshop.leave_work(job, event.index, work)
    return {}


async def _is_there(workshop: Workshop, job: Job, index: int) -> bool:
    known = job.outputs.get(index)
    if known is not None and known.stored:
        return True
    return await workshop.bucket.size(work_key(job.id, index)) is not None


async def _made(workshop: Workshop, job: Job, index: int, request: RequestFile, deadline: float) -> WorkFile:
    """The picture of the first candidate that makes one."""
    failures: list[SluiceError] = []
    clock = asyncio.get_running_loop().time
    for leg in range(len(request.legs)):
        left = deadline - clock()
        share = max(left / (len(request.legs) - leg), min(LEAST_SECONDS, left))
        try:
            content = await _asked(workshop, job, index, request, leg, clock() + share)
        except SluiceError as error:
            failures.append(error)
            if is_final(error) or clock() >= deadline:
                break
        else:
            return WorkFile(WorkHead(leg=leg), content)
    if not failures:
        raise RefusedError("server_error")
    raise most_telling_cause(failures).task_error()


async def _asked(
    workshop: Workshop, job: Job, index: int, request: RequestFile, leg: int, deadline: float
) -> bytes:
    """The picture of one candidate.

    Raises:
        SluiceError: it has made none.
    """
    upstream, most_bytes = workshop.reach.upstream, workshop.most_bytes(job)
    way = await way_to(workshop.reach, request, leg)
    call = ProviderCall(request.images, way.target, id=f"{job.id}-{index}", now=workshop.clock())
    question = way.images.upstream_request(call, index)
    body = await answer_of(upstream, way, question, deadline=deadline, most_bytes=room_for(most_bytes))
    media = way.images.picture(body, call)
    fetcher = Fetcher(upstream, workshop.bucket, job.id, most_bytes, deadline)
    content = await fetcher.content(media, way.target)
    checked(content, job.kind, most_bytes)  # again where it is stored; here another candidate may do better
    return content
