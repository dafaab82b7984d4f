"""Mistral.

Source: https://docs.mistral.ai/api, and its SDK's shapes. It answers 422 to any member that it does not know, also in
messages, and 400 to ids of tool calls that are not its own kind. Streams bring their usage unasked. What it thinks
comes as parts of the content; with a signature, which then has to come back with it.
"""

import re

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import COMMON_MEMBERS, MAX_TOKENS_ONLY, CallIds, Dialect, Thoughts
from sluice.providers.openai.host import host
from sluice.providers.openai.thoughts import MISTRAL

DIALECT = Dialect(
    members=COMMON_MEMBERS
    | {
        "guardrails",
        "logprobs",
        "metadata",
        "min_tokens",
        "n",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_logprobs",
        "prompt_mode",
        "reasoning_effort",
        "repetition_penalty",
        "seed",
        "top_k",
        "top_logprobs",
        "top_prompt_logprobs",
    },
    without=frozenset(
        {
            Feature.ALLOWED_TOOLS,
            Feature.AUDIO,
            Feature.CUSTOM_TOOLS,
            Feature.FILES,
            Feature.REMOTE_FILES,
        }
    ),
    renamed={**MAX_TOKENS_ONLY, "seed": "random_seed"},
    words={"tool_choice": {"required": "any"}},
    message_members=frozenset({"prefix"}),
    named_roles=frozenset({"tool"}),
    developer_role=False,
    thoughts=Thoughts(text=None, details=False, chunk_format=MISTRAL),
    call_ids=CallIds(re.compile(r"[a-zA-Z0-9]{9}"), length=9),
    asks_usage=False,
    embedding_members=frozenset({"dimensions", "encoding_format", "metadata"}),
    embedding_renamed={"dimensions": "output_dimension"},
)

PROVIDER = host(DIALECT, "https://api.mistral.ai/v1", has_completions=False)
