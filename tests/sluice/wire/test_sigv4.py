"""Signatures, held against botocore's own."""

import hashlib
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from sluice.credentials import AWSCredentials
from sluice.wire.sigv4 import ReadMethod, presigned_url, s3_headers, signed_headers

NOW = 1_785_000_000.75
MOMENT = "20260725T172000Z"
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30)
SEGMENT = st.text("abcXYZ019.:/-_~ +%é", min_size=1, max_size=40).filter(lambda text: text.strip(".") != "")


def botocores(url: str, headers: dict[str, str], body: bytes, credentials: AWSCredentials) -> str:
    """The authorization header that botocore gives a request at the same time."""
    request = AWSRequest("POST", url, headers=headers, data=body)
    request.context["timestamp"] = MOMENT
    signer = SigV4Auth(Credentials(*credentials), "bedrock", "us-east-1")
    request.headers["X-Amz-Date"] = MOMENT
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    canonical = signer.canonical_request(request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    )


def ours(url: str, headers: dict[str, str], body: bytes, credentials: AWSCredentials) -> dict[str, str]:
    return signed_headers(
        "POST", url, headers, body, service="bedrock", region="us-east-1", credentials=credentials, now=NOW
    )


@given(
    segment=SEGMENT,
    host=st.sampled_from(
        ["https://bedrock-runtime.us-east-1.amazonaws.com", "http://127.0.0.1:3456", "https://h:443"]
    ),
    target=TEXT,
    body=st.binary(max_size=50),
    token=st.none() | st.text("abc/+=", min_size=1),
)
@example(
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama4-v1:0",
    "https://h",
    " a  b ",
    b"{}",
    None,
)
def test_signatures_are_botocores(
    segment: str, host: str, target: str, body: bytes, token: str | None
) -> None:
    url = f"{host}/model/{quote(segment, safe='-._~')}/converse"
    headers = {"content-type": "application/json", "x-amz-target": target}
    credentials = AWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token)
    sent = ours(url, headers, body, credentials)
    assert sent["authorization"] == botocores(url, headers, body, credentials)
    assert sent["x-amz-date"] == MOMENT
    assert sent.get("x-amz-security-token") == token


def test_what_may_change_on_the_way_is_sent_and_not_signed() -> None:
    headers = {"accept": "application/json", "user-agent": "sluice", "x-team": "blue"}
    sent = ours("https://h/", headers, b"", AWSCredentials("a", "b", None))
    assert headers.items() <= sent.items()
    assert "SignedHeaders=host;x-amz-date," in sent["authorization"]


@pytest.mark.parametrize("change", ["body", "url", "region", "now", "method", "secret"])
def test_everything_that_is_signed_changes_the_signature(change: str) -> None:
    def signature(**members: Any) -> str:
        given: dict[str, Any] = {
            "method": "POST",
            "url": "https://h/a",
            "body": b"1",
            "region": "r",
            "now": 1.0,
            "secret": "s",
        }
        given |= members
        secret = given.pop("secret")
        return signed_headers(
            **given, headers={}, service="bedrock", credentials=AWSCredentials("a", secret, None)
        )["authorization"]

    other = {"body": b"2", "url": "https://h/b", "region": "s", "now": 2.0, "method": "PUT", "secret": "t"}
    assert signature(**{change: other[change]}) != signature()


def test_no_header_shows_the_secret() -> None:
    sent = ours("https://h/", {}, b"", AWSCredentials("AKIA", "very-secret", "token"))
    assert "very-secret" not in repr(sent)


HOSTS = st.sampled_from(
    ["https://bucket.s3.eu-central-1.amazonaws.com", "http://127.0.0.1:3456/bucket", "https://h:443"]
)
CREDENTIALS = st.builds(
    AWSCredentials,
    st.just("AKIDEXAMPLE"),
    st.just("wJalrXUtnFEMI/K7MDENG"),
    st.none() | st.text("abc/+=", min_size=1),
)


