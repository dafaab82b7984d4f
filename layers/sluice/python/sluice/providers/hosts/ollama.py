"""Ollama, wherever it runs.

Source: the request shapes of https://github.com/ollama/ollama/blob/main/openai/openai.go. Members that these lack it
does not heed: which tool is to be called, several choices, logit_bias. Pictures have to come inline.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import COMMON_MEMBERS, MAX_TOKENS_ONLY, Dialect, Thoughts
from sluice.providers.openai.host import host

DIALECT = Dialect(
    members=(COMMON_MEMBERS - {"tool_choice"}) | {"reasoning", "reasoning_effort", "seed"},
    without=frozenset(
        {
            Feature.AUDIO,
            Feature.CUSTOM_TOOLS,
            Feature.FILES,
            Feature.REMOTE_FILES,
            Feature.REMOTE_IMAGES,
        }
    ),
    renamed=MAX_TOKENS_ONLY,
    thoughts=Thoughts(text="reasoning", details=False),
    embedding_members=frozenset({"dimensions", "encoding_format"}),
)

PROVIDER = host(DIALECT, "http://127.0.0.1:11434/v1")
