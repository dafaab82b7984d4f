"""Videos by the demo model: OpenAI's format, for an address that this process answers itself.

A video's id has all that it depends on, and when it was asked for: nothing is kept, and nothing is made before
somebody fetches it. It is called ready after a while, so that a job can be watched. Of the prompt there is no more than
a digest.
"""

import binascii
import hashlib
import struct
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from pydantic_core import to_json

from sluice.api.videos_request import VideosRequest
from sluice.providers.contract import Errand, Polled, ProviderCall, Submitted, Target, UpstreamRequest
from sluice.providers.demo.filming import SECONDS, SIDES, Film
from sluice.providers.films import no_such_film, no_such_length
from sluice.providers.media_features import MediaFeatures
from sluice.providers.openai import videos as openai
from sluice.providers.openai.video_dialect import VideoDialect
from sluice.providers.pictures import pixels_of

DIALECT: Final = VideoDialect(
    members=frozenset({"seconds", "size", "seed", "negative_prompt"}),
    as_form=False,
)
FEATURES: Final[MediaFeatures] = DIALECT.features
REPEATABLE: Final = True
"""Nothing is made twice of what comes twice, because nothing is made of it."""

CALLS_BACK: Final = False

DEFAULT_PIXELS: Final = (720, 1280)
DEFAULT_SECONDS: Final = 4

MAKING_SECONDS: Final = 1.5
"""So long a video is called unfinished."""

_FORMAT = struct.Struct(">QHHB16s")
_PREFIX = "video_"


def upstream_request(call: ProviderCall[VideosRequest], errand: Errand) -> UpstreamRequest:
    """The request as OpenAI's format has it, for this process's own address.

    Raises:
        InvalidRequestError: it does not make videos of that size or length.
    """
    (least, most), pixels = SIDES, pixels_of(call.request)
    if pixels is not None and not all(least <= side <= most and side % 2 == 0 for side in pixels):
        raise no_such_film(call.request, f"its sides are even, and from {least} to {most}")
    least, most = SECONDS
    if call.request.seconds is not None and not least <= call.request.seconds <= most:
        raise no_such_length(f"{least} to {most}")
    asked = replace(call, target=replace(call.target, credential=None))
    return openai.upstream_request(asked, errand, DIALECT)


def submitted(body: bytes, call: ProviderCall[VideosRequest]) -> Submitted:
    """See ``VideoOperation``."""
    return openai.submitted(body, call)


def poll_request(reference: str, target: Target, now: float) -> UpstreamRequest:
    """See ``VideoOperation``."""
    return openai.poll_request(reference, replace(target, credential=None), now)


def polled(body: bytes, reference: str, target: Target, errand: Errand) -> Polled:
    """See ``VideoOperation``."""
    return openai.polled(body, reference, replace(target, credential=None), errand)


def cancel_request(reference: str, target: Target, now: float) -> UpstreamRequest | None:
    """See ``VideoOperation``."""
    return openai.cancel_request(reference, replace(target, credential=None), now)


@dataclass(frozen=True, slots=True)
class DemoVideo:
    """A video that was asked for.

    Attributes:
        film: what is on it.
        begun: when, in epoch milliseconds.
    """

    film: Film
    begun: int

    @classmethod
    def asked_for(cls, request: VideosRequest, now: float) -> Self:
        """The one that a request is for."""
        words = "\0".join((request.prompt, request.negative_prompt or "", str(request.seed or 0)))
        digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        width, height = pixels_of(request) or DEFAULT_PIXELS
        return cls(Film(digest, width, height, request.seconds or DEFAULT_SECONDS), int(now * 1000))

    @classmethod
    def of_id(cls, identifier: str) -> Self | None:
        """The one of that id; None if it is the id of none."""
        try:
            packed = binascii.unhexlify(identifier.removeprefix(_PREFIX))
            begun, width, height, seconds, words = _FORMAT.unpack(packed)
        except (ValueError, struct.error):
            return None
        sizes = all(SIDES[0] <= side <= SIDES[1] and side % 2 == 0 for side in (width, height))
        if not sizes or not SECONDS[0] <= seconds <= SECONDS[1]:
            return None
        return cls(Film(words, width, height, seconds), begun)

    @property
    def id(self) -> str:
        """What it is asked for by."""
        film = self.film
        return _PREFIX + _FORMAT.pack(self.begun, film.width, film.height, film.seconds, film.words).hex()

    def body(self, now: float) -> bytes:
        """How it is, as OpenAI's object."""
        made = max(0.0, now - self.begun / 1000) / MAKING_SECONDS
        body: dict[str, Any] = {
            "id": self.id,
            "object": "video",
            "model": "demo-video",
            "created_at": self.begun // 1000,
            "status": "completed" if made >= 1 else "in_progress",
            "progress": min(100, int(100 * made)),
            "seconds": str(self.film.seconds),
            "size": f"{self.film.width}x{self.film.height}",
        }
        return to_json(body)
