"""OpenRouter, which passes requests on to other hosts.

Source: https://openrouter.ai/docs/api-reference. Its replies show what was thought as ``reasoning``, and as
``reasoning_details`` what the host behind it wants back. By itself it leaves out what the host that it has chosen does
not know; ``provider: {"require_parameters": true}`` in a request keeps it from that.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import Dialect, Thoughts
from sluice.providers.openai.host import host

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

PROVIDER = host(DIALECT, "https://openrouter.ai/api/v1")
