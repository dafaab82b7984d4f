"""Where requests to Anthropic go, and what they carry beside their body."""

from dataclasses import replace

import pytest

from anthropic_calls import TARGET
from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.anthropic.requests import get, post


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_an_address_may_end_in_the_version_or_not(end: str) -> None:
    target = replace(TARGET, base_url=f"https://host.example/api{end}")
    assert post(target, "/messages", {}).url == "https://host.example/api/v1/messages"
    assert get(target, "/models").url == "https://host.example/api/v1/models"


def test_the_credential_goes_as_anthropic_wants_it_and_is_not_printed() -> None:
    request = post(TARGET, "/messages", {"model": "m"})
    assert request.headers["x-api-key"] == "sk-ant-upstream"
    assert "authorization" not in request.headers
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert (request.method, request.body) == ("POST", b'{"model":"m"}')
    assert "sk-ant-upstream" not in repr(request)


def test_the_catalogues_headers_go_along_and_count() -> None:
    headers = {"Anthropic-Beta": "context-1m-2025-08-07", "Anthropic-Version": "2026-10-21"}
    found = get(replace(TARGET, headers=headers), "/models").headers
    assert found["anthropic-beta"] == "context-1m-2025-08-07"
    assert found["anthropic-version"] == "2026-10-21"


def test_a_host_may_want_no_credential() -> None:
    assert "x-api-key" not in get(replace(TARGET, credential=None), "/models").headers


def test_an_aws_role_is_of_no_use() -> None:
    role = AWSCredentials("id", "secret", "token")
    with pytest.raises(UpstreamError) as caught:
        post(replace(TARGET, credential=role), "/messages", {})
    assert caught.value.retriable is False


def test_a_stream_is_accepted_where_one_is_asked_for() -> None:
    assert post(TARGET, "/messages", {}, streams=True).headers["accept"] == "text/event-stream"
    assert post(TARGET, "/messages", {}).headers["accept"] == "application/json"
