"""Groq.

Source: https://console.groq.com/docs/openai and its API reference. It refuses logprobs, logit_bias, several choices and
named messages with 400; penalties none of its models heeds. What a model thought it calls ``reasoning``, also on the
way back.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import COMMON_MEMBERS, Dialect, Thoughts
from sluice.providers.openai.host import host

DIALECT = Dialect(
    members=(COMMON_MEMBERS - {"presence_penalty", "frequency_penalty"})
    | {
        "citation_options",
        "compound_custom",
        "disable_tool_validation",
        "documents",
        "function_call",
        "functions",
        "include_reasoning",
        "parallel_tool_calls",
        "reasoning_effort",
        "reasoning_format",
        "search_settings",
        "seed",
        "service_tier",
        "user",
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
    words={"service_tier": {"default": "on_demand", "priority": "performance"}},
    message_members=frozenset({"function_call"}),
    named_roles=frozenset({"function"}),
    thoughts=Thoughts(text="reasoning", details=False),
)

PROVIDER = host(DIALECT, "https://api.groq.com/openai/v1", has_completions=False, has_embeddings=False)
