"""What every provider offers: the seam that a new wire format has to fit.

A provider is a package of modules of pure functions, one for each operation and by the operation's name: no I/O, no
clock, no environment; whatever they need to know is in the ``ProviderCall``. Each package puts its modules together as
one ``Provider``, and the registry maps the catalogue's ``kind`` to it.

    ProviderCall        ── upstream_request ──▶ UpstreamRequest ──▶ (sluice.upstream sends it)
    status 200, whole   ── whole_reply ──▶ the reply in OpenAI's shape
    status 200, stream  ── new_decoder ──▶ WireEvent ── reply_stream(…).feed ──▶ chunks in OpenAI's shape
    any other status    ── failure ──▶ SluiceError
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingList, EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.catalog import OutputLimit
from sluice.credentials import Credential
from sluice.errors import SluiceError
from sluice.providers.features import Features
from sluice.providers.media_features import MediaFeatures
from sluice.wire.events import Decoder, WireEvent


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: one candidate of a catalogue row, with its provider's address and credential.

    ``model`` is the provider's id of the model; limits are in tokens, None where the catalogue tells none.
    ``output_limit`` is the one member in which it takes a limit; None where it takes either.
    """

    provider: str
    base_url: str
    model: str
    credential: Credential | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    context_tokens: int | None = None
    output_tokens: int | None = None
    output_limit: OutputLimit | None = None
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ProviderCall[Request]:
    """A request, where it goes, and what a reply takes from the gateway and not from the provider.

    ``id`` stands in where a provider gives none, ``now`` (epoch seconds) is what requests are signed and replies dated
    with. Replies go under ``request.model``, the name that the client asked for.
    """

    request: Request
    target: Target
    id: str
    now: float


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """An HTTP request to a provider. Its address and headers may hold the credential, so they stay out of ``repr``.

    ``public_only`` is said of an address that a provider's answer has named: it must not lead into a network that is
    the gateway's, or the operator's.
    """

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: str = "POST"
    public_only: bool = False


class ReplyStream[Chunk](Protocol):
    """The translator of one streamed reply."""

    @property
    def complete(self) -> bool:
        """Whether the provider has said all: only then may the client's stream end well."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the provider has announced that no event follows."""
        ...

    def feed(self, event: WireEvent) -> Sequence[Chunk]:
        """Translate one event; none, one or several chunks.

        Raises:
            SluiceError: the event reports a failure or cannot be understood.
        """
        ...


class Operation[Request, Reply](Protocol):
    """One thing that a provider can be asked for."""

    def upstream_request(self, call: ProviderCall[Request]) -> UpstreamRequest:
        """Express a request in the provider's format.

        Raises:
            UnsupportedParameterError: the provider has no way to say it.
        """
        ...

    def whole_reply(self, body: bytes, call: ProviderCall[Request]) -> Reply:
        """Translate a whole reply.

        Raises:
            SluiceError: it is not one.
        """
        ...


class StreamingOperation[Request, Reply, Chunk](Operation[Request, Reply], Protocol):
    """One whose reply may be streamed."""

    @property
    def STREAM_CONTENT_TYPE(self) -> str:  # noqa: N802 - modules implement this, where it is a constant
        """What a stream's content type holds."""
        ...

    def new_decoder(self) -> Decoder:
        """From bytes to events, for one streamed reply."""
        ...

    def reply_stream(self, call: ProviderCall[Request]) -> ReplyStream[Chunk]:
        """A translator for one streamed reply."""
        ...


class EmbeddingsOperation(Operation[EmbeddingsRequest, EmbeddingList], Protocol):
    """Vectors of texts."""

    def most_texts(self, model: str) -> int | None:
        """How many texts a model takes in one request, by its id there; None where nothing is known of a limit."""
        ...


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture or a video that came in the provider's reply."""

    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """One that has to be fetched; the request carries the credential only where the provider's own host wants it."""

    request: UpstreamRequest


@dataclass(frozen=True, slots=True)
class InBucket:
    """One that the provider has put into the gateway's own bucket, under this key."""

    key: str


type Media = Inline | Remote | InBucket


