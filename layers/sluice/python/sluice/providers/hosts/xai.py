"""xAI.

Source: https://docs.x.ai/developers. Of its models, those that think refuse penalties and ``stop``: the catalogue says
which. Only a user's message may have a name. What they thought comes back encrypted in another API only, so
conversations here bring them none.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import KEPT_BACK, Dialect
from sluice.providers.openai.host import host

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

PROVIDER = host(DIALECT, "https://api.x.ai/v1", has_completions=False, has_embeddings=False)
