"""Anthropic's wire format: the Messages API.

What it has no way to say is left out of ``FEATURES``: a JSON object without a schema, sound, several answers, seeds,
penalties, logprobs. Text completions go through chat, and there are no embeddings.
"""

from typing import Final

from sluice.providers.anthropic import chat, failures, models
from sluice.providers.contract import Provider
from sluice.providers.features import Feature, Features

FEATURES: Final = Features(
    known=frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_CHOICE,
            Feature.SERIAL_TOOLS,
            Feature.IMAGES,
            Feature.REMOTE_IMAGES,
            Feature.FILES,
            Feature.JSON_SCHEMA,
            Feature.TEMPERATURE,
            Feature.TOP_P,
            Feature.STOP,
            Feature.REASONING_EFFORT,
        }
    ),
    members=frozenset({"cache_control", "thinking", "top_k"}),
)

PROVIDER: Final = Provider(
    address="https://api.anthropic.com",
    failure=failures.failure,
    chat=chat,
    features=FEATURES,
    models=models,
)
