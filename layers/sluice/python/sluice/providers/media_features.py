"""What a request for pictures or a video asks for beside the prompt, and which of it a provider can express.

Each provider declares its ``MediaFeatures``; what it cannot express is refused by them before anything is held, and the
matrix in the documentation is made of them. Values that a provider does not take are for its module to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sluice.api.model_request import ModelRequest
from sluice.catalog import ModelRow
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.features import HINTS, is_nothing

OWN = frozenset({"model", "prompt", "n", "response_format", "async", "asynchronous", "webhook_url"})
"""Members that the gateway itself sees to, whoever answers."""

NEVER = frozenset({"stream", "partial_images"})
"""Members that no provider is sent, because their answers are in no form that is read here."""

NEUTRAL = ("auto", "")
"""Values that leave a choice to the provider, or ask for nothing, as it is without them."""

SECONDS, SIZE = "seconds", "size"


@dataclass(frozen=True, slots=True)
class MediaFeatures:
    """What a provider can express.

    Attributes:
        members: of the request, beside the prompt.
        passes_on: whether members that this gateway does not name go on unchanged.
    """

    members: frozenset[str]
    passes_on: bool = False


AS_IT_IS = (("n", 1), ("async", True), ("async", False))
"""Of the gateway's own members, values that ask for nothing even of what has no such member: a video is always one, and
always comes later."""


def asked_for(request: ModelRequest) -> Iterator[str]:
    """The members, as clients write them, by which a request asks for more than its prompt made into something."""
    extra = request.model_extra or {}
    for member, value in request.model_dump(by_alias=True, exclude_unset=True, exclude_none=True).items():
        is_own = member in OWN and (member not in extra or (member, value) in AS_IT_IS)
        if is_own or member in HINTS or value in NEUTRAL:
            continue
        if member in type(request).model_fields or not is_nothing(value):
            yield member


def check_media(features: MediaFeatures, request: ModelRequest, row: ModelRow) -> None:
    """Refuse what a provider cannot express, or a model does not have.

    Raises:
        UnsupportedParameterError: naming the member at fault.
        InvalidRequestError: a size or a length that the model does not have.
    """
    known = type(request).model_fields
    for member in asked_for(request):
        if member in row.unsupported_parameters:
            raise UnsupportedParameterError(f"The model '{row.id}' does not take '{member}'.", param=member)
        passed_on = features.passes_on and member not in known and member not in NEVER
        if member not in features.members and not passed_on:
            raise UnsupportedParameterError(
                f"The model's provider cannot express '{member:.100}'.", param=member[:100]
            )
    seconds, size = getattr(request, SECONDS, None), getattr(request, SIZE, None)
    if seconds is not None and row.seconds and seconds not in row.seconds:
        raise InvalidRequestError(
            f"The model '{row.id}' makes videos of {' or '.join(map(str, row.seconds))} seconds.",
            param=SECONDS,
        )
    if size not in (None, *NEUTRAL) and row.sizes and size not in row.sizes:
        raise InvalidRequestError(f"The model '{row.id}' has the sizes {', '.join(row.sizes)}.", param=SIZE)
