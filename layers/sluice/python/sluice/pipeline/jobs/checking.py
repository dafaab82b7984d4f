"""Whether a provider's file is what was asked for: by its own bytes, since nothing that its sender says is believed."""

from sluice.errors import UpstreamError
from sluice.stores.job_records import JobKind
from sluice.wire.media_types import MediaType, recognised

TOO_LARGE = "The provider's file is larger than the gateway takes."


def checked(content: bytes, kind: JobKind, most_bytes: int) -> MediaType:
    """What a file is.

    Raises:
        UpstreamError: it is not of the kind that was asked for, or too large.
    """
    if len(content) > most_bytes:
        raise invalid_output(TOO_LARGE)
    media_type = recognised(content)
    if media_type is None or media_type.kind != kind:
        raise invalid_output(f"What the provider has sent is no {kind} that the gateway knows.")
    return media_type


def invalid_output(words: str) -> UpstreamError:
    """The failure of a provider whose file is none, or cannot be taken; asking again gives another one like it."""
    return UpstreamError(words, code="invalid_output", retriable=False)
