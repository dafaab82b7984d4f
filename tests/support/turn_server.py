"""A provider on a real socket that says what a test tells it to, in any participant of ``participants``.

Conversations run at the same time, so each has a mark, a word that the test puts into what the user says: by it the
server knows which ``Scene`` a request belongs to. What is asked is checked as strictly as the provider does.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat_operations import chat_of
from mock_http import Exchange, Received
from mock_provider import MockProvider
from mock_turns import Turn
from participant import CREDENTIAL, Failure, Participant
from sluice.providers.contract import UpstreamRequest

MARK = re.compile(rb"scene\d{6}")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stepped:
    """A turn whose stream sends an event only when the test lets it."""

    turn: Turn


type Said = Turn | Stepped | Failure


class Scene:
    """One conversation: what is answered to its requests, one after the other, the last one again and again."""

    def __init__(self, server: "TurnServer", says: Sequence[Said]) -> None:
        self.mark = f"scene{next(_numbers):06}"
        """To be put into what the user says."""
        self.says = says
        self.faults: list[str] = []
        """What the provider found wrong with its requests."""
        self._server = server

    @property
    def requests(self) -> list[Received]:
        """What has arrived of it."""
        return self._server.containing(self.mark)

    def release(self, times: int = 1) -> None:
        """Let so many events of a ``Stepped`` turn go."""
        self._server.release(self.mark, times)


class TurnServer(MockProvider):
    """The server; a context manager that serves while it is open."""

    def __init__(self, participant: Participant) -> None:
        super().__init__(credential="")
        self._participant = participant
        self._scenes: dict[str, Scene] = {}

    @property
    def url(self) -> str:
        """What the catalogue has as the provider's base URL."""
        return f"http://127.0.0.1:{self._port}{self._participant.base_path}"

    def scene(self, *says: Said) -> Scene:
        """A new conversation, in which the provider says this."""
        scene = Scene(self, says)
        self._scenes[scene.mark] = scene
        return scene

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        found = MARK.search(received.body)
        scene = self._scenes.get(found.group().decode()) if found else None
        if scene is None:
            exchange.whole(404, {"content-type": "text/plain"}, b"no scene")
            return
        fault = self._participant.fault(
            UpstreamRequest(received.path, received.body, received.headers, received.method)
        )
        if not any(CREDENTIAL in value for value in received.headers.values()):
            fault = "the credential is missing"
        if fault is not None:
            scene.faults.append(fault)
            exchange.whole(400, {"content-type": "text/plain"}, fault.encode())
            return
        match scene.says[min(len(scene.requests), len(scene.says)) - 1]:
            case Turn() as turn:
                self._say(exchange, turn)
            case Stepped(turn):
                await self._step(exchange, turn, scene)
            case Failure(status, body, headers):
                exchange.whole(status, {"content-type": "application/json", **headers}, body)

    def _say(self, exchange: Exchange, turn: Turn) -> None:
        assert self._participant.streams is not None
        if self._participant.streams(exchange.received):
            exchange.start_chunked(200, self._stream_headers())
            for event in self._participant.stream_bytes(turn):
                exchange.chunk(event)
            exchange.end_chunked()
        else:
            exchange.whole(200, {"content-type": "application/json"}, self._participant.whole_bytes(turn))

    async def _step(self, exchange: Exchange, turn: Turn, scene: Scene) -> None:
        gate = self._gates[scene.mark]
        exchange.start_chunked(200, self._stream_headers())
        for event in self._participant.stream_bytes(turn):
            await gate.acquire()
            exchange.chunk(event)
        exchange.end_chunked()

    def _stream_headers(self) -> Mapping[str, str]:
        return {"content-type": chat_of(self._participant.provider).STREAM_CONTENT_TYPE}
