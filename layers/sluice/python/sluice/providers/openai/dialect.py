"""Where a host of OpenAI's format differs from OpenAI: data, and never a branch on the host's name.

A host that declares its ``members`` is strict: it refuses others, or does not heed them. What a request asks for by
those is refused before anything is sent (``Dialect.features``); what asks for nothing is left out of the request.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sluice.providers.cache_control import CACHE_CONTROL
from sluice.providers.features import Feature, Features

_SHOWN_BY: Mapping[Feature, str] = {
    Feature.TOOLS: "tools",
    Feature.TOOL_CHOICE: "tool_choice",
    Feature.ALLOWED_TOOLS: "tool_choice",
    Feature.FUNCTIONS: "functions",
    Feature.JSON_OBJECT: "response_format",
    Feature.JSON_SCHEMA: "response_format",
    Feature.TEMPERATURE: "temperature",
    Feature.TOP_P: "top_p",
    Feature.STOP: "stop",
    Feature.CHOICES: "n",
    Feature.SEED: "seed",
    Feature.PENALTIES: "presence_penalty",
    Feature.LOGPROBS: "logprobs",
    Feature.LOGIT_BIAS: "logit_bias",
    Feature.REASONING_EFFORT: "reasoning_effort",
}
"""The request member that a host cannot do without, where it has the feature."""

COMMON_MEMBERS = frozenset(
    {
        "frequency_penalty",
        "presence_penalty",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
"""What every strict host here takes, beside model, messages, stream and the output limit."""


@dataclass(frozen=True, slots=True)
class CallIds:
    """Which ids of tool calls a host takes; another one is sent as ``length`` characters that are made of it."""

    taken: re.Pattern[str]
    length: int


@dataclass(frozen=True, slots=True)
class Thoughts:
    """What of an assistant turn's reasoning a host wants back.

    Attributes:
        text: the message's member for the text; None where it gets none.
        details: whether it knows ``reasoning_details``.
        chunk_format: where the text goes back in front of the content, as a part of the type ``thinking``, the
            ``format`` of the ``reasoning_details`` that such a part becomes on its way out.
        blank: what stands in for the text on a turn that called tools and has none; None where nothing has to.
    """

    text: str | None = "reasoning_content"
    details: bool = True
    chunk_format: str | None = None
    blank: str | None = None


KEPT_BACK = Thoughts(text=None, details=False)
"""For hosts that refuse to read what a model thought before, or have no use for it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a host wants to be asked. The defaults are OpenAI's own ways, and fit a host of which nothing is known.

    Attributes:
        members: the request members that it takes, by OpenAI's names where OpenAI has them; None where all are sent.
        without: features that it lacks, and whose lack does not show in its members.
        renamed: OpenAI's names of members, and the host's for the same. Of several that become one, being output
            limits, the largest counts.
        efforts: efforts of reasoning that are said in other members, and how.
        words: of members that both have, OpenAI's values that the host has other words for.
        message_members: what messages may have beside role, content and tool calls; None where all is sent.
        named_roles: whose messages may have a ``name``; None for all.
        developer_role: whether it knows instructions by ``developer``; if not, they go by ``system``.
        thoughts: what it wants back of earlier reasoning.
        call_ids: None where it takes any.
        asks_usage: whether a stream has to ask for its usage, and may.
        embedding_members: of a request for embeddings, as ``members``.
        embedding_renamed: likewise.
    """

    members: frozenset[str] | None = None
    without: frozenset[Feature] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    efforts: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    message_members: frozenset[str] | None = None
    named_roles: frozenset[str] | None = None
    developer_role: bool = True
    thoughts: Thoughts = Thoughts()
    call_ids: CallIds | None = None
    asks_usage: bool = True
    embedding_members: frozenset[str] | None = None
    embedding_renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_marks(self) -> bool:
        """Whether the host may be sent marks where to cache (``providers.cache_control``), on whatever they are."""
        declared = (self.members, self.message_members)
        return all(each is None or CACHE_CONTROL in each for each in declared)

    @property
    def features(self) -> Features:
        """What the host can express."""
        members = self.members
        lacking = () if members is None else (each for each, name in _SHOWN_BY.items() if name not in members)
        return Features(frozenset(Feature) - self.without - frozenset(lacking), members=members)


ANY = Dialect()
"""Of a host of which nothing is known."""

OUTPUT_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
"""The two names of the one limit."""

MAX_TOKENS_ONLY: Mapping[str, str] = {"max_completion_tokens": "max_tokens"}
"""For hosts that know the output limit by its old name."""
