"""The matrix of pictures and videos: what each kind of provider can be asked for beside the prompt."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from sluice.api.images_request import ImagesRequest
from sluice.api.model_request import ModelRequest
from sluice.api.videos_request import VideosRequest
from sluice.providers.contract import Provider
from sluice.providers.features import HINTS
from sluice.providers.media_features import OWN, MediaFeatures
from sluice.readme.features import NO, YES, line

type FeaturesOf = Callable[[Provider], MediaFeatures | None]


def of_images(provider: Provider) -> MediaFeatures | None:
    """What of a request for pictures a provider can express; None for one that makes none."""
    return None if provider.images is None else provider.images.FEATURES


def of_videos(provider: Provider) -> MediaFeatures | None:
    """The same of a request for a video."""
    return None if provider.videos is None else provider.videos.FEATURES


_PARTS: Sequence[tuple[str, FeaturesOf, type[ModelRequest]]] = (
    ("pictures", of_images, ImagesRequest),
    ("videos", of_videos, VideosRequest),
)


def media_matrix(providers: Mapping[str, Provider]) -> str:
    """Markdown tables, of pictures and of videos: a row for each member, a column for each kind that makes them."""
    tables = (_table(name, features_of, shape, providers) for name, features_of, shape in _PARTS)
    return "\n\n".join(table for table in tables if table)


def members_of(shape: type[ModelRequest]) -> Sequence[str]:
    """The members that a provider has to express, by their names in the request."""
    return [name for name in shape.model_fields if name not in OWN and name not in HINTS]


def _table(
    name: str, features_of: FeaturesOf, shape: type[ModelRequest], providers: Mapping[str, Provider]
) -> str:
    found = {kind: features for kind, provider in providers.items() if (features := features_of(provider))}
    if not found:
        return ""
    return "\n".join(
        [
            line([name, *(f"`{kind}`" for kind in found)]),
            line(["---", *(":-:" for _ in found)]),
            *(line(row) for row in _rows(members_of(shape), list(found.values()))),
        ]
    )


def _rows(members: Sequence[str], declared: Sequence[MediaFeatures]) -> Iterator[Sequence[str]]:
    for member in members:
        yield [f"`{member}`", *(YES if member in each.members else NO for each in declared)]
    yield ["members of its own", *(_own(each, members) for each in declared)]


def _own(features: MediaFeatures, members: Sequence[str]) -> str:
    if features.passes_on:
        return "all"
    return ", ".join(f"`{each}`" for each in sorted(features.members.difference(members))) or NO
