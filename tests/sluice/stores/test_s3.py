"""What S3's failures mean: later, never, or nothing there."""

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override

import pytest

from sluice.errors import OverloadedError
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS, AWSError
from sluice.stores.bucket import Blob, Bucket
from sluice.stores.s3 import ATTEMPTS, BucketClient

type Answer = tuple[int, bytes]

DONE: Answer = (200, b"")


def error(status: int, code: str) -> Answer:
    return status, f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode()


class FaultyS3:
    """Answers with what is next in ``answers``, the last one again and again; None hangs up."""

    def __init__(self) -> None:
        self.answers: list[Answer | None] = [DONE]
        self.requests: list[tuple[str, str]] = []
        self.url = ""

    def next(self, request: tuple[str, str]) -> Answer | None:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def handler_of(state: FaultyS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers["content-length"] or 0))
            answer = state.next((self.command, self.path))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("content-length", str(len(answer[1])))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer[1])

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
        (502, b"<html>"),
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
        ((403, b""), "403"),
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