class ImageOperation(Protocol):
    """Pictures, one a request: several are several requests, which fail and are charged each for itself."""

    @property
    def FEATURES(self) -> MediaFeatures:  # noqa: N802 - modules implement this, where it is a constant
        """What it can express."""
        ...

    def upstream_request(self, call: ProviderCall[ImagesRequest], index: int) -> UpstreamRequest:
        """Ask for one picture, the one at ``index`` of those that the client wants: a seed is counted on with it.

        Raises:
            UnsupportedParameterError, InvalidRequestError: the provider has no way to say it.
        """
        ...

    def picture(self, body: bytes, call: ProviderCall[ImagesRequest]) -> Media:
        """The picture of a reply of status 200.

        Raises:
            SluiceError: it holds none, because the provider has refused to make it, say.
        """
        ...


@dataclass(frozen=True, slots=True)
class Submitted:
    """A video that a provider has begun to make.

    Attributes:
        reference: what the provider knows it by.
        poll_after: seconds until it is worth asking; None where the provider does not say.
    """

    reference: str
    poll_after: float | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """It is not ready yet. ``progress`` is in percent, None where the provider does not say."""

    progress: int | None = None
    poll_after: float | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """It is ready. ``seconds`` is what the provider says it has made; None where it does not."""

    media: Media
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class NotMade:
    """The provider has given it up, and this is what the client is told."""

    error: SluiceError


type Polled = Running | Made | NotMade


@dataclass(frozen=True, slots=True)
class Errand:
    """What a submitted video needs of its surroundings.

    Attributes:
        job: the job's id: what repeated submissions are recognised by, where a provider has a place for it.
        bucket: the gateway's bucket.
        prefix: where in it a provider may put what it has made; ends with a slash.
        callback: an address that it may call when it is done; None where there is none.
    """

    job: str
    bucket: str
    prefix: str
    callback: str | None = field(default=None, repr=False)


class VideoOperation(Protocol):
    """Videos: submitted, asked for until they are there, fetched."""

    @property
    def FEATURES(self) -> MediaFeatures:  # noqa: N802 - modules implement this, where it is a constant
        """What it can express."""
        ...

    @property
    def REPEATABLE(self) -> bool:  # noqa: N802 - likewise
        """Whether the provider makes one video of a submission that comes twice: then a lost answer is no loss."""
        ...

    @property
    def CALLS_BACK(self) -> bool:  # noqa: N802 - likewise
        """Whether it calls ``Errand.callback``."""
        ...

    def upstream_request(self, call: ProviderCall[VideosRequest], errand: Errand) -> UpstreamRequest:
        """Submit. ``call.request.seconds`` is always set.

        Raises:
            UnsupportedParameterError, InvalidRequestError: the provider has no way to say it.
        """
        ...

    def submitted(self, body: bytes, call: ProviderCall[VideosRequest]) -> Submitted:
        """Read the reply to it, of status 200 to 202.

        Raises:
            SluiceError: it is none.
        """
        ...

    def poll_request(self, reference: str, target: Target, now: float) -> UpstreamRequest:
        """Ask how it is."""
        ...

    def polled(self, body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
        """Read the answer, of status 200 or 202.

        Raises:
            SluiceError: it is none; the video may still come to be.
        """
        ...

    def cancel_request(self, reference: str, target: Target, now: float) -> UpstreamRequest | None:
        """Give it up; None where the provider has no way to say it."""
        ...


type ChatOperation = StreamingOperation[ChatCompletionRequest, ChatCompletion, ChatCompletionChunk]
type CompletionOperation = StreamingOperation[CompletionRequest, Completion, CompletionChunk]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that a provider says it serves; ``created`` is in epoch seconds, 0 where it does not say."""

    id: str
    created: int = 0
    owned_by: str | None = None
    context_tokens: int | None = None


class ModelListing(Protocol):
    """The provider's own list of its models."""

    def upstream_request(self, target: Target) -> UpstreamRequest:
        """Ask for the list."""
        ...

    def listed_models(self, body: bytes) -> Sequence[ListedModel]:
        """Read it.

        Raises:
            UpstreamError: it is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's operations; None for what it does not have.

    ``address`` is the base URL where the catalogue gives none; None if it has to give one. ``failure`` says what a
    reply of any status but 200 means for the client; header names are in lower case. ``features`` is what ``chat``
    can express.
    """

    address: str | None
    failure: Callable[[int, Mapping[str, str], bytes], SluiceError]
    chat: ChatOperation | None
    features: Features
    completions: CompletionOperation | None = None
    embeddings: EmbeddingsOperation | None = None
    models: ModelListing | None = None
    images: ImageOperation | None = None
    videos: VideoOperation | None = None
