"""OpenAI itself.

Source: https://developers.openai.com/api/docs. It never shows what a model thought, and refuses members of messages
that it does not know: a conversation that another host has begun must not bring it any. Its models of pictures refuse
``response_format`` and always send base64; of the qualities, older ones have the first three.
"""

from sluice.providers.openai.dialect import KEPT_BACK, Dialect
from sluice.providers.openai.host import host
from sluice.providers.openai.image_dialect import ImageDialect

DIALECT = Dialect(thoughts=KEPT_BACK)

IMAGE_DIALECT = ImageDialect(
    members=frozenset({"size", "quality", "background", "output_format", "output_compression", "moderation"}),
    words={"quality": ("low", "medium", "high", "xhigh", "max")},
)

PROVIDER = host(DIALECT, "https://api.openai.com/v1", image_dialect=IMAGE_DIALECT)
