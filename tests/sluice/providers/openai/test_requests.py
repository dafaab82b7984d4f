"""What all requests to a host of OpenAI's format have in common."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target, UpstreamRequest
from sluice.providers.openai.requests import get, post
from text_requests import TARGET

BARE = replace(TARGET, credential=None, headers={})


@pytest.mark.parametrize("base_url", ["https://api.example/v1", "https://api.example/v1/"])
def test_a_request_goes_to_the_candidate_with_its_credential_and_headers(base_url: str) -> None:
    target = replace(TARGET, base_url=base_url)
    sent = post(target, "/thing", {"model": "asked-for", "a": 1})
    assert (sent.method, sent.url) == ("POST", "https://api.example/v1/thing")
    assert json.loads(sent.body) == {"model": "upstream-model", "a": 1}
    assert sent.headers == {
        "authorization": "Bearer sk-upstream",
        "x-team": "blue",
        "content-type": "application/json",
        "accept": "application/json",
    }
    asked = get(target, "/thing")
    assert (asked.method, asked.url, asked.body) == ("GET", "https://api.example/v1/thing", b"")
    assert asked.headers == {name: value for name, value in sent.headers.items() if name != "content-type"}
    assert "sk-upstream" not in repr(sent) + repr(asked) + repr(target)


def test_without_a_credential_there_is_no_header() -> None:
    assert "authorization" not in post(BARE, "/thing", {}).headers
    assert "authorization" not in get(BARE, "/thing").headers


@pytest.mark.parametrize("ask", [get, partial(post, body={})])
def test_a_role_is_no_credential_of_such_a_host(ask: Callable[[Target, str], UpstreamRequest]) -> None:
    with pytest.raises(UpstreamError) as caught:
        ask(replace(TARGET, credential=AWSCredentials("AKIA", "secret", "token")), "/thing")
    assert caught.value.retriable is False
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": True, "other": 1}])
def test_a_stream_is_always_asked_for_its_usage(options: Any) -> None:
    sent = post(BARE, "/thing", {"stream_options": options}, streams=True)
    assert json.loads(sent.body)["stream_options"] == {**(options or {}), "include_usage": True}
    assert sent.headers["accept"] == "text/event-stream"
