"""Video jobs, what providers call back, and what webhooks are signed with."""

from functools import partial
from http import HTTPStatus

from sluice.api.validation import parse_object
from sluice.api.videos_reply import VideoDeleted
from sluice.asgi.application import Operation, delete, get, post
from sluice.asgi.buffered import buffered
from sluice.asgi.exchange import Exchange
from sluice.asgi.forms import members_of
from sluice.asgi.studios import (
    PREFIXES,
    send_shape,
    studio_application,
    submitting,
    visiting,
    visiting_job,
)
from sluice.config import VideosSettings
from sluice.pipeline.jobs import owned
from sluice.pipeline.jobs.callbacks import called_back
from sluice.pipeline.jobs.media import Videos
from sluice.pipeline.jobs.pages import PARAMETERS, Page
from sluice.pipeline.jobs.poll_headers import poll_headers
from sluice.pipeline.jobs.studio import Studio
from sluice.pipeline.jobs.submit import submit
from sluice.pipeline.jobs.videos_view import (
    WHOLE_VIDEO,
    content_link,
    request_shown,
    video,
    video_list,
    video_result,
    video_task,
)
from sluice.pipeline.jobs.visit import wanted
from sluice.wire.sigv4 import ReadMethod

PICTURES = ("input_reference",)
"""Members of a form that may be files."""
VARIANT = "variant"


async def make(exchange: Exchange, studio: Studio) -> None:
    """POST a prompt, get the video in the making."""
    call = await submitting(exchange, studio)
    read = partial(members_of, exchange.header("content-type"), pictures=PICTURES)
    asked = await wanted(studio, call, read)
    medium = Videos()
    job = (await submit(studio, call, asked, medium)).job
    await send_shape(exchange, await video(studio, job, medium.understood(asked.members)), poll_headers(job))


async def make_task(exchange: Exchange, studio: Studio) -> None:
    """POST a prompt, get the task that makes the video."""
    call = await submitting(exchange, studio)
    job = (await submit(studio, call, await wanted(studio, call, parse_object), Videos())).job
    await send_shape(exchange, video_task(job), poll_headers(job), request_hash=job.request_hash)


async def show_all(exchange: Exchange, studio: Studio) -> None:
    """GET a page of the owner's videos."""
    async with visiting(exchange, studio) as key:
        page = Page.asked(exchange.query(*PARAMETERS))
        await send_shape(exchange, await video_list(studio, key, page))


async def show(exchange: Exchange, studio: Studio) -> None:
    """GET a video."""
    async with visiting_job(exchange, studio, "video") as job:
        request = request_shown(await owned.request_of(studio, job))
        await send_shape(exchange, await video(studio, job, request), poll_headers(job))


async def forget(exchange: Exchange, studio: Studio) -> None:
    """DELETE a video; one that is not made yet is cancelled."""
    async with visiting_job(exchange, studio, "video") as job:
        await owned.delete(studio, job)
        await send_shape(exchange, VideoDeleted(id=job.id))


async def lead_to_content(exchange: Exchange, studio: Studio) -> None:
    """GET where a video's file is."""
    async with visiting_job(exchange, studio, "video") as job:
        variant = exchange.query(VARIANT).get(VARIANT, WHOLE_VIDEO)
        method: ReadMethod = "HEAD" if exchange.method == "HEAD" else "GET"
        place = {"location": await content_link(studio, job, variant, method)}
        await exchange.send_empty(HTTPStatus.TEMPORARY_REDIRECT, {"content-length": "0", **place})


async def show_result(exchange: Exchange, studio: Studio) -> None:
    """GET how a task is."""
    async with visiting_job(exchange, studio, "video") as job:
        await send_shape(exchange, await video_result(studio, job), poll_headers(job))


async def show_deliveries(exchange: Exchange, studio: Studio) -> None:
    """GET what became of the message that a job is over."""
    async with visiting_job(exchange, studio) as job:
        await send_shape(exchange, await studio.webhooks.deliveries(job))


async def show_secret(exchange: Exchange, studio: Studio) -> None:
    """GET what signs the messages about the key's jobs."""
    async with visiting(exchange, studio) as key:
        await send_shape(exchange, await studio.webhooks.secret(key))


async def take_callback(exchange: Exchange, studio: Studio) -> None:
    """POST by a provider, to whom the address was told; what it says is not looked at."""
    await exchange.allowed()
    await exchange.skip_body(studio.settings.max_body_bytes)
    await called_back(studio, exchange.path_parameters["id"], exchange.path_parameters["secret"])
    await exchange.send_empty(HTTPStatus.NO_CONTENT, {})


PATHS: dict[str, Operation[Studio]] = {
    "/v1/videos": get(show_all) | post(make),
    "/v1/videos/generations": post(make_task),
    "/v1/videos/result/{id}": get(show_result),
    "/v1/videos/{id}": get(show) | delete(forget),
    "/v1/videos/{id}/content": get(lead_to_content),
    "/v1/jobs/{id}/deliveries": get(show_deliveries),
    "/v1/webhooks/secret": get(show_secret),
}

app = studio_application(
    {prefix + path: operation for prefix in PREFIXES for path, operation in PATHS.items()}
    | {"/v1/jobs/{id}/callbacks/{secret}": post(take_callback)},
    VideosSettings,
    name="videos",
)
handler = buffered(app)
