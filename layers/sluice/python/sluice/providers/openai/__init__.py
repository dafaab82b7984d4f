"""OpenAI's wire format, spoken by OpenAI and by many compatible hosts."""

from sluice.providers.contract import Provider
from sluice.providers.features import EVERYTHING
from sluice.providers.openai import chat, completions, embeddings, failures, images, models, videos

PROVIDER = Provider(
    address=None,
    failure=failures.failure,
    chat=chat,
    features=EVERYTHING,
    completions=completions,
    embeddings=embeddings,
    models=models,
    images=images,
    videos=videos,
)
