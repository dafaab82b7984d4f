"""The built-in demo provider: OpenAI's format, answered without any network.

Its requests go to a ``demo:`` address, which ``sluice.upstream`` answers in this process with what the modules
``…_answers`` and ``vectors`` make of them; the replies then take the same way as every provider's. It is no AI and
says so: it repeats what it was told, calls the tools it is told to call and fills JSON Schemas with their smallest
instances. Its pictures are shapes on a gradient, which move in its videos.
"""

from sluice.providers.contract import Provider
from sluice.providers.demo import chat, completions, embeddings, images, videos
from sluice.providers.features import Feature, Features
from sluice.providers.openai import failures, models

FEATURES = Features(frozenset(Feature) - {Feature.LOGPROBS, Feature.FUNCTIONS}, members=None)
"""What it takes; that does not mean that it makes much of it, being no AI."""

PROVIDER = Provider(
    address="demo://localhost",
    failure=failures.failure,
    chat=chat,
    features=FEATURES,
    completions=completions,
    embeddings=embeddings,
    models=models,
    images=images,
    videos=videos,
)
