"""What a model says, apart from any wire format: every provider's mock server says a ``Turn`` in its own.

So that the same answer can be had from each provider, and a client be seen to get the same from all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

type End = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why it ends, in OpenAI's words."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; in a stream ``arguments`` come in these pieces, which make JSON together."""

    name: str
    arguments: Sequence[str]
    id: str = ""
    """The provider's id; empty where it gives none (Gemini)."""


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens in the meaning of ``sluice.api.usage``: the prompt with what is cached, the completion with reasoning."""

    prompt: int = 12
    completion: int = 7
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer: thoughts, then text, then calls; in a stream the texts come in these pieces."""

    text: Sequence[str] = ()
    reasoning: Sequence[str] = ()
    signature: str = ""
    """What the provider wants back with the thoughts."""
    calls: Sequence[Call] = ()
    end: End = "stop"
    usage: Count = Count()


@dataclass(frozen=True, slots=True)
class Part:
    """A block of a turn, for wire formats that have blocks, in its pieces; ``type`` is by the format's word."""

    type: str
    pieces: Sequence[str]
    id: str = ""
    name: str = ""
    signature: str = ""
