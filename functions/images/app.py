"""Pictures, waited for or as jobs."""

from sluice.api.images_reply import ImageJobDeleted
from sluice.api.validation import parse_object
from sluice.asgi.application import delete, get, post
from sluice.asgi.exchange import Exchange
from sluice.asgi.studios import PREFIXES, send_shape, studio_application, submitting, visiting_job
from sluice.config import ImagesSettings
from sluice.pipeline.jobs import owned
from sluice.pipeline.jobs.images_view import image_job, request_shown
from sluice.pipeline.jobs.pictures import pictures
from sluice.pipeline.jobs.poll_headers import poll_headers
from sluice.pipeline.jobs.preference import HEADER, Preference
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.visit import wanted


async def make(exchange: Exchange, studio: Studio) -> None:
    """POST a prompt, get the pictures, or the job that makes them."""
    call = await submitting(exchange, studio)
    asked = await wanted(studio, call, parse_object)
    preference = Preference.of(exchange.header(HEADER), asked.members)
    reply = await pictures(studio, call, asked, preference)
    place = {} if reply.accepted is None else {"location": f"{exchange.address}/{reply.accepted}"}
    await exchange.send_json(reply.status, reply.body, {**reply.headers, **place})


async def show(exchange: Exchange, studio: Studio) -> None:
    """GET a job."""
    async with visiting_job(exchange, studio, "image") as job:
        request = request_shown(job, await owned.request_of(studio, job))
        shown = await image_job(studio, job, request)
        await send_shape(exchange, shown, poll_headers(job), request_hash=job.request_hash)


async def forget(exchange: Exchange, studio: Studio) -> None:
    """DELETE a job; one that is not over is cancelled."""
    async with visiting_job(exchange, studio, "image") as job:
        await owned.delete(studio, job)
        await send_shape(exchange, ImageJobDeleted(id=job.id))


JOBS, JOB = post(make), get(show) | delete(forget)

app = studio_application(
    {f"{prefix}/v1/images/generations": JOBS for prefix in PREFIXES}
    | {f"{prefix}/v1/images/generations/{{id}}": JOB for prefix in PREFIXES},
    ImagesSettings,
    name="images",
)
