"""Where requests go, and as whom."""

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bedrock_calls import ADDRESS, KEY, NOW, call, target
from mock_bedrock import CLAUDE, LLAMA
from sluice.credentials import AWSCredentials
from sluice.errors import UpstreamError
from sluice.providers.bedrock import chat
from sluice.providers.bedrock.requests import region_of

ID_OF_LLAMA = "eu.meta.llama4-scout-17b-instruct-v1%3A0"
ROLE = AWSCredentials("AKIA", "hush", "token", "ap-south-1")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (CLAUDE, "eu.anthropic.claude-haiku-4-5-20251001-v1%3A0"),
        (
            LLAMA,
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2F" + ID_OF_LLAMA,
        ),
    ],
)
def test_the_path_is_encoded_as_boto3_does(model: str, path: str) -> None:
    request = chat.upstream_request(call(target(model, base_url=ADDRESS + "/")))
    assert request.url == f"{ADDRESS}/model/{path}/converse"
    streamed = chat.upstream_request(call(target(model), stream=True))
    assert streamed.url == f"{ADDRESS}/model/{path}/converse-stream"
    assert streamed.headers["accept"] == "application/vnd.amazon.eventstream"


def test_an_api_key_is_a_bearer() -> None:
    request = chat.upstream_request(call())
    assert request.headers == {
        "x-team": "blue",
        "content-type": "application/json",
        "accept": "application/json",
        "authorization": f"Bearer {KEY}",
    }
    assert KEY not in repr(request)


def test_without_a_credential_nothing_is_shown() -> None:
    assert "authorization" not in chat.upstream_request(call(target(credential=None))).headers


def test_a_role_signs_for_the_hosts_region() -> None:
    request = chat.upstream_request(call(target(LLAMA, credential=ROLE)))
    again = AWSRequest("POST", request.url, headers={"content-type": "application/json"}, data=request.body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    again.headers["X-Amz-Date"] = request.headers["x-amz-date"]
    again.headers["X-Amz-Security-Token"] = "token"
    signer = SigV4Auth(Credentials("AKIA", "hush", "token"), "bedrock", "eu-west-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert request.headers["authorization"].endswith(f"Signature={expected}")
    assert request.headers["x-amz-security-token"] == "token"
    assert request.headers["x-team"] == "blue"


def test_the_time_is_the_calls() -> None:
    first, second = (chat.upstream_request(call(target(credential=ROLE))) for _ in range(2))
    assert first.headers == second.headers
    assert first.headers["x-amz-date"] == "20260725T172000Z"
    assert int(NOW) == 1_785_000_000


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("vpce-0a1b.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("127.0.0.1:8080", "ap-south-1"),
        ("proxy.example", "ap-south-1"),
    ],
)
def test_the_region_is_the_hosts_or_the_roles(host: str, region: str) -> None:
    assert region_of(target(base_url=f"https://{host}", credential=ROLE)) == region


@pytest.mark.parametrize("credential", [ROLE._replace(region=None)])
def test_without_any_region_nothing_is_signed(credential: Any) -> None:
    with pytest.raises(UpstreamError, match="region") as caught:
        chat.upstream_request(call(target(base_url="https://proxy.example", credential=credential)))
    assert caught.value.retriable is False
