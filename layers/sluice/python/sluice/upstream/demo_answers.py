"""What the demo provider answers, by path: bytes of OpenAI's format, as a provider would send them."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.providers.demo import chat_answers, completion_answers, images, vectors
from sluice.providers.demo.filming import filmed
from sluice.providers.demo.videos import DemoVideo

MODELS = ("demo", "demo-embedding", "demo-image", "demo-video")


@dataclass(frozen=True, slots=True)
class File:
    """A file, as it is."""

    content: bytes
    content_type: str


type Body = bytes | Iterator[bytes] | File
"""A whole reply, the payloads of its events, or a file."""


def _chat(body: bytes) -> Body:
    asked = ChatCompletionRequest.model_validate(from_json(body))
    made = (asked, chat_answers.answer(asked), f"chatcmpl-{uuid.uuid4().hex}", int(time.time()))
    return chat_answers.events(*made) if asked.streams else chat_answers.reply_body(*made)


def _completions(body: bytes) -> Body:
    asked = CompletionRequest.model_validate(from_json(body))
    made = (asked, completion_answers.answers(asked), f"cmpl-{uuid.uuid4().hex}", int(time.time()))
    return completion_answers.events(*made) if asked.streams else completion_answers.reply_body(*made)


def _embeddings(body: bytes) -> Body:
    return vectors.reply_body(EmbeddingsRequest.model_validate(from_json(body)))


def _images(body: bytes) -> Body:
    return images.reply_body(ImagesRequest.model_validate(from_json(body)), int(time.time()))


def _videos(body: bytes) -> Body:
    now = time.time()
    return DemoVideo.asked_for(VideosRequest.model_validate(from_json(body)), now).body(now)


def _models(_: bytes) -> Body:
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "sluice"} for name in MODELS]
    return to_json({"object": "list", "data": rows})


ANSWERS: Final[Mapping[str, Callable[[bytes], Body]]] = {
    "/chat/completions": _chat,
    "/completions": _completions,
    "/embeddings": _embeddings,
    "/images/generations": _images,
    "/videos": _videos,
    "/models": _models,
}


def answer(method: str, path: str, body: bytes) -> Body | None:
    """The answer to a request; None where nothing is at its path."""
    known = ANSWERS.get(path)
    if known is not None:
        return known(body)
    match path.split("/"):
        case ["", "videos", identifier, *rest]:
            video = DemoVideo.of_id(identifier)
            return None if video is None else _of_video(method, video, rest)
        case _:
            return None


def _of_video(method: str, video: DemoVideo, rest: list[str]) -> Body | None:
    match method, rest:
        case "GET", []:
            return video.body(time.time())
        case "GET", ["content"]:
            return File(filmed(video.film), "video/mp4")
        case "DELETE", []:
            return to_json({"id": video.id, "object": "video.deleted", "deleted": True})
        case _:
            return None
