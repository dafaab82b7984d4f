"""vLLM, wherever it runs.

Source: its ``ChatCompletionRequest``, https://docs.vllm.ai/en/latest/serving/openai_compatible_server. It takes members
of its own, which are passed on; tools are functions. What a model thought it calls ``reasoning``, also on the way back.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import Dialect, Thoughts
from sluice.providers.openai.host import host

DIALECT = Dialect(
    without=frozenset(
        {
            Feature.ALLOWED_TOOLS,
            Feature.CUSTOM_TOOLS,
            Feature.FILES,
            Feature.FUNCTIONS,
            Feature.REMOTE_FILES,
        }
    ),
    thoughts=Thoughts(text="reasoning", details=False),
)

PROVIDER = host(DIALECT)
