"""What a provider's failure means for a client, by status, code and headers."""

import json
from typing import Any

import pytest

from sluice.errors import (
    InvalidRequestError,
    OverloadedError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.providers.openai import failures


def error_body(**members: Any) -> bytes:
    return json.dumps(
        {"error": {"message": "because", "type": None, "param": None, "code": None, **members}}
    ).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "members"),
    [
        (
            400,
            {},
            error_body(param="n", code="odd"),
            InvalidRequestError,
            {"status": 400, "param": "n", "code": "odd"},
        ),
        (
            400,
            {},
            error_body(code="context_length_exceeded"),
            InvalidRequestError,
            {"code": "context_length_exceeded"},
        ),
        (422, {}, error_body(), InvalidRequestError, {"status": 400, "message": "because"}),
        (400, {}, b"<html>", InvalidRequestError, {"status": 400}),
        (401, {}, error_body(message="bad sk-upstream"), UpstreamError, {"status": 502, "retriable": False}),
        (403, {}, b"", UpstreamError, {"status": 502, "retriable": False}),
        (
            404,
            {},
            error_body(code="model_not_found"),
            InvalidRequestError,
            {"status": 404, "code": "model_not_found"},
        ),
        (404, {}, error_body(type="not_found_error"), InvalidRequestError, {"code": "model_not_found"}),
        (404, {}, error_body(code=404), InvalidRequestError, {"code": "model_not_found", "param": "model"}),
        (
            404,
            {},
            b'{"object": "error", "message": "No m.", "type": "NotFoundError", "code": 404}',
            InvalidRequestError,
            {"code": "model_not_found", "message": "No m."},
        ),
        (404, {}, error_body(type="invalid_request_error"), UpstreamError, {"status": 502}),
        (404, {}, b'{"detail": "Not Found"}', UpstreamError, {"status": 502}),
        (404, {}, b"nothing here", UpstreamError, {"status": 502}),
        (408, {}, b"", UpstreamTimeoutError, {"status": 504}),
        (413, {}, b"", InvalidRequestError, {"status": 413}),
        (429, {"retry-after": "7"}, error_body(), OverloadedError, {"status": 503, "retry_after": 7.0}),
        (429, {"retry-after-ms": "250", "retry-after": "7"}, b"", OverloadedError, {"retry_after": 0.25}),
        (429, {}, b"", OverloadedError, {"retry_after": 1.0}),
        (429, {"retry-after": "soon"}, b"", OverloadedError, {"retry_after": 1.0}),
        (
            429,
            {"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"},
            b"",
            OverloadedError,
            {"retry_after": 30.0},
        ),
        (429, {}, error_body(code="insufficient_quota"), UpstreamError, {"status": 502, "retriable": False}),
        (500, {}, error_body(), UpstreamError, {"status": 502, "retriable": None}),
        (503, {"retry-after": "3"}, b"", OverloadedError, {"retry_after": 3.0}),
        (504, {}, b"", UpstreamTimeoutError, {}),
        (
            400,
            {},
            b"[" + error_body(message="by Google") + b"]",
            InvalidRequestError,
            {"message": "by Google"},
        ),
        (
            400,
            {},
            error_body(details=[{"reason": "API_KEY_INVALID"}]),
            UpstreamError,
            {"status": 502, "retriable": False},
        ),
        (
            400,
            {},
            error_body(code="context_length_exceeded", details=None),
            InvalidRequestError,
            {"code": "context_length_exceeded", "message": "because"},
        ),
        (429, {}, error_body(details=[{"retryDelay": "9s"}]), OverloadedError, {"retry_after": 9.0}),
        (
            429,
            {"retry-after": "3"},
            error_body(details=[{"retryDelay": "9s"}]),
            OverloadedError,
            {"retry_after": 3.0},
        ),
        (
            429,
            {},
            error_body(details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}]),
            UpstreamError,
            {"status": 502, "retriable": False},
        ),
        (429, {}, error_body(code="insufficient_quota", details={}), UpstreamError, {"retriable": False}),
        (301, {}, b"", UpstreamError, {"status": 502}),
        (418, {}, error_body(code=418), UpstreamError, {"status": 502}),
    ],
)
def test_failures_are_mapped_by_status_and_code(
    status: int, headers: dict[str, str], body: bytes, kind: type[SluiceError], members: dict[str, Any]
) -> None:
    error = failures.failure(status, headers, body)
    assert isinstance(error, kind)
    assert {name: getattr(error, name) for name in members} == members
    assert "sk-" not in error.message
