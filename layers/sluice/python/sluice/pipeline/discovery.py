"""What kind of model a provider's id names, where its list tells ids only.

A table of words, first match first. Kinds of models that no endpoint here takes are left out.
"""

import re
from typing import Final

from sluice.catalog import ModelKind

_KINDS: Final[tuple[tuple[str, ModelKind | None], ...]] = (
    (r"embed", "embedding"),
    (r"(^|[-/])(bge|e5|gte|minilm|nomic|voyage|jina|m2-bert)([-/]|$)", "embedding"),
    (
        r"(^|[-/])(aqa|rerank\w*|moderation\w*|guard\w*|shield\w*|ocr|deplot)([-/]|$)|rerank|moderat|guard",
        None,
    ),
    (
        r"(^|[-/])(tts|stt|whisper\w*|transcribe|speech|voxtral|audio|realtime|live|lyria|orpheus|sonic)([-/]|$)",
        None,
    ),
    (r"(^|[-/])(dall-e|image|imagen|flux|sdxl|stable-diffusion|sora|veo|video|kling|hailuo)", None),
    (r"gpt-image|-image(-|$)|computer-use|deep-research|robotics|search-api", None),
    (r"(^|[-/])(davinci|babbage)(-|$)|gpt-3\.5-turbo-instruct", "completion"),
)
_COMPILED: Final = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)


def kind_of(model: str) -> ModelKind | None:
    """The kind of a model; None for one that no endpoint here takes. What nothing speaks against is for chat."""
    name = model.lower()
    for pattern, kind in _COMPILED:
        if pattern.search(name):
            return kind
    return "chat"
