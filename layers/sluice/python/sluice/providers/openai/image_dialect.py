"""Where a host of OpenAI's format differs in how it is asked for a picture: data, as in ``dialect``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sluice.api.images_request import ImagesRequest
from sluice.providers.media_features import OWN, MediaFeatures

EVERY_MEMBER = frozenset(ImagesRequest.model_fields) - OWN - {"user"}
"""All that this gateway has a name for."""

MOST_SEED = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ImageDialect:
    """How a host wants to be asked. The defaults fit one of which nothing is known.

    Attributes:
        path: of its endpoint.
        members: of the request, beside the prompt, that it takes.
        passes_on: whether it may be sent members that this gateway does not name.
        renamed: OpenAI's names of members, and the host's for the same.
        inline: what the request has to say so that the picture comes in the reply; nothing where the host does so
            anyway, or nobody knows how it is told. Where it comes as an address, it is fetched.
        pixels: whether the size is said as ``width`` and ``height``.
        ranges: of numbers: the least and the most that it takes.
        words: of members: the values that it takes.
        hints: members that ask for nothing, and are sent.
        refuses_by_none: whether a reply without any picture says that the prompt was refused.
    """

    path: str = "/images/generations"
    members: frozenset[str] = EVERY_MEMBER
    passes_on: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict)
    pixels: bool = False
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hints: frozenset[str] = frozenset({"user"})
    refuses_by_none: bool = False

    @property
    def features(self) -> MediaFeatures:
        """What the host can express."""
        return MediaFeatures(self.members, self.passes_on)


ANY = ImageDialect(passes_on=True)
"""Of a host of which nothing is known. It is not told in which form to send the picture: OpenAI's own later models
refuse to be."""
