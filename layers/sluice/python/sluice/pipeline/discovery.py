"""What kind of model a provider's id names, where its list tells ids only.

A table of words, first match first. Kinds of models that no endpoint here takes are left out. Whether the provider can
be asked for pictures or videos at all is not told by an id.
"""

import re
from typing import Final

from sluice.catalog import ModelKind

_KINDS: Final[tuple[tuple[str, ModelKind | None], ...]] = (
    (r"embed", "embedding"),
    (r"(^|[-/])(bge|e5|gte|minilm|nomic|voyage|jina|m2-bert)([-/]|$)", "embedding"),
    (r"rerank|moderat|guard|(^|[-/])(aqa|llama-rank|shield\w*|ocr|deplot)([-/]|$)", None),
    (
        r"(^|[-/])(tts|stt|whisper\w*|transcribe|speech|voxtral|audio|realtime|live|lyria|orpheus|sonic|kokoro)([-/]|$)",
        None,
    ),
    (r"(^|[-/])(dall-e|\w*image|imagen|flux|sdxl|stable-diffusion|seedream|nano-banana)", "image"),
    (r"(^|[-/])(sora|veo|video|kling|hailuo|seedance|wan\d|vidu|pixverse)|-[ti]2v(-|$)", "video"),
    (r"computer-use|deep-research|robotics|^(o\d|gpt-5)[\w.]*-pro(-|$)|^codex-|^gpt-.*codex", None),
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
