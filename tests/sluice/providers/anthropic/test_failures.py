"""Anthropic's failures, and what they mean for a client."""

import json
from typing import Any

import pytest

from mock_anthropic import FAILURES
from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.providers.anthropic.failures import failure, raise_reported

MEANINGS: dict[str, type[SluiceError]] = {
    "invalid": InvalidRequestError,
    "too_long": InvalidRequestError,
    "authentication": UpstreamError,
    "billing": UpstreamError,
    "permission": UpstreamError,
    "not_found": ModelNotFoundError,
    "too_large": RequestTooLargeError,
    "rate_limited": OverloadedError,
    "spend_limit": UpstreamError,
    "server": UpstreamError,
    "timeout": UpstreamTimeoutError,
    "overloaded": OverloadedError,
}
THE_OPERATORS = ("authentication", "billing", "permission", "spend_limit")


def failed(name: str) -> SluiceError:
    found = FAILURES[name]
    return failure(found.status, found.headers, json.dumps(found.body()).encode())


def test_each_failure_has_a_meaning() -> None:
    assert MEANINGS.keys() == FAILURES.keys()


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_by_its_status(name: str) -> None:
    assert type(failed(name)) is MEANINGS[name]


@pytest.mark.parametrize("name", [name for name in FAILURES if name != "spend_limit"])
def test_the_same_in_a_stream_by_its_type(name: str) -> None:
    with pytest.raises(SluiceError) as caught:
        raise_reported(FAILURES[name].body())
    assert type(caught.value) is MEANINGS[name]


@pytest.mark.parametrize("name", THE_OPERATORS)
def test_what_is_the_operators_to_mend_is_not_repeated_and_tells_nothing(name: str) -> None:
    error = failed(name)
    assert error.retriable is False
    assert FAILURES[name].message not in error.message


def test_the_clients_fault_is_told_in_anthropics_words() -> None:
    error = failed("too_long")
    assert error.message == "prompt is too long: 210000 tokens > 200000 maximum"
    assert (error.code, error.param) == (None, None)


def test_a_code_is_passed_on() -> None:
    body = {
        "error": {
            "type": "invalid_request_error",
            "message": "No.",
            "details": {"error_code": "image_too_large"},
        }
    }
    assert failure(400, {}, json.dumps(body).encode()).code == "image_too_large"


def test_a_limit_says_how_long() -> None:
    assert failed("rate_limited").retry_after == 7
    assert failed("overloaded").retry_after == 1


def test_an_unknown_model_is_told_by_its_member() -> None:
    error = failed("not_found")
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error": "no"}',
        b'{"error": {"type": 1}}',
        b'{"error": {"details": []}}',
        b"null",
    ],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidRequestError), (404, UpstreamError), (500, UpstreamError), (529, OverloadedError)],
)
def test_what_a_proxy_answers_goes_by_its_status(body: bytes, status: int, kind: type[SluiceError]) -> None:
    assert type(failure(status, {}, body)) is kind


@pytest.mark.parametrize("error", [None, "no", {"type": "new_error", "message": "?"}, {"type": 7}])
def test_an_error_of_an_unknown_type_is_the_providers(error: Any) -> None:
    with pytest.raises(UpstreamError):
        raise_reported({"type": "error", "error": error})


def test_an_error_may_stand_alone() -> None:
    with pytest.raises(OverloadedError):
        raise_reported({"error": {"type": "overloaded_error", "message": "Overloaded"}})


@pytest.mark.parametrize("raw", [{"type": "message", "error": None}, {"type": "ping"}, {"error": None}, {}])
def test_what_is_no_error_is_none(raw: dict[str, Any]) -> None:
    raise_reported(raw)
