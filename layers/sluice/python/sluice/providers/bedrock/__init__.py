"""Amazon Bedrock's wire format: Converse for chat, InvokeModel for embeddings and pictures, another for videos.

There is no list of models: Bedrock has it at another host, so the catalogue names them, and its ``probe`` is ``none``.
"""

from sluice.providers.bedrock import chat, embeddings, failures, images, videos
from sluice.providers.bedrock.members import FEATURES
from sluice.providers.contract import Provider

PROVIDER = Provider(
    address="https://bedrock-runtime.{region}.amazonaws.com",
    failure=failures.failure,
    chat=chat,
    features=FEATURES,
    embeddings=embeddings,
    images=images,
    videos=videos,
)
