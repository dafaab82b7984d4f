"""What all requests to a model have in common."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from sluice.api.shapes import RequestShape

MOST_MODELS = 4
"""OpenRouter takes three. Each may have several candidates, and all are looked at before anything is held."""

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


def _one_name_will_do(schema: dict[str, Any]) -> None:
    """In JSON Schema's words: ``model`` may be left out where ``models`` names one."""
    required = schema.get("required", [])
    if "model" in required:
        schema["required"] = [name for name in required if name != "model"]
        schema["anyOf"] = [
            {"required": ["model"]},
            {"required": ["models"], "properties": {"models": {"type": "array"}}},
        ]


class StreamableRequest(ModelRequest):
    """One whose reply may be a stream."""

    model_config = ConfigDict(json_schema_extra=_one_name_will_do)

    models: Annotated[list[ModelName], Field(min_length=1, max_length=MOST_MODELS)] | None = Field(
        default=None,
        description="Further models, asked in this order after `model` where the ones before do not answer, as "
        "OpenRouter has it; without `model` the first of them stands for it. They take the place of the fallbacks "
        "that the catalogue has for the model.",
    )
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
    """The body of a request under the first of its ``models``, where it has no ``model``."""
    models = raw.get("models")
    if "model" not in raw and isinstance(models, list) and models:
        return {**raw, "model": models[0]}
    return raw
