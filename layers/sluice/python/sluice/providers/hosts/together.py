"""Together AI.

Source: https://docs.together.ai/reference/chat-completions and its SDK's shapes. ``logprobs`` is a number there, and
its answer is in a shape of its own, so it is not asked for any. It has no ``parallel_tool_calls``. Pictures:
https://docs.together.ai/reference/post-images-generations; what they cost grows with their size and with the steps.
"""

from sluice.providers.features import Feature
from sluice.providers.openai.dialect import COMMON_MEMBERS, MAX_TOKENS_ONLY, Dialect, Thoughts
from sluice.providers.openai.host import host
from sluice.providers.openai.image_dialect import ImageDialect

DIALECT = Dialect(
    members=COMMON_MEMBERS
    | {
        "chat_template_kwargs",
        "compliance",
        "context_length_exceeded_behavior",
        "logit_bias",
        "min_p",
        "n",
        "reasoning",
        "reasoning_effort",
        "repetition_penalty",
        "safety_model",
        "seed",
        "top_k",
    },
    without=frozenset({Feature.ALLOWED_TOOLS, Feature.CUSTOM_TOOLS, Feature.FILES, Feature.REMOTE_FILES}),
    renamed=MAX_TOKENS_ONLY,
    developer_role=False,
    thoughts=Thoughts(details=False),
    embedding_members=frozenset(),
)

IMAGE_DIALECT = ImageDialect(
    members=frozenset({"size", "steps", "seed", "negative_prompt", "output_format", "guidance_scale"}),
    inline={"response_format": "base64"},
    pixels=True,
    ranges={"steps": (1, 50)},
    words={"output_format": ("jpeg", "png")},
    hints=frozenset(),
)

PROVIDER = host(DIALECT, "https://api.together.xyz/v1", image_dialect=IMAGE_DIALECT)
