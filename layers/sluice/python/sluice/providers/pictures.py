"""What the image modules of all providers have in common: sizes, seeds, and what a reply has for a picture."""

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.errors import InvalidRequestError, UnsupportedParameterError, UpstreamError
from sluice.providers.contract import Inline, Media, Remote, Target, UpstreamRequest
from sluice.providers.data_urls import data_url
from sluice.providers.media_features import NEUTRAL, SIZE

SEED = "seed"

COUNTS: Final = frozenset(
    {
        *(
            "num_images",
            "num_images_per_prompt",
            "num_outputs",
            "num_samples",
            "number_of_images",
            "numberOfImages",
        ),
        *("batch_size", "n_iter", "sample_count", "sampleCount", "samples"),
    }
)
"""Members by which hosts may be asked for more pictures than the one that is paid for."""

REFUSED = "content_policy_violation"
"""The code of a picture that a provider does not make, or does not show, for what is in it."""


def said(value: str | None) -> str | None:
    """A member's value; None where it leaves the choice to the provider, too."""
    return None if value in NEUTRAL else value


def extra_of(request: ImagesRequest, member: str) -> object:
    """The value of a member that this gateway has no name for; None where it is not there, or leaves the choice too."""
    value = (request.model_extra or {}).get(member)
    return None if value in NEUTRAL else value


def pixels_of(request: ImagesRequest | VideosRequest) -> tuple[int, int] | None:
    """Width and height that are asked for; None where the choice is the model's."""
    size = said(request.size)
    if size is None:
        return None
    width, _, height = size.partition("x")
    return int(width), int(height)


def seed_of(request: ImagesRequest, index: int, most: int, least: int = 0) -> int | None:
    """The seed of the picture at ``index``: counted on with it, from the highest one back to the lowest; None without.

    Raises:
        InvalidRequestError: the seed that is asked for is not from ``least`` to ``most``.
    """
    if request.seed is None:
        return None
    check_range(SEED, request.seed, least, most)
    return least + (request.seed - least + index) % (most - least + 1)


def check_range(member: str, value: int | None, least: int, most: int) -> None:
    """See that a number is one that the provider takes; None is left to it.

    Raises:
        InvalidRequestError: it is not.
    """
    if value is not None and not least <= value <= most:
        raise InvalidRequestError(
            f"The model's provider takes '{member}' from {least} to {most}.", param=member
        )


def check_value(member: str, value: object, *known: str) -> None:
    """See that a value is one that the provider knows; None is left to it.

    Raises:
        InvalidRequestError: it is not.
    """
    if value is not None and value not in known:
        raise InvalidRequestError(
            f"The model's provider takes '{member}' of {' or '.join(known)}.", param=member
        )


def no_such_size(request: ImagesRequest, known: str) -> InvalidRequestError:
    """The refusal of a size that the provider does not have; ``known`` says in words which ones it has."""
    return InvalidRequestError(
        f"The model's provider has no pictures of {request.size}: {known}.", param=SIZE
    )


def check_counts_passed_on(request: ImagesRequest) -> None:
    """See that what is passed on unread makes no more than one picture.

    Raises:
        UnsupportedParameterError: it may.
    """
    for member in request.model_extra or {}:
        if member in COUNTS:
            raise UnsupportedParameterError(
                f"Say by 'n' how many pictures there are to be, and not by '{member}'.", param=member
            )


def inexpressible(member: str) -> UnsupportedParameterError:
    """The refusal of a member that the model's family does not have, though others of the provider's do."""
    return UnsupportedParameterError(f"The model's provider cannot express '{member}'.", param=member)


def refused(message: str | None = None) -> InvalidRequestError:
    """The failure of a picture that the provider has refused, in its own words where it has any for the client."""
    return InvalidRequestError(message or "The provider refused it by its content policy.", code=REFUSED)


def none_made() -> UpstreamError:
    """The failure of a reply that has no picture, and does not say why."""
    return UpstreamError("The provider answered without a picture.")


def decoded(content: object) -> Inline:
    """A picture that stands in the reply, in base64.

    Raises:
        UpstreamError: it is none.
    """
    try:
        picture = base64.b64decode(content, validate=True) if isinstance(content, str) else b""
    except (binascii.Error, ValueError) as error:  # a text that is not ASCII is a ValueError alone
        raise UpstreamError("The provider's picture is not in base64.") from error
    if not picture:
        raise none_made()
    return Inline(picture)


def linked(url: str, target: Target) -> Media:
    """A picture that is somewhere else, or stands in its address itself. The credential is not sent there.

    Raises:
        UpstreamError: nobody can be asked for it, or only without encryption, where the provider itself has it.
    """
    inline = data_url(url)
    if inline is not None:
        try:
            return Inline(inline.content())
        except ValueError as error:
            raise UpstreamError("The provider's picture is not in base64.") from error
    try:
        place = urlsplit(url)
    except ValueError as error:
        raise UpstreamError("The provider's picture has no address.") from error
    schemes = {"https", urlsplit(target.base_url).scheme}
    if not place.hostname or place.scheme not in schemes:
        raise UpstreamError("The provider's picture has no address.")
    return Remote(UpstreamRequest(url=url, body=b"", headers={"accept": "*/*"}, method="GET"))
