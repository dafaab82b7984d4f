"""Addresses, versions, keys."""

import pytest

from gemini_calls import BASE, KEY, target
from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.contract import Target
from sluice.providers.gemini.requests import get, post


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (BASE, f"{BASE}/v1beta"),
        (f"{BASE}/", f"{BASE}/v1beta"),
        (f"{BASE}/v1beta", f"{BASE}/v1beta"),
        (f"{BASE}/v1beta/", f"{BASE}/v1beta"),
        (f"{BASE}/v1", f"{BASE}/v1"),
        (f"{BASE}/v1alpha", f"{BASE}/v1alpha"),
        ("https://proxy.example/gemini", "https://proxy.example/gemini/v1beta"),
        ("https://proxy.example/gemini/v1beta2", "https://proxy.example/gemini/v1beta2"),
    ],
)
def test_an_address_may_have_a_version_or_none(base_url: str, expected: str) -> None:
    sent = post(target("gemini-x", base_url=base_url), "generateContent", {})
    assert sent.url == f"{expected}/models/gemini-x:generateContent"
    assert get(target(base_url=base_url), "models").url == f"{expected}/models"


@pytest.mark.parametrize(
    ("model", "resource"),
    [
        ("gemini-x", "models/gemini-x"),
        ("models/gemini-x", "models/gemini-x"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("odd?name#1", "models/odd%3Fname%231"),
    ],
)
def test_a_model_goes_by_its_id_or_its_resource_name(model: str, resource: str) -> None:
    assert post(target(model), "generateContent", {}).url == f"{BASE}/v1beta/{resource}:generateContent"


def test_a_stream_is_asked_for_as_server_sent_events() -> None:
    sent = post(target(), "streamGenerateContent", {}, streams=True)
    assert sent.url.endswith(":streamGenerateContent?alt=sse")
    assert sent.headers["accept"] == "text/event-stream"


def test_the_key_is_in_a_header_and_nowhere_else() -> None:
    for sent in (post(target(), "generateContent", {}), get(target(), "models")):
        assert sent.headers["x-goog-api-key"] == KEY
        assert sent.headers["x-team"] == "blue"
        assert KEY not in sent.url
        assert KEY.encode() not in sent.body
        assert KEY not in repr(sent)


def test_without_a_key_there_is_none() -> None:
    assert "x-goog-api-key" not in get(Target("gemini", BASE, "m"), "models").headers


def test_an_aws_role_is_of_no_use() -> None:
    with pytest.raises(UpstreamError, match="AWS role"):
        get(Target("gemini", BASE, "m", AWSCredentials("a", "b", None)), "models")
