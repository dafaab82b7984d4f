"""What every provider module offers: the seam that a new wire format has to fit.

A provider is a module of pure functions: no I/O, no clock, no environment; whatever it needs to know is in the
``ProviderCall``. The registry maps the catalogue's ``kind`` to the module; a new one is its module and a line there.

    ProviderCall        ── chat_request ──▶ UpstreamRequest ──▶ (sluice.upstream sends it)
    status 200, whole   ── chat_completion ──▶ ChatCompletion
    status 200, stream  ── new_decoder ──▶ WireEvent ── ChatStream.feed ──▶ ChatCompletionChunk
    any other status    ── failure ──▶ SluiceError
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.credentials import Credential
from sluice.errors import SluiceError
from sluice.wire.events import Decoder, WireEvent


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: one candidate of a catalogue row, with its provider's address and credential.

    ``model`` is the provider's id of the model; limits are in tokens, None where the catalogue tells none.
    """

    provider: str
    base_url: str
    model: str
    credential: Credential | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    context_tokens: int | None = None
    output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """A request, where it goes, and what a reply takes from the gateway and not from the provider.

    ``id`` stands in where a provider gives none, ``now`` (epoch seconds) is what requests are signed and replies dated
    with. Replies go under ``request.model``, the name that the client asked for.
    """

    request: ChatCompletionRequest
    target: Target
    id: str
    now: float


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """An HTTP request to a provider. Its address and headers may hold the credential, so they stay out of ``repr``."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: str = "POST"


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

    ADDRESS: str | None
    """The base URL where the catalogue gives none; None if it has to give one."""

    STREAM_CONTENT_TYPE: str
    """What a stream's content type holds."""

    def new_decoder(self) -> Decoder:
        """From bytes to events, for one streamed reply."""
        ...

    def chat_request(self, call: ProviderCall) -> UpstreamRequest:
        """Express a chat request in the provider's format.

        Raises:
            UnsupportedParameterError: the provider has no way to say it.
        """
        ...

    def chat_completion(self, body: bytes, call: ProviderCall) -> ChatCompletion:
        """Translate a whole reply.

        Raises:
            SluiceError: it is not one.
        """
        ...

    def chat_stream(self, call: ProviderCall) -> ChatStream:
        """A translator for one streamed reply."""
        ...

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> SluiceError:
        """What a reply of any status but 200 means for the client; header names are in lower case."""
        ...
