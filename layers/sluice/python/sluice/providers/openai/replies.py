"""What all replies of OpenAI's format have in common.

Compatible hosts are taken as they are where it does no harm: members they leave out get defaults, members they add are
passed on. What makes no sense is an error.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.completion_reply import CompletionChunk
from sluice.providers.contract import ProviderCall
from sluice.providers.openai.failures import raise_reported
from sluice.providers.openai.usage import usage_of
from sluice.providers.reading import parsed_object
from sluice.wire.events import WireEvent

DONE = b"[DONE]"
STREAM_CONTENT_TYPE = "text/event-stream"

_OUR_MEMBERS = ("requestHash", "responseHash", "search_result", "error")
"""What the gateway adds itself is not taken from elsewhere."""


_SERVICE_TIERS: Mapping[str, str] = {
    "on_demand": "default",
    "performance": "priority",
    "standard": "default",
}
"""Hosts' own names for the way in which they have answered, and OpenAI's."""


class NamesModel(Protocol):
    """A request for a model."""

    @property
    def model(self) -> str:
        """The name that the client asked for."""
        ...


class ChoiceEnds:
    """Which choices of a stream have begun, and which have ended.

    A stream has said all when each choice that began has a finish reason; ``[DONE]`` alone does not make it so. Its
    absence does not make it broken, because several hosts leave it out, but then every choice asked for must be there.
    """

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._begun: set[int] = set()
        self._ended: set[int] = set()

    def take(self, index: int, *, ended: bool) -> None:
        """A chunk has something of the choice at ``index``."""
        self._begun.add(index)
        if ended:
            self._ended.add(index)

    def all(self, *, finished: bool) -> bool:
        """Whether nothing is missing; ``finished`` says that the provider has announced its end."""
        return len(self._ended) >= (1 if finished else self._expected) and self._begun <= self._ended


class ChunkStream[Request: NamesModel, Chunk: (ChatCompletionChunk, CompletionChunk)]:
    """A streamed reply's chunks as they come, until ``[DONE]``.

    Args:
        call: that is answered.
        choices: how many it asks for.
        chunk_of: makes a chunk of an event's object, whose head is complete.
    """

    def __init__(
        self, call: ProviderCall[Request], choices: int, chunk_of: Callable[[dict[str, Any]], Chunk]
    ) -> None:
        self._call = call
        self._ends = ChoiceEnds(choices)
        self._chunk_of: Callable[[dict[str, Any]], Chunk] = chunk_of
        self.finished = False

    @property
    def complete(self) -> bool:
        """See ``ReplyStream``."""
        return self._ends.all(finished=self.finished)

    def feed(self, event: WireEvent) -> Sequence[Chunk]:
        """See ``ReplyStream``."""
        if self.finished:
            return ()
        if event.data.strip() == DONE:
            self.finished = True
            return ()
        raw = reply_object(event.data)
        complete_head(raw, self._call)
        chunk = self._chunk_of(raw)
        for choice in chunk.choices:
            self._ends.take(choice.index, ended=choice.finish_reason is not None)
        return (chunk,) if chunk.choices or chunk.usage is not None else ()


def reply_object(data: bytes) -> dict[str, Any]:
    """A whole reply, or one event of a stream.

    Raises:
        SluiceError: it is no JSON object, or reports a failure.
    """
    raw = parsed_object(data)
    raise_reported(raw)
    groq = raw.get("x_groq")
    if isinstance(groq, dict):
        raise_reported(groq)
    for member in _OUR_MEMBERS:
        raw.pop(member, None)
    return raw


def complete_head[Request: NamesModel](raw: dict[str, Any], call: ProviderCall[Request]) -> None:
    """Give a reply with choices, whole or chunk, the members that each has: id, time, model, choices, usage."""
    raw["id"] = str(raw.get("id") or call.id)
    created = raw.get("created") or call.now
    raw["created"] = int(created) if isinstance(created, float) and math.isfinite(created) else created
    raw["model"] = call.request.model
    raw["choices"] = raw.get("choices") or []
    tier = raw.get("service_tier")
    if isinstance(tier, str):
        raw["service_tier"] = _SERVICE_TIERS.get(tier, tier)
    groq = raw.get("x_groq")
    raw["usage"] = usage_of(raw.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None))
