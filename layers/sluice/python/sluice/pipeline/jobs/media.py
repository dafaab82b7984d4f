"""What is particular to pictures and to videos: all else of how a job is taken is the same for both."""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar, Final

from sluice.accounting.media import image_price, second_price
from sluice.api.images_request import ImagesRequest
from sluice.api.model_request import ModelRequest
from sluice.api.validation import validate
from sluice.api.videos_request import VideosRequest
from sluice.catalog import ModelKind, ModelRow
from sluice.config import MediaSettings
from sluice.errors import InvalidRequestError
from sluice.providers.contract import Errand, Provider, ProviderCall
from sluice.providers.media_features import NEUTRAL, SIZE, MediaFeatures
from sluice.stores.bucket import made_prefix
from sluice.stores.job_records import JobKind

IMAGES_MACHINE_SECONDS: Final = 840
VIDEOS_MACHINE_SECONDS: Final = 4200
"""How long an execution lasts at most: ``TimeoutSeconds`` of the state machines."""

MARGIN_SECONDS: Final = 3600
"""How much longer money is held. An execution that has not ended its job is followed by an event, and by a schedule of
four runs an hour: each of them ends the hold while it is there, or charges what it covers."""

LIKELY_SECONDS: Final = 4
"""How long a video is whose client says nothing and whose model has no lengths: OpenAI's own default."""


class Medium[Request: ModelRequest](ABC):
    """One kind of job.

    Attributes:
        KIND: the jobs'.
        MODELS: the kinds of models that it takes.
        MACHINE_SECONDS: how long the execution of a job lasts at most.
    """

    KIND: ClassVar[JobKind]
    MODELS: ClassVar[tuple[ModelKind, ...]]
    MACHINE_SECONDS: ClassVar[int]

    @property
    def hold_seconds(self) -> int:
        """How long money is held for a job that nobody ends."""
        return self.MACHINE_SECONDS + MARGIN_SECONDS

    @abstractmethod
    def understood(self, raw: dict[str, Any]) -> Request:
        """The request that a body is.

        Raises:
            InvalidRequestError: it is none, naming the member at fault.
        """

    def settled(self, request: Request, row: ModelRow) -> Request:
        """The request with what it leaves to its model, as far as that is paid for."""
        return request

    @abstractmethod
    def features(self, provider: Provider, row: ModelRow) -> MediaFeatures:
        """What a provider can express.

        Raises:
            InvalidRequestError: it makes nothing of this kind.
        """

    @abstractmethod
    def rehearse(self, provider: Provider, call: ProviderCall[Request]) -> None:
        """Make the provider's request, to see whether it can be made.

        Raises:
            InvalidRequestError: it cannot; UnsupportedParameterError is one.
        """

    @abstractmethod
    def price(self, request: Request, row: ModelRow) -> Decimal | None:
        """USD for each piece of what is asked for; None if the catalogue has no price."""

    @abstractmethod
    def pieces(self, request: Request) -> int:
        """How many pieces are paid for: pictures, or seconds."""

    @abstractmethod
    def count(self, request: Request) -> int:
        """How many files are made."""

    def seconds(self, request: Request) -> int | None:
        """How long the video is."""
        return None

    def size(self, request: Request, row: ModelRow) -> str | None:
        """The size that is made, as far as it is known."""
        size = named(getattr(request, SIZE))
        return size if size is not None else row.sizes[0] if row.sizes else None

    @abstractmethod
    def machine(self, settings: MediaSettings) -> str:
        """ARN of the state machine that makes it."""

    @abstractmethod
    def job_seconds(self, settings: MediaSettings) -> float:
        """How long it may take."""


class Images(Medium[ImagesRequest]):
    """Pictures.

    Args:
        waits: whether the client waits for them, which it does not do for long.
    """

    KIND = "image"
    MODELS = ("image",)
    MACHINE_SECONDS = IMAGES_MACHINE_SECONDS

    def __init__(self, *, waits: bool = False) -> None:
        self._waits = waits

    def understood(self, raw: dict[str, Any]) -> ImagesRequest:
        """See ``Medium``."""
        return validate(ImagesRequest, raw)

    def features(self, provider: Provider, row: ModelRow) -> MediaFeatures:
        """See ``Medium``."""
        if provider.images is None:
            raise InvalidRequestError(f"The provider of the model '{row.id}' makes no images.", param="model")
        return provider.images.FEATURES

    def rehearse(self, provider: Provider, call: ProviderCall[ImagesRequest]) -> None:
        """See ``Medium``."""
        if provider.images is not None:
            provider.images.upstream_request(call, 0)

    def price(self, request: ImagesRequest, row: ModelRow) -> Decimal | None:
        """See ``Medium``."""
        return image_price(row.price, named(request.size), named(request.quality))

    def pieces(self, request: ImagesRequest) -> int:
        """See ``Medium``."""
        return request.count

    def count(self, request: ImagesRequest) -> int:
        """See ``Medium``."""
        return request.count

    def machine(self, settings: MediaSettings) -> str:
        """See ``Medium``."""
        return settings.machine_of("image")

    def job_seconds(self, settings: MediaSettings) -> float:
        """See ``Medium``."""
        return settings.image_timeout_seconds if self._waits else settings.image_job_seconds


class Videos(Medium[VideosRequest]):
    """A video."""

    KIND = "video"
    MODELS = ("video",)
    MACHINE_SECONDS = VIDEOS_MACHINE_SECONDS

    def understood(self, raw: dict[str, Any]) -> VideosRequest:
        """See ``Medium``."""
        return validate(VideosRequest, raw)

    def settled(self, request: VideosRequest, row: ModelRow) -> VideosRequest:
        """With its seconds."""
        if request.seconds is not None:
            return request
        seconds = row.seconds[0] if row.seconds else LIKELY_SECONDS
        return request.model_copy(update={"seconds": seconds})

    def features(self, provider: Provider, row: ModelRow) -> MediaFeatures:
        """See ``Medium``."""
        if provider.videos is None:
            raise InvalidRequestError(f"The provider of the model '{row.id}' makes no videos.", param="model")
        return provider.videos.FEATURES

    def rehearse(self, provider: Provider, call: ProviderCall[VideosRequest]) -> None:
        """See ``Medium``. Where the video goes and who is called does not matter here."""
        if provider.videos is not None:
            errand = Errand(call.id, bucket="bucket", prefix=made_prefix(call.id), callback=None)
            provider.videos.upstream_request(call, errand)

    def price(self, request: VideosRequest, row: ModelRow) -> Decimal | None:
        """See ``Medium``."""
        return second_price(row.price, named(request.size), named(request.quality))

    def pieces(self, request: VideosRequest) -> int:
        """See ``Medium``."""
        return request.seconds or LIKELY_SECONDS

    def count(self, request: VideosRequest) -> int:
        """See ``Medium``."""
        return 1

    def seconds(self, request: VideosRequest) -> int:
        """See ``Medium``."""
        return self.pieces(request)

    def machine(self, settings: MediaSettings) -> str:
        """See ``Medium``."""
        return settings.machine_of("video")

    def job_seconds(self, settings: MediaSettings) -> float:
        """See ``Medium``."""
        return settings.video_job_seconds


def named(value: str | None) -> str | None:
    """A size or a quality; None where it is left to the provider."""
    return None if value in NEUTRAL else value
