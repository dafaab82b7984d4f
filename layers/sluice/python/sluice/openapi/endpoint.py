"""What a row tells of an endpoint that its route does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sluice.openapi.examples import Example
from sluice.openapi.schemas import Shape

TAGS: Mapping[str, str] = {
    "Chat": "Conversations, answered whole or token by token",
    "Completions": "Texts, continued whole or token by token",
    "Embeddings": "Texts as vectors",
    "Images": "Pictures, waited for or made by a job",
    "Videos": "Videos, made by jobs",
    "Jobs": "What belongs to jobs of either kind",
    "Models": "What can be asked",
    "Gateway": "The gateway itself",
}

OPEN = frozenset({429, 500, 503})
"""Any request may fail so: its client's address is counted."""
KEYED = OPEN | {400, 401, 402, 403, 404, 409, 413, 415, 422, 502, 504}
"""So may one that a provider answers."""
TAKEN = KEYED - {502, 504}
"""So may one that a job is made for: what becomes of that is told by the job."""
VISIT = OPEN | {401, 404}
"""So may one about a job that is there."""

type Media = Mapping[str, Mapping[str, Any]]
"""Schemas by media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success beside the usual one.

    Attributes:
        description: what it means.
        reply: the shape of its JSON; None for a reply without a body.
        headers: beside those that every such reply has.
    """

    description: str
    reply: Shape | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation, under one path or several.

    Attributes:
        paths: the first is the one to use, the others are its aliases.
        method: in capitals.
        id: names the operation; for an alias, the path is added.
        tag: one of ``TAGS``.
        summary: one line.
        description: more, in Markdown.
        request: the shape of the body.
        form: its shape where it is a form; the examples' members are texts then.
        reply: the shape of a success in JSON, or the media types of another success with their schemas; None where no
            success is a 200.
        event: the shape of an event, where the reply may be a stream.
        answers: other successes, by status.
        failures: the statuses of failed requests.
        keyed: whether it wants a key.
        routed: whether its replies tell which provider was asked; None for what wants a key.
        cacheable: whether a client that has the newest reply is told so by a 304.
        parameters: of path, query and header, as OpenAPI has them.
        headers: of a success, beside those that every such reply has.
        examples: by name.
        links: from a reply to what can be asked next, as OpenAPI has them.
    """

    paths: tuple[str, ...]
    method: str
    id: str
    tag: str
    summary: str
    description: str = ""
    request: Shape | None = None
    form: Shape | None = None
    reply: Shape | Media | None
    event: Shape | None = None
    answers: Mapping[int, Answer] = field(default_factory=dict)
    failures: frozenset[int] = OPEN
    keyed: bool = False
    routed: bool | None = None
    cacheable: bool = False
    parameters: tuple[Mapping[str, Any], ...] = ()
    headers: tuple[str, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict)
    links: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tells_route(self) -> bool:
        """Whether its replies tell which provider was asked."""
        return self.keyed if self.routed is None else self.routed
