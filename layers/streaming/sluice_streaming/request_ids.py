"""Whose log line is it? A logging filter that knows the request in whose course a record was made."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

type _Identity = tuple[str, str | None]

_NOBODY: _Identity = ("", None)
_current: ContextVar[_Identity | None] = ContextVar("sluice_streaming_request", default=None)


class RequestIds(logging.Filter):
    """Gives each record ``aws_request_id`` and ``tenant_id``, which awslambdaric's formatters print.

    A context variable tells the requests on one event loop apart. Threads that were started without their
    starter's context have none: with ``one_at_a_time`` they are counted to the request that came last.

    Args:
        one_at_a_time: no two requests are ever in flight together.
    """

    def __init__(self, *, one_at_a_time: bool) -> None:
        super().__init__()
        self._one_at_a_time = one_at_a_time
        self._last = _NOBODY

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark the record; every record passes."""
        record.aws_request_id, record.tenant_id = _current.get() or self._last
        return True

    @contextmanager
    def serving(self, request_id: str, tenant_id: str | None) -> Iterator[None]:
        """Count what is logged in this context, and in tasks begun in it, to a request."""
        identity = (request_id, tenant_id)
        token = _current.set(identity)
        if self._one_at_a_time:
            self._last = identity
        try:
            yield
        finally:
            _current.reset(token)
