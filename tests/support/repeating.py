"""Repeating a request with an Idempotency-Key: its reply is kept only once the client of the first one has it."""

import time
from typing import Any

import httpx

from mock_provider import GUARD_SECONDS

PATH = "/v1/chat/completions"


def ended(http: httpx.Client, body: dict[str, Any], once: dict[str, str]) -> httpx.Response:
    """The reply to a request, when the first one like it has ended.

    Args:
        http: a client of the gateway.
        body: the request's.
        once: the header with its Idempotency-Key.
    """
    deadline = time.monotonic() + GUARD_SECONDS
    while time.monotonic() < deadline:
        reply = http.post(PATH, json=body, headers=once)
        if reply.status_code != 409:
            return reply
    raise AssertionError("the first request does not end")
