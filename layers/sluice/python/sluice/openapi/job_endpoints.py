"""The rows of pictures, videos, and what belongs to the jobs that make them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sluice.api.images_reply import ImageJobDeleted
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_reply import Video, VideoDeleted, VideoList, VideoResult
from sluice.api.videos_request import VideosRequest
from sluice.api.webhooks import DeliveryList, WebhookSecret
from sluice.openapi.endpoint import KEYED, OPEN, TAKEN, VISIT, Answer, Endpoint
from sluice.openapi.examples import (
    IMAGES,
    NO_CALLBACK,
    NO_IMAGE_JOB,
    NO_VIDEO,
    VIDEO_TASKS,
    VIDEOS,
    Example,
)
from sluice.openapi.forms import VideosForm
from sluice.openapi.headers import IDEMPOTENCY_KEY, POLLING, PREFER, PROVIDERS
from sluice.openapi.shapes import ImageJobReply, ImagesReply, VideoTaskReply

SHOWN = ("cache-control",)
REPLAYED = ("idempotent-replayed",)


def _both(path: str) -> tuple[str, str]:
    return path, f"/api{path}"


def _in_path(name: str, description: str) -> Mapping[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }


def _in_query(name: str, description: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _links(id_place: str, **operations: str) -> Mapping[str, Any]:
    """Where the reply's id leads."""
    return {
        name: {"operationId": operation, "parameters": {"id": f"$response.body#/{id_place}"}}
        for name, operation in operations.items()
    }


JOB_ID = _in_path("id", "The job's")
PAGE: Iterable[Mapping[str, Any]] = (
    _in_query(
        "after",
        "The id of the last video that is known",
        {"type": "string", "pattern": "^video_[ -~]*$", "maxLength": 80},
    ),
    _in_query("limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}),
    _in_query("order", "By time", {"type": "string", "enum": ["asc", "desc"], "default": "desc"}),
)

IMAGE_ENDPOINTS = (
    Endpoint(
        paths=_both("/v1/images/generations"),
        method="POST",
        id="createImage",
        tag="Images",
        summary="Pictures of what a prompt says",
        description="The reply comes when the pictures are made. If they are not in time, nothing is charged. With "
        "`async`, or `Prefer: respond-async`, it is a job instead.",
        request=ImagesRequest,
        reply=ImagesReply,
        answers={
            202: Answer(
                description="The job that makes them",
                reply=ImageJobReply,
                headers=("location", "preference-applied", *POLLING, *REPLAYED),
            )
        },
        failures=KEYED,
        keyed=True,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS, PREFER),
        headers=REPLAYED,
        examples=IMAGES,
    ),
    Endpoint(
        paths=_both("/v1/images/generations/{id}"),
        method="GET",
        id="retrieveImageJob",
        tag="Images",
        summary="A job that makes pictures",
        description="Once it is `completed`, `result` has the pictures.",
        reply=ImageJobReply,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=(*SHOWN, *POLLING),
        examples=NO_IMAGE_JOB,
    ),
    Endpoint(
        paths=_both("/v1/images/generations/{id}"),
        method="DELETE",
        id="deleteImageJob",
        tag="Images",
        summary="The end of a job, and of its pictures",
        description="One that is not over is cancelled, and costs nothing.",
        reply=ImageJobDeleted,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=SHOWN,
        examples=NO_IMAGE_JOB,
    ),
)

