"""What the conformance suite knows of a provider: its wire format, its mock, and what the format has no place for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chat_operations import chat_of
from meanings import Fact
from mock_http import Received
from mock_turns import Turn
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.providers.contract import Provider, ProviderCall, ReplyStream, Target, UpstreamRequest
from sluice.providers.features import Feature
from sluice.providers.registry import PROVIDERS
from sluice.wire.events import Decoder, WireEvent

CREDENTIAL = "upstream-credential-0123456789"
REPLY_ID = "chatcmpl-ours"
NOW = 1_750_000_000.5


class Trouble(StrEnum):
    """What may go wrong with a provider before it answers."""

    CREDENTIAL = "it does not know the gateway's credential"
    RATE = "too many requests, and it tells how long to wait"
    BROKEN = "a fault of its own"
    OVERLOADED = "too much to do"
    CONTEXT = "more than the model reads"


RETRY_SECONDS = 7
"""How long it tells to wait."""


@dataclass(frozen=True)
class Failure:
    """A reply that is none: its status, body and headers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Participant:
    """A wire format and its mock.

    Args:
        name: of the kind, or of one of its models that wants requests of its own.
        kind: its name in the registry.
        target: where requests go.
        whole: a whole reply.
        events: the bytes of each event of a stream, the last one included.
        fault: what the provider would find wrong with a request; None if it takes it.
        streams: whether a request wants a stream; None for a provider that is never asked over a socket.
        failures: how it says what is wrong.
        credential: the name of its credential, a variable of the environment.
        base_path: what follows the host in the provider's base URL.
        unsaid: what the format has no place for.
        ends_before_usage: whether a stream has said all once it told why it ends, although its usage is still to come.
        refuses: features that it declares, and the model of ``target`` has not: either the module refuses
            them for it, or a catalogue has them in the model's ``unsupported_parameters``.
    """

    name: str
    kind: str
    target: Target
    whole: Callable[[Turn, str], bytes]
    events: Callable[[Turn, str], Sequence[bytes]]
    fault: Callable[[UpstreamRequest], str | None]
    streams: Callable[[Received], bool] | None = None
    failures: Mapping[Trouble, Failure] = field(default_factory=dict)
    credential: str = ""
    base_path: str = ""
    unsaid: frozenset[Fact] = frozenset()
    ends_before_usage: bool = False
    refuses: frozenset[Feature] = frozenset()

    @property
    def provider(self) -> Provider:
        """What the registry has for it."""
        return PROVIDERS[self.kind]

    def call(self, request: ChatCompletionRequest) -> ProviderCall[ChatCompletionRequest]:
        """A request on its way to this provider."""
        return ProviderCall(request, self.target, id=REPLY_ID, now=NOW)

    def whole_bytes(self, turn: Turn) -> bytes:
        """What the provider sends as a whole reply."""
        return self.whole(turn, self.target.model)

    def stream_bytes(self, turn: Turn) -> Sequence[bytes]:
        """What the provider sends as a stream, event by event."""
        return self.events(turn, self.target.model)

    def wire_events(self, turn: Turn) -> list[WireEvent]:
        """The same, framed."""
        decoder = chat_of(self.provider).new_decoder()
        return [event for piece in self.stream_bytes(turn) for event in decoder.feed(piece)] + decoder.flush()

    def whole_reply(self, turn: Turn, request: ChatCompletionRequest) -> ChatCompletion:
        """What the client gets of a whole reply."""
        return chat_of(self.provider).whole_reply(self.whole_bytes(turn), self.call(request))

    def reading(self, request: ChatCompletionRequest) -> "Reading":
        """The reading of one stream."""
        chat = chat_of(self.provider)
        return Reading(chat.new_decoder(), chat.reply_stream(self.call(request)))


class Reading:
    """One stream's bytes on their way to chunks, as ``sluice.pipeline.call`` reads them."""

    def __init__(self, decoder: Decoder, stream: ReplyStream[ChatCompletionChunk]) -> None:
        self._decoder = decoder
        self._stream = stream
        self.chunks: list[ChatCompletionChunk] = []
        """What the client gets."""

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if not self._stream.finished:
            self.take(self._decoder.feed(data))

    def take(self, events: Iterable[WireEvent]) -> None:
        """The next events."""
        for event in events:
            self.chunks += self._stream.feed(event)

    def end(self) -> bool:
        """The end of the bytes: whether the provider has said all."""
        if not self._stream.finished:
            self.take(self._decoder.flush())
        return self._stream.complete
