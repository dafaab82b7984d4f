"""What Bedrock's failures mean for a client."""

import json
from collections.abc import Mapping

import pytest

from mock_bedrock import FAILURES
from sluice.errors import (
    InvalidRequestError,
    ModelNotFoundError,
    OverloadedError,
    RequestTooLargeError,
    SluiceError,
    UpstreamError,
    UpstreamTimeoutError,
)
from sluice.providers.bedrock.failures import failure, failure_in_stream

MEANINGS: Mapping[str, type[SluiceError]] = {
    "invalid": InvalidRequestError,
    "denied": UpstreamError,
    "unrecognized": UpstreamError,
    "expired": UpstreamError,
    "not_found": ModelNotFoundError,
    "timeout": UpstreamTimeoutError,
    "model_error": UpstreamError,
    "throttled": OverloadedError,
    "not_ready": OverloadedError,
    "quota": OverloadedError,
    "server": UpstreamError,
    "unavailable": OverloadedError,
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_has_its_meaning(name: str) -> None:
    found = FAILURES[name]
    body = json.dumps({"message": found.message}).encode()
    error = failure(found.status, {"x-amzn-errortype": f"{found.name}:http://internal"}, body)
    assert type(error) is MEANINGS[name]


def test_a_refused_credential_is_the_operators_and_quotes_nothing() -> None:
    for name in ("denied", "unrecognized", "expired"):
        found = FAILURES[name]
        error = failure(
            found.status, {"x-amzn-errortype": found.name}, b'{"message":"arn:aws:iam::1:user/x"}'
        )
        assert error.retriable is False
        assert "arn" not in error.message


def test_a_bad_request_is_told_in_bedrocks_words() -> None:
    error = failure(400, {"x-amzn-errortype": "ValidationException"}, b'{"message":"messages.0 is blank"}')
    assert (error.message, error.status) == ("messages.0 is blank", 400)


def test_an_address_that_is_none_is_no_missing_model() -> None:
    assert failure(404, {}, b"<html>").status == 502
    assert failure(404, {"x-amzn-errortype": "UnknownOperationException"}, b"{}").status == 502
    assert failure(404, {"x-amzn-errortype": "ResourceNotFoundException"}, b"{}").code == "model_not_found"


def test_a_failure_of_the_model_is_not() -> None:
    error = failure(424, {"x-amzn-errortype": "ModelErrorException"}, b'{"message":"stack trace"}')
    assert "stack trace" not in error.message


@pytest.mark.parametrize(
    ("headers", "body", "kind"),
    [
        ({}, b'{"__type":"com.amazon.coral.service#ThrottlingException","Message":"slow"}', OverloadedError),
        ({}, b'{"__type":"com.amazon#ValidationException"}', InvalidRequestError),
        ({}, b"<html>", InvalidRequestError),
        ({}, b'{"__type":5,"message":{}}', InvalidRequestError),
        ({}, b"[]", InvalidRequestError),
        ({"x-amzn-errortype": "Unknown"}, b"", InvalidRequestError),
    ],
)
def test_names_stand_in_a_header_or_in_the_body_or_nowhere(
    headers: Mapping[str, str], body: bytes, kind: type[SluiceError]
) -> None:
    assert type(failure(400, headers, body)) is kind


def test_the_time_to_wait_is_passed_on() -> None:
    assert failure(429, {"retry-after": "7"}, b"{}").retry_after == 7


def test_a_request_that_is_too_large() -> None:
    assert type(failure(413, {}, b"{}")) is RequestTooLargeError


def test_in_a_stream_names_begin_with_a_small_letter() -> None:
    assert failure_in_stream("contentBlockDelta", b"{}") is None
    error = failure_in_stream("exception/validationException", b'{"message":"too long"}')
    assert isinstance(error, InvalidRequestError)
    assert error.message == "too long"
    assert isinstance(failure_in_stream("exception/validationException", b"?"), InvalidRequestError)
    assert isinstance(failure_in_stream("error/InternalFailure", b"words"), UpstreamError)
    assert isinstance(failure_in_stream("error/ThrottlingException", b""), OverloadedError)
