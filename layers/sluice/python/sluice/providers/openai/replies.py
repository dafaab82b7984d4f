"""What all replies of OpenAI's format have in common.

Compatible hosts are taken as they are where it does no harm: members they leave out get defaults, members they add are
passed on. What makes no sense is an error.
"""

from typing import Any, Protocol

from sluice.providers.contract import ProviderCall
from sluice.providers.openai.failures import raise_reported
from sluice.providers.openai.usage import usage_of
from sluice.providers.reading import parsed_object

DONE = b"[DONE]"
STREAM_CONTENT_TYPE = "text/event-stream"

_OUR_MEMBERS = ("requestHash", "responseHash", "search_result", "error")
"""What the gateway adds itself is not taken from elsewhere."""


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


def reply_object(data: bytes) -> dict[str, Any]:
    """A whole reply, or one event of a stream.

    Raises:
        SluiceError: it is no JSON object, or reports a failure.
    """
    raw = parsed_object(data)
    raise_reported(raw)
    for member in _OUR_MEMBERS:
        raw.pop(member, None)
    return raw


def complete_head[Request: NamesModel](raw: dict[str, Any], call: ProviderCall[Request]) -> None:
    """Give a reply with choices, whole or chunk, the members that each has: id, time, model, choices, usage."""
    raw["id"] = raw.get("id") or call.id
    raw["created"] = raw.get("created") or int(call.now)
    raw["model"] = call.request.model
    raw["choices"] = raw.get("choices") or []
    groq = raw.get("x_groq")
    raw["usage"] = usage_of(raw.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None))