VIDEO_ENDPOINTS = (
    Endpoint(
        paths=_both("/v1/videos"),
        method="POST",
        id="createVideo",
        tag="Videos",
        summary="A video of what a prompt says",
        description="It is made by a job: the reply shows it in the making.",
        request=VideosRequest,
        form=VideosForm,
        reply=Video,
        failures=TAKEN,
        keyed=True,
        routed=False,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=(*SHOWN, *POLLING, *REPLAYED),
        examples=VIDEOS,
        links=_links("id", itself="retrieveVideo", content="retrieveVideoContent", end="deleteVideo"),
    ),
    Endpoint(
        paths=_both("/v1/videos"),
        method="GET",
        id="listVideos",
        tag="Videos",
        summary="The owner's videos",
        reply=VideoList,
        failures=OPEN | {400, 401},
        keyed=True,
        routed=False,
        parameters=tuple(PAGE),
        headers=SHOWN,
        examples={"all": Example(summary="The newest ones")},
    ),
    Endpoint(
        paths=_both("/v1/videos/{id}"),
        method="GET",
        id="retrieveVideo",
        tag="Videos",
        summary="A video, made or in the making",
        reply=Video,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=(*SHOWN, *POLLING),
        examples=NO_VIDEO,
    ),
    Endpoint(
        paths=_both("/v1/videos/{id}"),
        method="DELETE",
        id="deleteVideo",
        tag="Videos",
        summary="The end of a video",
        description="One that is not made yet is cancelled, and costs nothing.",
        reply=VideoDeleted,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=SHOWN,
        examples=NO_VIDEO,
    ),
    Endpoint(
        paths=_both("/v1/videos/{id}/content"),
        method="GET",
        id="retrieveVideoContent",
        tag="Videos",
        summary="The file of a video",
        description="The address that the reply leads to takes no key, works for a while, and knows ranges. As long as "
        "there is no file the reply is a 404.",
        reply=None,
        answers={307: Answer(description="Where the file is", headers=("location", *SHOWN))},
        failures=VISIT | {400},
        keyed=True,
        routed=False,
        parameters=(
            JOB_ID,
            _in_query("variant", "What of it", {"type": "string", "enum": ["video"], "default": "video"}),
        ),
        examples=NO_VIDEO,
    ),
    Endpoint(
        paths=_both("/v1/videos/generations"),
        method="POST",
        id="createVideoTask",
        tag="Videos",
        summary="A video of what a prompt says, by a task",
        description="It makes the same job as `/v1/videos`, which its id names there too.",
        request=VideosRequest,
        reply=VideoTaskReply,
        failures=TAKEN,
        keyed=True,
        routed=False,
        parameters=(IDEMPOTENCY_KEY, PROVIDERS),
        headers=(*SHOWN, *POLLING, *REPLAYED),
        examples=VIDEO_TASKS,
        links=_links("task_id", result="retrieveVideoResult", deliveries="listDeliveries"),
    ),
    Endpoint(
        paths=_both("/v1/videos/result/{id}"),
        method="GET",
        id="retrieveVideoResult",
        tag="Videos",
        summary="How a task is, and its video",
        reply=VideoResult,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=(*SHOWN, *POLLING),
        examples=NO_VIDEO,
    ),
)

SHARED_ENDPOINTS = (
    Endpoint(
        paths=_both("/v1/jobs/{id}/deliveries"),
        method="GET",
        id="listDeliveries",
        tag="Jobs",
        summary="What became of the message that a job is over",
        description="It goes to the `webhook_url` of the job's request, signed as Standard Webhooks has it.",
        reply=DeliveryList,
        failures=VISIT,
        keyed=True,
        routed=False,
        parameters=(JOB_ID,),
        headers=SHOWN,
        examples=NO_VIDEO,
    ),
    Endpoint(
        paths=_both("/v1/webhooks/secret"),
        method="GET",
        id="retrieveWebhookSecret",
        tag="Jobs",
        summary="What signs the messages about the key's jobs",
        reply=WebhookSecret,
        failures=VISIT,
        keyed=True,
        routed=False,
        headers=SHOWN,
        examples={"now": Example(summary="The key's own")},
    ),
    Endpoint(
        paths=("/v1/jobs/{id}/callbacks/{secret}",),
        method="POST",
        id="callBack",
        tag="Jobs",
        summary="What a provider calls when it has made a video",
        description="Only a provider knows the address. What it sends is not looked at.",
        reply=None,
        answers={204: Answer(description="The provider will be asked")},
        failures=OPEN | {404, 413},
        parameters=(JOB_ID, _in_path("secret", "The job's own")),
        examples=NO_CALLBACK,
    ),
)

JOB_ENDPOINTS = (*IMAGE_ENDPOINTS, *VIDEO_ENDPOINTS, *SHARED_ENDPOINTS)
