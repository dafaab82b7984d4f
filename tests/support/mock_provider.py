"""A provider that speaks OpenAI's wire format over a real socket, with faults on demand.

``MockProvider`` serves on a thread of its own. A request's ``user`` member says how it is answered:
``<behaviour>/<anything>`` picks from ``mock_faults.BEHAVIOURS``, all else is answered as it should be. A test in
the same process takes a ``Case``, which makes a unique ``user`` and finds, releases and awaits its own requests.
"""

import asyncio
import itertools
import threading
from collections import defaultdict
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from mock_completions import CREATED
from mock_faults import BEHAVIOURS
from mock_films import FilmBook
from mock_http import Connection, Exchange, Received
from mock_images import IMAGE_MODELS, PICTURES, ImageRefusedError, stored
from mock_openai_videos import VIDEO_MODELS, VIDEOS, VideoRefusedError
from mock_openai_videos import answer as answer_of_videos
from mock_replies import IMAGES, error_body, reply_headers, send_json

GUARD_SECONDS = 20.0
"""How long a test waits for what must happen; only a failing test ever waits this long."""

CONTROL = "/control/"
"""Where tests in other processes open gates: ``GET /control/arrived/<user>``, ``GET /control/release/<user>``."""

TEXT_MODEL = "gpt-3.5-turbo-instruct"
EMBEDDING_MODEL = "text-embedding-3-small"
MODELS = (
    "gpt-4o-mini",
    "gpt-4o",
    "deepseek-reasoner",
    "gemini-2.5-flash",
    TEXT_MODEL,
    EMBEDDING_MODEL,
    *IMAGE_MODELS,
    *VIDEO_MODELS,
)

POSTED = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings", IMAGES})

_numbers = itertools.count(1)


class Case:
    """One test's conversation with the mock, through whatever lies between."""

    def __init__(self, mock: "MockProvider", behaviour: str) -> None:
        assert behaviour in BEHAVIOURS, behaviour
        self.user = f"{behaviour}/{next(_numbers)}"
        """The request's ``user`` member."""
        self._mock = mock

    @property
    def requests(self) -> list[Received]:
        """What has arrived so far."""
        return self._mock.requests(self.user)

    def arrived(self, number: int = 1) -> Received:
        """The request of this number, waiting for it if need be."""
        return self._mock.wait_for(self.user, number)

    def release(self, times: int = 1) -> None:
        """Open the gate that the behaviour waits at."""
        self._mock.release(self.user, times)


