"""Models as OpenAI's models endpoint has them."""

from typing import Literal

from sluice.api.shapes import ReplyShape


class Model(ReplyShape):
    """A model that can be asked for; ``created`` is in epoch seconds."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(ReplyShape):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]
