"""Which function it is that runs, in one process that has them all; and the variables that each one has and reads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sluice.local.invocations import Handler
from sluice.worker import Worker

_RUNNING: ContextVar[str] = ContextVar("running", default="")


def running() -> str:
    """The function's name in the template; empty where it is none, but the test itself."""
    return _RUNNING.get()


@contextmanager
def as_function(name: str) -> Iterator[None]:
    """What is done in this context, and in tasks and threads that it begins, is the function's doing."""
    token = _RUNNING.set(name)
    try:
        yield
    finally:
        _RUNNING.reset(token)


class WatchedApp:
    """A function's application, whose doings are known for its own."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._name = name
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        with as_function(self._name):
            await self._app(scope, receive, send)


class WatchedWorker(Worker[Any]):
    """The same of a function that takes events."""

    def __init__(self, name: str, worker: Worker[Any]) -> None:
        self._name = name
        self._worker = worker

    async def answer(self, event: Any) -> Any:
        """Answer an event."""
        with as_function(self._name):
            return await self._worker.answer(event)


def watched_handler(name: str, handler: Handler) -> Handler:
    """The same of any handler."""
    if isinstance(handler, Worker):
        return WatchedWorker(name, handler)

    def call(event: Any, context: Any) -> Any:
        with as_function(name):
            return handler(event, context)

    return call


class Environments(Mapping[str, str]):
    """Stands in the place of ``os.environ``: each function finds its own variables, and what it asks for is known.

    Args:
        own: by functions.
        others: of whoever is no function.
    """

    def __init__(self, own: Mapping[str, Mapping[str, str]], others: Mapping[str, str]) -> None:
        self._own = own
        self._others = others
        self.read: set[tuple[str, str]] = set()
        """Functions, and the variables that each one has asked for."""

    def __getitem__(self, name: str) -> str:
        function = running()
        if not function:
            return self._others[name]
        self.read.add((function, name))
        return self._own[function][name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("who reads all variables reads none in particular")

    def __len__(self) -> int:
        raise AssertionError("who counts variables reads none in particular")
