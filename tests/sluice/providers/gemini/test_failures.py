"""What Google's failures mean for a client."""

import json
from pathlib import Path
from typing import Any

import pytest

from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.providers.gemini.failures import failure, raise_reported

RECORDED = Path(__file__).with_name("recorded")


def body(code: int, status: str, *details: dict[str, Any]) -> bytes:
    error = {"code": code, "message": "because", "status": status, "details": list(details)}
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "reply", "kind", "members"),
    [
        (400, {}, body(400, "INVALID_ARGUMENT"), InvalidRequestError, {"status": 400, "message": "because"}),
        (400, {}, b"[" + body(400, "INVALID_ARGUMENT") + b"]", InvalidRequestError, {"message": "because"}),
        (400, {}, b"<html>", InvalidRequestError, {"status": 400}),
        (400, {}, b'{"error": "odd"}', InvalidRequestError, {"status": 400}),
        (400, {}, body(400, "FAILED_PRECONDITION"), UpstreamError, {"status": 502, "retriable": False}),
        (
            400,
            {},
            (RECORDED / "invalid_key.json").read_bytes(),
            UpstreamError,
            {"status": 502, "retriable": False},
        ),
        (401, {}, body(401, "UNAUTHENTICATED"), UpstreamError, {"retriable": False}),
        (403, {}, body(403, "PERMISSION_DENIED"), UpstreamError, {"retriable": False}),
        (404, {}, body(404, "NOT_FOUND"), ModelNotFoundError, {"status": 404, "param": "model"}),
        (404, {}, b'{"error": {"code": 404, "message": "a proxy"}}', UpstreamError, {"status": 502}),
        (404, {}, b"no such page", UpstreamError, {"status": 502}),
        (
            429,
            {},
            (RECORDED / "quota_of_the_minute.json").read_bytes(),
            OverloadedError,
            {"status": 503, "retry_after": 18.234},
        ),
        (429, {}, body(429, "RESOURCE_EXHAUSTED"), OverloadedError, {"retry_after": 1.0}),
        (
            429,
            {"retry-after": "3"},
            body(429, "RESOURCE_EXHAUSTED", {"retryDelay": "9s"}),
            OverloadedError,
            {"retry_after": 3.0},
        ),
        (
            429,
            {},
            body(
                429,
                "RESOURCE_EXHAUSTED",
                {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
                {"retryDelay": "9s"},
            ),
            UpstreamError,
            {"status": 502, "retriable": False},
        ),
        (500, {}, body(500, "INTERNAL"), UpstreamError, {"status": 502, "retriable": None}),
        (503, {}, body(503, "UNAVAILABLE"), OverloadedError, {"status": 503}),
        (504, {}, body(504, "DEADLINE_EXCEEDED"), UpstreamTimeoutError, {"status": 504}),
    ],
)
def test_failures(
    status: int, headers: dict[str, str], reply: bytes, kind: type[SluiceError], members: dict[str, Any]
) -> None:
    error = failure(status, headers, reply)
    assert type(error) is kind
    assert {name: getattr(error, name) for name in members} == members


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "status": "UNAVAILABLE"}, OverloadedError),
        ({"status": "RESOURCE_EXHAUSTED"}, OverloadedError),
        ({"code": 7, "status": "DEADLINE_EXCEEDED"}, UpstreamTimeoutError),
        ({"code": 400, "status": "INVALID_ARGUMENT"}, InvalidRequestError),
        ({"code": "503"}, UpstreamError),
        ({"code": 200}, UpstreamError),
        ("broken", UpstreamError),
        ([7], UpstreamError),
    ],
)
def test_failures_in_a_good_reply(error: Any, kind: type[SluiceError]) -> None:
    with pytest.raises(SluiceError) as caught:
        raise_reported({"error": error})
    assert type(caught.value) is kind


@pytest.mark.parametrize("raw", [{}, {"error": None}, {"candidates": []}])
def test_no_failure_is_none(raw: Any) -> None:
    raise_reported(raw)
