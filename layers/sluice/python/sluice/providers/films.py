"""What the video modules of all providers have in common: first pictures, lengths, and why there is no video."""

import base64
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError, UpstreamError
from sluice.providers.data_urls import data_url
from sluice.providers.media_features import SECONDS, SIZE
from sluice.providers.pictures import refused
from sluice.providers.reading import MAX_NAME_LENGTH, count_of

REFERENCE = "input_reference"

MAX_REFERENCE_LENGTH = 4 * MAX_NAME_LENGTH
"""Some are addresses."""


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The picture that a video begins with: ``media_type`` is by the client's word."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def base64(self) -> str:
        """The picture as JSON can have it."""
        return base64.b64encode(self.content).decode()

    @property
    def ending(self) -> str:
        """Of a file that has it."""
        return self.media_type.rpartition("/")[2]


def first_frame(request: VideosRequest, *media_types: str) -> FirstFrame | None:
    """The picture that a video is to begin with; None where there is none.

    Args:
        request: the client's.
        media_types: those that the provider takes.

    Raises:
        InvalidRequestError: it is no picture, or of a type that the provider does not take.
    """
    if request.input_reference is None:
        return None
    param = f"{REFERENCE}.image_url"
    parts = data_url(request.input_reference.image_url)
    if parts is None:
        raise InvalidRequestError("The picture has to stand in the request itself.", param=param)
    try:
        content = parts.content()
    except ValueError as error:
        raise InvalidRequestError("The picture is not in base64.", param=param) from error
    if not content or parts.media_type not in media_types:
        raise InvalidRequestError(
            f"The model's provider takes pictures of the types {', '.join(media_types)}.", param=param
        )
    return FirstFrame(parts.media_type, content)


def check_text(request: VideosRequest, most: int) -> None:
    """See that the prompt is no longer than the provider takes, in characters.

    Raises:
        InvalidRequestError: it is.
    """
    if len(request.prompt) > most:
        raise InvalidRequestError(
            f"The model's provider takes a 'prompt' of at most {most} characters.", param="prompt"
        )


def no_such_film(request: VideosRequest, known: str) -> InvalidRequestError:
    """The refusal of a size that the provider does not have; ``known`` says in words which ones it has."""
    return InvalidRequestError(f"The model's provider has no videos of {request.size}: {known}.", param=SIZE)


def no_such_length(known: str) -> InvalidRequestError:
    """The refusal of a length likewise."""
    return InvalidRequestError(f"The model's provider makes videos of {known} seconds.", param=SECONDS)


def reference_of(value: object) -> str:
    """What a provider knows a video by.

    Raises:
        UpstreamError: it is no name that can be asked for.
    """
    if (
        isinstance(value, str)
        and 0 < len(value) <= MAX_REFERENCE_LENGTH
        and value.isprintable()
        and value.strip(".")
    ):
        return value
    raise UpstreamError("The provider's answer does not name the video.")


def length_of(value: object) -> int | None:
    """Seconds by a provider's word, rounded up; None where it gives none that can be understood."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        value = -int(-value // 1) if 0 <= value < 2**53 else None
    return count_of(value)


def percent_of(value: object) -> int | None:
    """Progress in percent; None where there is none that can be understood."""
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, float):
        value = int(value) if 0 <= value <= 100 else None
    count = count_of(value)
    return None if count is None or count > 100 else count


LENGTHS: Final = frozenset(
    {
        *("duration", "duration_seconds", "durationSeconds", "video_length", "length"),
        *("num_frames", "frames", "num_segments", "num_videos", "num_videos_per_prompt", "num_outputs"),
        *("number_of_videos", "sample_count", "sampleCount", "batch_size"),
    }
)
"""Members by which hosts may be asked for more than the seconds that are paid for."""


def check_lengths_passed_on(request: VideosRequest) -> None:
    """See that what is passed on unread makes no video longer, and no more of them.

    Raises:
        UnsupportedParameterError: it may.
    """
    for member in request.model_extra or {}:
        if member in LENGTHS:
            raise UnsupportedParameterError(
                f"Say by 'seconds' how long the video is to be, and not by '{member}'.", param=member
            )


def given_up(
    code: str | None, message: object, refusals: Collection[str], faults: Collection[str]
) -> SluiceError:
    """Why a provider has given a video up, by its code.

    Args:
        code: the provider's.
        message: its words; anything.
        refusals: the codes that say that its policy is against it; with a ``*`` at the end, how they begin.
        faults: those that say that the request is at fault.
    """
    words = message if isinstance(message, str) and message else None
    if code is not None and _is_among(code, refusals):
        return refused(words)
    if code is not None and _is_among(code, faults):
        return InvalidRequestError(words or "The provider refused the request.")
    return UpstreamError(words or "The provider could not make the video.", retriable=False)


def _is_among(code: str, known: Collection[str]) -> bool:
    return code in known or any(each.endswith("*") and code.startswith(each[:-1]) for each in known)
