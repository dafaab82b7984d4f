"""Whether the request members that a catalogue says are refused are members at all.

For those who have the time: it imports every provider, which a request does not wait for.
"""

from collections.abc import Iterator

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.images_request import ImagesRequest
from sluice.api.videos_request import VideosRequest
from sluice.catalog import Catalog
from sluice.providers.features import HINTS
from sluice.providers.registry import PROVIDERS

SHAPES = (ChatCompletionRequest, CompletionRequest, EmbeddingsRequest, ImagesRequest, VideosRequest)

PASSED_ON = frozenset(
    {"audio", "modalities", "prediction", "service_tier", "verbosity", "web_search_options"}
)
"""OpenAI's members that the shapes do not name. Source: https://platform.openai.com/docs/api-reference/chat/create."""


def unknown_parameters(catalog: Catalog) -> Iterator[str]:
    """What is in a model's ``unsupported_parameters`` and known to no endpoint and no provider, each as a sentence.

    Hosts that take members of which nothing is known here may be meant, so that it is no more than a doubt.
    """
    known = _known()
    for row in catalog.models:
        for terms in (row, *row.candidates):
            for name in sorted(terms.unsupported_parameters - known):
                yield (
                    f"model '{row.id}' has '{name}' among its unsupported_parameters, "
                    "which is a member of no request that is known"
                )


def _known() -> frozenset[str]:
    shaped = (shape.model_fields for shape in SHAPES)
    declared = (provider.features.members or () for provider in PROVIDERS.values())
    of_media = (
        operation.FEATURES.members
        for provider in PROVIDERS.values()
        for operation in (provider.images, provider.videos)
        if operation is not None
    )
    return frozenset[str]().union(HINTS, PASSED_ON, *shaped, *declared, *of_media)
