"""Models as OpenAI's models endpoint has them."""

from typing import Annotated, Literal

from pydantic import Field

from sluice.api.shapes import ReplyShape, absent


class Model(ReplyShape):
    """A model that can be asked for; ``created`` is in epoch seconds.

    ``shutdown_date`` (YYYY-MM-DD) is the day from which its provider serves it no more, as OpenAI has it. From then on
    ``successor`` answers: that member is ours.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    shutdown_date: Annotated[str | None, Field(exclude_if=absent)] = None
    successor: Annotated[str | None, Field(exclude_if=absent)] = None


class ModelList(ReplyShape):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]
