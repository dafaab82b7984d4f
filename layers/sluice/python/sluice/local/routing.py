"""Brings a request to the function that API Gateway would bring it to."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from sluice.asgi.security_headers import TRANSPORT_SECURITY
from sluice.local.blueprint import FixedReply
from sluice.local.event_sources import Route
from sluice.observability import RequestRecord, log_request

ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Mount:
    """A route and the application behind it."""

    route: Route
    app: ASGIApp


class Dispatcher:
    """An ASGI application made of several.

    Args:
        mounts: all routes.
        unknown: the reply to what no route takes, as API Gateway would give it. It counts for no client's limit, here
            as there: no function runs for it, and API Gateway throttles what it answers itself.
    """

    def __init__(self, mounts: Iterable[Mount], unknown: FixedReply) -> None:
        ordered = sorted(mounts, key=lambda mount: _specificity(mount.route.path))
        self._mounts = [(pattern_of(mount.route.path), mount) for mount in ordered]
        self._unknown = unknown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        mount = self.find(scope["method"], scope["path"])
        if mount is None:
            # No function is asked, so the id is of API Gateway's form, not the ``req_…`` of a function.
            await self._refuse(RequestRecord(str(uuid.uuid4()), scope["method"], scope["path"]), send)
        else:
            await mount.app(scope, receive, send)

    def find(self, method: str, path: str) -> Mount | None:
        """The most specific route for a method and path."""
        for pattern, mount in self._mounts:
            if mount.route.method in {ANY, method} and pattern.fullmatch(path):
                return mount
        return None

    async def _refuse(self, record: RequestRecord, send: Send) -> None:
        headers = {
            **{
                name.lower(): value
                for name, value in self._unknown.headers.items()
                if name.lower() not in TRANSPORT_SECURITY  # for https, which this server does not speak
            },
            "content-type": "application/json",
            "content-length": str(len(self._unknown.body)),
            "x-request-id": record.request_id,
        }
        await send(
            {
                "type": "http.response.start",
                "status": self._unknown.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": self._unknown.body})
        record.status = self._unknown.status
        log_request(record)


def pattern_of(path: str) -> re.Pattern[str]:
    """API Gateway's notation as a pattern: ``{id}`` is one segment, ``{id+}`` all that follow."""
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join(_part(part) for part in parts), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") else "[^/]+"


def _specificity(path: str) -> list[tuple[int, str]]:
    """Sorts a literal segment before a parameter, and a parameter before one that takes all the rest."""
    return [
        (0 if not segment.startswith("{") else 1 if not segment.endswith("+}") else 2, segment)
        for segment in path.split("/")
    ]
