"""OpenRouter, which passes requests on to other hosts.

Source: https://openrouter.ai/docs/api-reference. Its replies show what was thought as ``reasoning``, and as
``reasoning_details`` what the host behind it wants back. By itself it leaves out what the host that it has chosen does
not know; ``provider: {"require_parameters": true}`` in a request keeps it from that.

Pictures have an endpoint that is not OpenAI's: https://openrouter.ai/docs/client-sdks/typescript/sdks/images/README. It
has no pixels, but aspect ratios; and as it passes over what a model has not, only what most have is taken.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import Dialect, Thoughts
from sluice.providers.openai.host import host
from sluice.providers.openai.image_dialect import ImageDialect

DIALECT = Dialect(
    without=frozenset(
        {
            Feature.ALLOWED_TOOLS,
            Feature.CHOICES,
            Feature.CUSTOM_TOOLS,
            Feature.FUNCTIONS,
            Feature.REMOTE_FILES,
        }
    ),
    thoughts=Thoughts(text="reasoning"),
)

IMAGE_DIALECT = ImageDialect(
    path="/images",
    members=frozenset({"quality", "aspect_ratio"}),
    words={
        "quality": ("low", "medium", "high"),
        "aspect_ratio": ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"),
    },
    hints=frozenset(),
)

PROVIDER = host(DIALECT, "https://openrouter.ai/api/v1", image_dialect=IMAGE_DIALECT)