@given(
    host=HOSTS,
    key=SEGMENT,
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    query=st.dictionaries(
        st.sampled_from(["prefix", "list-type", "list", "list.type", "list0", "uploads"]), TEXT
    ),
    body=st.binary(max_size=50),
    credentials=CREDENTIALS,
)
def test_signatures_of_calls_to_s3_are_botocores(
    host: str, key: str, method: str, query: dict[str, str], body: bytes, credentials: AWSCredentials
) -> None:
    url = f"{host}/{quote(key, safe='-._~/')}"
    if query:
        url += "?" + urlencode(sorted(query.items()), quote_via=quote, safe="")
    headers = {"content-type": "image/png"} if method == "PUT" else {}
    digest = hashlib.sha256(body).hexdigest()
    ours = s3_headers(method, url, headers, digest, region="eu-central-1", credentials=credentials, now=NOW)

    request = AWSRequest(method, url, headers=headers, data=body)
    request.context["timestamp"] = MOMENT
    signer = S3SigV4Auth(Credentials(*credentials), "s3", "eu-central-1")
    request.headers["X-Amz-Date"] = MOMENT
    request.headers["X-Amz-Content-SHA256"] = digest
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
    assert ours["x-amz-content-sha256"] == digest


METHODS: tuple[ReadMethod, ...] = ("GET", "HEAD")


@given(
    host=HOSTS,
    key=SEGMENT,
    parameters=st.dictionaries(
        st.sampled_from(["response-content-type", "response-content-disposition"]), TEXT
    ),
    method=st.sampled_from(METHODS),
    seconds=st.integers(1, 604_800),
    credentials=CREDENTIALS,
)
def test_links_are_botocores(
    host: str,
    key: str,
    parameters: dict[str, str],
    method: ReadMethod,
    seconds: int,
    credentials: AWSCredentials,
) -> None:
    url = f"{host}/{quote(key, safe='-._~/')}"
    ours = presigned_url(
        url,
        parameters,
        method=method,
        seconds=seconds,
        region="eu-central-1",
        credentials=credentials,
        now=NOW,
    )

    request = AWSRequest(method, url, params=parameters)
    request.context["timestamp"] = MOMENT
    signer: Any = S3SigV4QueryAuth(Credentials(*credentials), "s3", "eu-central-1", expires=seconds)
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    found = parse_qs(urlsplit(ours).query, keep_blank_values=True)
    theirs = parse_qs(urlsplit(str(request.url)).query, keep_blank_values=True)
    assert found.pop("X-Amz-Signature") == [signature]
    assert found == theirs
    assert urlsplit(ours)._replace(query="").geturl() == url


@pytest.mark.parametrize("change", ["url", "parameters", "seconds", "region", "now", "credentials"])
def test_everything_in_a_link_changes_its_signature(change: str) -> None:
    members: dict[str, Any] = {
        "url": "https://h/a",
        "parameters": {"response-content-type": "image/png"},
        "seconds": 60,
        "region": "r",
        "now": NOW,
        "credentials": AWSCredentials("a", "b", "c"),
    }
    other: dict[str, Any] = {
        "url": "https://h/b",
        "parameters": {"response-content-type": "text/html"},
        "seconds": 61,
        "region": "s",
        "now": NOW + 1,
        "credentials": AWSCredentials("a", "b", "d"),
    }

    def signature(members: dict[str, Any]) -> str:
        return presigned_url(**members).partition("X-Amz-Signature=")[2]

    assert signature(members | {change: other[change]}) != signature(members)


def test_no_link_shows_the_secret() -> None:
    link = presigned_url(
        "https://h/a",
        {},
        seconds=60,
        region="r",
        credentials=AWSCredentials("AKIA", "very-secret", None),
        now=NOW,
    )
    assert "very-secret" not in link
    assert "X-Amz-Security-Token" not in link
