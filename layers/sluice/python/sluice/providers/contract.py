"""What every provider module offers: the seam that a new wire format has to fit.

A provider is a module of pure functions: no I/O, no clock, no environment; ids and times are arguments. The registry
maps the catalogue's ``kind`` to the module, and nothing else in the project knows a provider by name.

    ChatCompletionRequest ── chat_request ──▶ UpstreamRequest ──▶ (sluice.upstream sends it)
    status 200, whole     ── chat_completion ──▶ ChatCompletion
    status 200, streamed  ── wire decoder ──▶ WireEvent ── ChatStream.feed ──▶ ChatCompletionChunk
    any other status      ── failure ──▶ SluiceError
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import SluiceError
from sluice.wire.events import WireEvent

Framing = Literal["sse"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: one candidate of a catalogue row, with its provider's address and credential."""

    provider: str
    base_url: str
    model: str
    credential: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """An HTTP request to a provider. The header values hold its credential, so they stay out of ``repr``."""

    url: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What a reply takes from the gateway and not from the provider.

    ``model`` is the name the client asked for; ``id`` and ``created`` (epoch seconds) stand in where a provider gives
    none.
    """

    model: str
    id: str
    created: int


class ChatStream(Protocol):
    """The translator of one streamed reply."""

    @property
    def complete(self) -> bool:
        """Whether the provider has said all: only then may the client's stream end well."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the provider has announced that no event follows."""
        ...

    def feed(self, event: WireEvent) -> Sequence[ChatCompletionChunk]:
        """Translate one event; none, one or several chunks.

        Raises:
            SluiceError: the event reports a failure or cannot be understood.
        """
        ...


class Provider(Protocol):
    """A provider module."""

    FRAMING: Framing
    STREAM_CONTENT_TYPE: str

    def chat_request(self, request: ChatCompletionRequest, target: Target) -> UpstreamRequest:
        """Express a chat request in the provider's format.

        Raises:
            UnsupportedParameterError: the provider has no way to say it.
        """
        ...

    def chat_completion(self, body: bytes, context: ReplyContext) -> ChatCompletion:
        """Translate a whole reply.

        Raises:
            UpstreamError: it is not one.
        """
        ...

    def chat_stream(self, context: ReplyContext) -> ChatStream:
        """A translator for one streamed reply."""
        ...

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
        """What a reply of any status but 200 means for the client; header names are in lower case."""
        ...
