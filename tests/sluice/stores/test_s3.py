"""What S3's failures mean: later, never, or nothing there."""

import base64
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override

import pytest

from sluice.errors import OverloadedError
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS, AWSError
from sluice.stores.bucket import Blob, BlobTooLargeError, Bucket
from sluice.stores.s3 import ATTEMPTS, BucketClient


@dataclass(frozen=True)
class Answer:
    """What the server says; ``length`` is what it says of the body, ``stalls`` whether it then sends nothing more."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    stalls: bool = False


DONE = Answer(200)


def error(status: int, code: str, **headers: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode()
    return Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def checksum_of(content: bytes) -> dict[str, str]:
    return {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(content).digest()).decode()}


class FaultyS3:
    """Answers with what is next in ``answers``, the last one again and again; None hangs up."""

    def __init__(self) -> None:
        self.answers: list[Answer | None] = [DONE]
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.over = threading.Event()
        self.url = ""

    def next(self, request: tuple[str, str], headers: dict[str, str]) -> Answer | None:
        self.requests.append(request)
        self.headers.append(headers)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def handler_of(state: FaultyS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers["content-length"] or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = state.next((self.command, self.path), headers)
            self.close_connection = True
            if answer is None:
                return
            self.send_response(answer.status)
            length = len(answer.body) if answer.length is None else answer.length
            for name, value in {
                "content-length": str(length),
                "connection": "close",
                **answer.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            if answer.stalls:
                state.over.wait(20)

        do_GET = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's names

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    monkeypatch.setattr("sluice.stores.s3.BACKOFF_SECONDS", 0.0)
    state = FaultyS3()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    state.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def bucket(s3: FaultyS3) -> AsyncIterator[Bucket]:
    aws = AWS(Endpoint(s3.url, "us-east-1"))
    yield Bucket(aws, "b")
    aws.close()


@pytest.mark.parametrize(
    "fault",
    [
        None,
        error(500, "InternalError"),
        error(503, "SlowDown"),
        error(400, "RequestTimeout"),
        Answer(502, b"<html>"),
        error(429, "TooMany"),
    ],
)
async def test_what_may_pass_is_tried_again(s3: FaultyS3, bucket: Bucket, fault: Answer | None) -> None:
    s3.answers = [fault, fault, DONE]
    await bucket.put("k", Blob(b"1", "text/plain"))
    assert s3.requests == [("PUT", "/b/k")] * 3
    s3.requests.clear()
    s3.answers = [fault]
    with pytest.raises(OverloadedError):
        await bucket.get("k", 10)
    assert len(s3.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (error(403, "AccessDenied"), "AccessDenied"),
        (error(301, "PermanentRedirect"), "PermanentRedirect"),
        (error(400, "BadDigest"), "BadDigest"),
        (error(404, "NoSuchBucket"), "NoSuchBucket"),
        (Answer(403), "403"),
    ],
)
async def test_what_does_not_pass_is_told_at_once(
    s3: FaultyS3, bucket: Bucket, fault: Answer, code: str
) -> None:
    s3.answers = [fault]
    with pytest.raises(AWSError) as told:
        await bucket.put("k", Blob(b"1", "text/plain"))
    assert told.value.code == code
    assert "words" not in str(told.value)
    assert len(s3.requests) == 1


async def test_a_file_that_is_not_there_is_none_by_any_method(s3: FaultyS3, bucket: Bucket) -> None:
    s3.answers = [error(404, "NoSuchKey")]
    assert await bucket.get("k", 10) is None
    assert await bucket.size("k") is None
    await bucket.delete("k")


async def test_a_bucket_that_is_in_another_region_is_told_with_it(s3: FaultyS3, bucket: Bucket) -> None:
    s3.answers = [error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-1")]
    with pytest.raises(AWSError, match="PermanentRedirect: status 301; the bucket is in eu-west-1"):
        await bucket.get("k", 10)
    s3.answers = [Answer(301, headers={"x-amz-bucket-region": "eu-west-1"})]
    with pytest.raises(AWSError, match="the bucket is in eu-west-1"):
        await bucket.size("k")


WHOLE = Answer(200, b"12345", {"content-type": "text/plain", **checksum_of(b"12345")})


@pytest.mark.parametrize(
    "fault",
    [
        replace(WHOLE, body=b"123", length=5),
        replace(WHOLE, body=b"12345\r\n", length=9, stalls=True),
        replace(WHOLE, body=b"12344"),
    ],
    ids=["cut", "slow", "changed"],
)
async def test_an_object_that_comes_otherwise_than_it_was_put_is_asked_for_again(
    s3: FaultyS3, bucket: Bucket, fault: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.stores.s3.ATTEMPT_SECONDS", 0.2 if fault.stalls else 10)
    s3.answers = [fault, WHOLE]
    assert await bucket.get("k", 10) == Blob(b"12345", "text/plain")
    assert [headers["x-amz-checksum-mode"] for headers in s3.headers] == ["ENABLED"] * 2
    s3.answers = [fault]
    with pytest.raises(OverloadedError):
        await bucket.get("k", 10)


async def test_the_checksum_of_parts_says_nothing_of_the_whole(s3: FaultyS3, bucket: Bucket) -> None:
    s3.answers = [replace(WHOLE, headers={"x-amz-checksum-sha256": "c29tZQ==-2"})]
    assert (await bucket.get("k", 10)) is not None


async def test_s3_is_told_the_digest_of_what_is_put(s3: FaultyS3, bucket: Bucket) -> None:
    await bucket.put("k", Blob(b"12345", "text/plain"))
    (sent,) = s3.headers
    assert sent["x-amz-content-sha256"] == hashlib.sha256(b"12345").hexdigest()
    assert checksum_of(b"12345").items() <= sent.items()
    assert sent["content-type"] == "text/plain"
    for signed in ("content-type", "host", "x-amz-checksum-sha256", "x-amz-content-sha256"):
        assert signed in sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")


async def test_of_what_is_too_large_nothing_is_read(s3: FaultyS3, bucket: Bucket) -> None:
    s3.answers = [Answer(200, b"", length=11, stalls=True)]
    with pytest.raises(BlobTooLargeError):
        await bucket.get("k", 10)
    assert len(s3.requests) == 1


async def test_an_error_is_read_however_little_is_wanted(s3: FaultyS3, bucket: Bucket) -> None:
    s3.answers = [error(403, "AccessDenied")]
    with pytest.raises(AWSError, match="AccessDenied"):
        await bucket.get("k", 0)


async def test_at_aws_the_bucket_is_in_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    client: BucketClient = AWS().bucket("b")
    link = await client.link("outputs/1", 60, {})
    assert link.startswith("https://b.s3.cn-north-1.amazonaws.com.cn/outputs/1?X-Amz-Algorithm=")
