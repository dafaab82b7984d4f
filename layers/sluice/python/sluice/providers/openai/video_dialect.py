"""Where a host of OpenAI's format differs in how it is asked for a video: data, as in ``dialect``."""

from dataclasses import dataclass

from sluice.api.videos_request import VideosRequest
from sluice.providers.media_features import OWN, MediaFeatures

EVERY_MEMBER = frozenset(VideosRequest.model_fields) - OWN - {"user"}
"""All that this gateway has a name for."""


@dataclass(frozen=True, slots=True)
class VideoDialect:
    """How a host wants to be asked. The defaults fit one of which nothing is known.

    Attributes:
        members: of the request, beside the prompt, that it takes.
        passes_on: whether it may be sent members that this gateway does not name.
        as_form: whether it takes forms, as OpenAI's SDKs send them, and not JSON.
    """

    members: frozenset[str] = EVERY_MEMBER
    passes_on: bool = False
    as_form: bool = True

    @property
    def features(self) -> MediaFeatures:
        """What the host can express."""
        return MediaFeatures(self.members, self.passes_on)


ANY = VideoDialect(passes_on=True)
"""Of a host of which nothing is known."""
