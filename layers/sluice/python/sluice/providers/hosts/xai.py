"""xAI.

Source: https://docs.x.ai/developers. Of its models, those that think refuse penalties and ``stop``: the catalogue says
which. Only a user's message may have a name. What they thought comes back encrypted in another API only, so
conversations here bring them none. Pictures (https://docs.x.ai/developers/model-capabilities/images/generation) have no
pixels, but aspect ratios; one that its filter does not let pass is missing from a reply that is good otherwise.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import KEPT_BACK, Dialect
from sluice.providers.openai.host import host
from sluice.providers.openai.image_dialect import ImageDialect

DIALECT = Dialect(
    without=frozenset(
        {
            Feature.ALLOWED_TOOLS,
            Feature.AUDIO,
            Feature.CUSTOM_TOOLS,
            Feature.FILES,
            Feature.FUNCTIONS,
            Feature.LOGIT_BIAS,
            Feature.REMOTE_FILES,
        }
    ),
    message_members=frozenset({"refusal"}),
    named_roles=frozenset({"user"}),
    thoughts=KEPT_BACK,
)

IMAGE_DIALECT = ImageDialect(
    members=frozenset({"quality", "aspect_ratio"}),
    inline={"response_format": "b64_json"},
    words={
        "quality": ("low", "medium"),
        "aspect_ratio": (
            *("1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2"),
            *("9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1"),
        ),
    },
    refuses_by_none=True,
)

PROVIDER = host(
    DIALECT,
    "https://api.x.ai/v1",
    has_completions=False,
    has_embeddings=False,
    image_dialect=IMAGE_DIALECT,
)
