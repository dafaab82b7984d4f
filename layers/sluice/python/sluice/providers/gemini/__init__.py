"""Google's Gemini API, in its own format: generateContent for chat and pictures, batchEmbedContents, the models' list.

Not the same as its endpoint in OpenAI's format, which loses more and which any catalogue can name as a host of that.
"""

from typing import Final

from sluice.providers.contract import Provider
from sluice.providers.features import Feature, Features
from sluice.providers.gemini import chat, embeddings, failures, images, models, videos

FEATURES: Final = Features(
    known=frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_CHOICE,
            Feature.ALLOWED_TOOLS,
            Feature.SERIAL_TOOLS,  # kept by the gateway: see providers.one_call
            Feature.IMAGES,
            Feature.REMOTE_IMAGES,
            Feature.AUDIO,
            Feature.FILES,
            Feature.JSON_OBJECT,
            Feature.JSON_SCHEMA,
            Feature.TEMPERATURE,
            Feature.TOP_P,
            Feature.STOP,
            Feature.CHOICES,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.LOGPROBS,
            Feature.REASONING_EFFORT,
        }
    ),
    members=frozenset({"top_k", "safety_settings", "extra_body"}),
)

PROVIDER: Final = Provider(
    address="https://generativelanguage.googleapis.com",
    failure=failures.failure,
    chat=chat,
    features=FEATURES,
    embeddings=embeddings,
    models=models,
    images=images,
    videos=videos,
)