class MockProvider:
    """The server; a context manager that serves while it is open.

    Args:
        credential: the API key it accepts; any other is answered with 401.
        is_well: whether it answers everything as it should be, whatever a request's ``user`` says.
    """

    def __init__(self, credential: str, *, is_well: bool = False) -> None:
        self.credential = credential
        self._is_well = is_well
        self.films = FilmBook()
        """The videos that were asked for."""
        self._received: list[Received] = []
        self._arrival = threading.Condition()
        self._gates: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self._connections: set[Connection] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="mock-provider")
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(GUARD_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(GUARD_SECONDS)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        """What a client of OpenAI's takes as its base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def control(self) -> str:
        """Where tests in other processes open gates."""
        return f"http://127.0.0.1:{self._port}{CONTROL}"

    def case(self, behaviour: str = "ok") -> Case:
        """A new conversation that is answered in this way."""
        return Case(self, behaviour)

    def requests(self, tag: str) -> list[Received]:
        """The requests with this ``user``, oldest first."""
        with self._arrival:
            return [received for received in self._received if received.tag == tag]

    def all_requests(self) -> list[Received]:
        """Everything that ever arrived."""
        with self._arrival:
            return list(self._received)

    def containing(self, text: str) -> list[Received]:
        """The requests whose body holds ``text``, for those that must go without ``user``."""
        with self._arrival:
            return [received for received in self._received if text.encode() in received.body]

    def wait_for(self, tag: str, number: int = 1) -> Received:
        """The request of this number with this ``user``, as soon as it is there."""
        with self._arrival:
            found = self._arrival.wait_for(lambda: len(self.requests(tag)) >= number, GUARD_SECONDS)
            assert found, f"the provider never got request {number} of {tag}"
            return self.requests(tag)[number - 1]

    def release(self, tag: str, times: int = 1) -> None:
        """Let what waits at the gate of ``tag`` pass, now or when it gets there."""

        def open_gate() -> None:
            for _ in range(times):
                self._gates[tag].release()

        self._loop.call_soon_threadsafe(open_gate)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        server = await self._loop.create_server(lambda: Connection(self._converse), "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._closing.wait()
        server.close()
        open_connections = list(self._connections)
        for connection in open_connections:
            connection.task.cancel()
            connection.transport.abort()
        await asyncio.gather(*(connection.task for connection in open_connections), return_exceptions=True)
        await server.wait_closed()

    async def _converse(self, connection: Connection) -> None:
        self._connections.add(connection)
        try:
            while received := await connection.read_request():
                with self._arrival:
                    self._received.append(received)
                    self._arrival.notify_all()
                exchange = Exchange(received, connection.transport, self._gates[received.tag])
                if not await self._answer(exchange, connection):
                    break
        finally:
            self._connections.discard(connection)
            connection.transport.close()

    async def _answer(self, exchange: Exchange, connection: Connection) -> bool:
        """Answer, or stop trying once the client has left; whether the connection is good for more."""
        reply = asyncio.ensure_future(self._reply(exchange))
        leaving = asyncio.ensure_future(connection.gone.wait())
        try:
            await asyncio.wait({reply, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reply.done():
                exchange.received.client_left.set()
                return False
            reply.result()
            exchange.received.answered.set()
            return exchange.reusable
        finally:
            reply.cancel()
            leaving.cancel()
            await asyncio.gather(reply, leaving, return_exceptions=True)

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        if received.path.startswith(CONTROL):
            await self._obey(exchange)
            return
        if received.method == "GET" and received.path.startswith(PICTURES):
            _send_picture(exchange)
            return
        if received.headers.get("authorization") != f"Bearer {self.credential}":
            body = error_body("Incorrect API key provided.", "invalid_request_error", code="invalid_api_key")
            send_json(exchange, 401, body)
            return
        match received.method, received.path:
            case "POST", path if path in POSTED:
                await self._behave(exchange)
            case _, path if path == VIDEOS or path.startswith(f"{VIDEOS}/"):
                self._answer_videos(exchange)
            case "GET", "/v1/models":
                send_json(exchange, 200, {"object": "list", "data": [_model(name) for name in MODELS]})
            case "GET", path if (name := unquote(path.removeprefix("/v1/models/"))) in MODELS:
                send_json(exchange, 200, _model(name))
            case "GET", path if path.startswith("/v1/models/"):
                body = error_body("The model does not exist", "invalid_request_error", code="model_not_found")
                send_json(exchange, 404, body)
            case _:
                send_json(exchange, 404, error_body("Unknown request URL", "invalid_request_error"))

    def _answer_videos(self, exchange: Exchange) -> None:
        try:
            found = answer_of_videos(exchange, self.films)
        except VideoRefusedError as refused:
            send_json(exchange, refused.status, refused.body)
            return
        match found:
            case None:
                exchange.reset()
            case status, bytes() as content:
                kind = "video/mp4" if exchange.received.path.endswith("/content") else "application/json"
                exchange.whole(status, reply_headers(kind), content)
            case status, body:
                send_json(exchange, status, body, openai_poll_after_ms="500")

    async def _obey(self, exchange: Exchange) -> None:
        """What a test in another process asks for, as the test's ``Case`` would; the tag is the path's end."""
        order, _, tag = unquote(exchange.received.path.removeprefix(CONTROL)).partition("/")
        match order:
            case "arrived":
                await asyncio.to_thread(self.wait_for, tag)
            case "release":
                self._gates[tag].release()
        send_json(exchange, 200, {})

    async def _behave(self, exchange: Exchange) -> None:
        name = "ok" if self._is_well else exchange.received.tag.partition("/")[0]
        behaviour = BEHAVIOURS.get(name, BEHAVIOURS["ok"])
        try:
            await behaviour(exchange)
        except ImageRefusedError as refused:
            send_json(exchange, 400, refused.body)
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # A request that OpenAI would refuse too; behaviours compute before they write.
            message = f"The request cannot be answered: {error!r}"
            send_json(exchange, 400, error_body(message, "invalid_request_error"))


def _send_picture(exchange: Exchange) -> None:
    """As a bucket does to a signed address: a second credential is one too many."""
    if "authorization" in exchange.received.headers:
        send_json(exchange, 400, error_body("Only one auth mechanism allowed", "invalid_request_error"))
    else:
        exchange.whole(200, reply_headers("image/png"), stored(exchange.received.path))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}
