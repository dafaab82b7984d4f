"""A mock provider that says, beside what fits a request, any ``Turn`` that a test wants said."""

import itertools

from mock_http import Received
from mock_provider import MockProvider
from mock_turns import Turn

_numbers = itertools.count(1)


class SayingMock(MockProvider):
    """The server; a context manager that serves while it is open.

    A request names its turn by a tag, in the one of ``TAG``'s two members: an object of the body's, and its member.
    """

    TAG: tuple[str, str]

    def __init__(self, credential: str) -> None:
        super().__init__(credential)
        self.turns: dict[str, Turn] = {}

    @property
    def url(self) -> str:
        """What the official client takes as its address."""
        return f"http://127.0.0.1:{self._port}"

    def says(self, turn: Turn) -> str:
        """Have a turn said; gives the tag to ask for it with."""
        tag = f"says/{next(_numbers)}"
        self.turns[tag] = turn
        return tag

    def requests(self, tag: str) -> list[Received]:
        """The requests with this tag, oldest first."""
        with self._arrival:
            return [received for received in self._received if self.tag_of(received) == tag]

    def tag_of(self, received: Received) -> str:
        """A request's tag; empty where it has none."""
        body = received.json
        member, name = self.TAG
        labels = body.get(member) if isinstance(body, dict) else None
        return str(labels.get(name, "")) if isinstance(labels, dict) else ""
