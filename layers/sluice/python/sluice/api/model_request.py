"""What all requests to a model have in common."""

from typing import Annotated

from pydantic import Field

from sluice.api.shapes import RequestShape


class ModelRequest(RequestShape):
    """A request for one model, by the id or alias that the client knows."""

    model: Annotated[str, Field(min_length=1)]

    @property
    def streams(self) -> bool:
        """Whether the reply is a stream."""
        return False


class StreamOptions(RequestShape):
    """What a stream carries beside its text."""

    include_usage: bool | None = None


class StreamableRequest(ModelRequest):
    """One whose reply may be a stream."""

    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def streams(self) -> bool:
        """Whether the reply is a stream."""
        return self.stream is True

    @property
    def wants_usage_chunk(self) -> bool:
        """Whether the stream ends in a chunk with usage."""
        return self.stream_options is not None and self.stream_options.include_usage is True
