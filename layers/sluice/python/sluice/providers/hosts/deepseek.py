"""DeepSeek.

Source: https://api-docs.deepseek.com/api/create-chat-completion and its guide to the thinking mode. Its models think
unless told otherwise; then a turn that called tools has to come back with what was thought, or is refused with 400.
So a turn of another host's, which has no thoughts, comes with a blank one.
Sampling parameters are taken, but have an effect only where thinking is off. Members that it does not know it does not
heed.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import COMMON_MEMBERS, MAX_TOKENS_ONLY, Dialect, Thoughts
from sluice.providers.openai.host import host

DIALECT = Dialect(
    members=COMMON_MEMBERS | {"logprobs", "reasoning_effort", "thinking", "top_logprobs"},
    without=frozenset(
        {
            Feature.ALLOWED_TOOLS,
            Feature.AUDIO,
            Feature.CUSTOM_TOOLS,
            Feature.FILES,
            Feature.JSON_SCHEMA,
            Feature.REMOTE_FILES,
        }
    ),
    renamed=MAX_TOKENS_ONLY,
    efforts={"none": {"thinking": {"type": "disabled"}}},
    developer_role=False,
    thoughts=Thoughts(details=False, blank=" "),
)

PROVIDER = host(DIALECT, "https://api.deepseek.com", has_completions=False, has_embeddings=False)
