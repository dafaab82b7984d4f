"""What the demo provider answers, by path: bytes of OpenAI's format, as a provider would send them."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pydantic_core import from_json, to_json

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.providers.demo import chat_answers, completion_answers, images, vectors

MODELS = ("demo", "demo-embedding", "demo-image")

type Body = bytes | Iterator[bytes]
"""A whole reply, or the payloads of its events."""


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


def _models(_: bytes) -> Body:
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "sluice"} for name in MODELS]
    return to_json({"object": "list", "data": rows})


ANSWERS: Final[Mapping[str, Callable[[bytes], Body]]] = {
    "/chat/completions": _chat,
    "/completions": _completions,
    "/embeddings": _embeddings,
    "/images/generations": _images,
    "/models": _models,
}
