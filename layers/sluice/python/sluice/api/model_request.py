"""What all requests to a model have in common."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from sluice.api.shapes import RequestShape

MOST_MODELS = 16

ModelName = Annotated[str, Field(min_length=1)]


class ModelRequest(RequestShape):
    """A request for one model, by the id or alias that the client knows."""

    model: ModelName

    @property
    def other_models(self) -> Sequence[str]:
        """Models that may answer in the place of ``model``, in this order."""
        return ()

    @property
    def streams(self) -> bool:
        """Whether the reply is a stream."""
        return False


class StreamOptions(RequestShape):
    """What a stream carries beside its text."""

    include_usage: bool | None = None


class StreamableRequest(ModelRequest):
    """One whose reply may be a stream."""

    models: Annotated[list[ModelName], Field(min_length=1, max_length=MOST_MODELS)] | None = None
    """Further models, tried in this order where the ones before do not answer, as OpenRouter has it."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def other_models(self) -> Sequence[str]:
        """See ``ModelRequest``."""
        return self.models or ()

    @property
    def streams(self) -> bool:
        """Whether the reply is a stream."""
        return self.stream is True

    @property
    def wants_usage_chunk(self) -> bool:
        """Whether the stream ends in a chunk with usage."""
        return self.stream_options is not None and self.stream_options.include_usage is True


def with_model(raw: dict[str, Any]) -> dict[str, Any]:
    """The body of a request under the first of its ``models``, where it names no ``model``."""
    models = raw.get("models")
    if raw.get("model") is None and isinstance(models, list) and models:
        return {**raw, "model": models[0]}
    return raw
