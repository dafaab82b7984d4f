"""Failures before the first byte: what the table of errors (``test_error_table``) leaves open."""

import httpx
import openai
import pytest

from chat_bodies import MESSAGES, MODEL, chat_body
from error_table import Row, rows
from gateway_process import STREAM_TIMEOUT_SECONDS, TIMEOUT_SECONDS
from mock_provider import MockProvider
from openai_schemas import check_error

ROWS = [
    row
    for row in rows()
    if row.behaviour in {"rate_limited", "server_error", "bad_request", "malformed_json"}
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_the_asynchronous_client_meets_the_errors_of_the_table(
    aclient: openai.AsyncOpenAI, provider: MockProvider, row: Row
) -> None:
    user = provider.case(str(row.behaviour)).user
    with pytest.raises(openai.APIStatusError) as caught:
        await aclient.chat.completions.create(model=MODEL, messages=MESSAGES, user=user, stream=row.streams)
    assert type(caught.value).__name__ == row.python
    assert (caught.value.status_code, caught.value.code) == (row.status, row.code)
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("behaviour", "stream", "deadline"),
    [
        ("held", False, TIMEOUT_SECONDS),
        ("half_a_body_then_held", False, TIMEOUT_SECONDS),
        ("held", True, STREAM_TIMEOUT_SECONDS),
        ("headers_then_held", True, STREAM_TIMEOUT_SECONDS),
    ],
)
def test_a_deadline(
    http: httpx.Client, provider: MockProvider, behaviour: str, stream: bool, deadline: float
) -> None:
    case = provider.case(behaviour)
    reply = http.post("/v1/chat/completions", json=chat_body(case, stream=stream))
    check_error(reply.json())
    assert reply.status_code == 504
    assert (reply.json()["error"]["type"], reply.json()["error"]["code"]) == (
        "timeout_error",
        "upstream_timeout",
    )
    assert deadline <= reply.elapsed.total_seconds() < deadline + 2
    assert case.arrived().client_left.wait(10), "nobody waits for the provider any more"


def test_a_redirect_is_not_followed(http: httpx.Client, provider: MockProvider) -> None:
    """It would carry the operator's credential to wherever the reply says."""
    case = provider.case("redirected")
    assert http.post("/v1/chat/completions", json=chat_body(case)).status_code == 502
    assert {received.path for received in case.requests} == {"/v1/chat/completions"}
