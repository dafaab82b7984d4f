"""Google's error objects."""

import json
from typing import Any

import pytest

from sluice.providers.google_errors import error_of, quota_is_spent, refuses_credential, retry_delay_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"code": 400}}', {"code": 400}),
        (b'[{"error": {"code": 400}}]', {"code": 400}),
        (b'{"error": "broken"}', "broken"),
        (b'[{"error": 1}, {"error": 2}]', None),
        (b"[7]", None),
        (b"7", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_error_of_a_body(body: bytes, expected: Any) -> None:
    assert error_of(body) == expected


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([{"retryDelay": "7s"}], 7.0),
        ([{"links": []}, {"retryDelay": "18.234s"}], 18.234),
        ([{"retryDelay": "0s"}], 0.0),
        ([{"retryDelay": "soon"}], None),
        ([{"retryDelay": 7}], None),
        ([{"retryDelay": "-7s"}], None),
        ([{"retryDelay": "7s "}], None),
        ({"retryDelay": "7s"}, None),
        (None, None),
    ],
)
def test_how_long_to_wait(details: Any, seconds: float | None) -> None:
    assert retry_delay_of(details) == seconds


@pytest.mark.parametrize(
    ("violation", "spent"),
    [
        ({"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}, True),
        ({"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "20"}, False),
        ({"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "0"}, True),
        ({"quotaId": 7}, False),
        ({}, False),
    ],
)
def test_quotas_that_no_wait_mends(violation: Any, spent: bool) -> None:
    assert quota_is_spent([{"violations": [violation]}]) is spent


@pytest.mark.parametrize("details", [None, {}, [], [7], [{"violations": 7}], json.loads("[[]]")])
def test_details_that_are_none(details: Any) -> None:
    assert not quota_is_spent(details)
    assert not refuses_credential(details)


def test_a_refused_credential() -> None:
    assert refuses_credential([{"reason": "API_KEY_INVALID"}])
    assert not refuses_credential([{"reason": "OTHER"}])
