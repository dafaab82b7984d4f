"""What the log says of a request, and what it must not say."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO

import pytest

from sluice.errors import UpstreamError, UpstreamTimeoutError
from sluice.observability import ReadableFormatter, RequestRecord, log_aside, log_request, logger


@pytest.fixture
def output() -> Iterator[StringIO]:
    """The function's log, in place of its standard output."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    text = StringIO()
    before = handler.setStream(text)
    yield text
    handler.setStream(before)


def record(**members: object) -> RequestRecord:
    made = RequestRecord("req_1", "POST", "/v1/chat/completions", status=200)
    for name, value in members.items():
        setattr(made, name, value)
    return made


def line(output: StringIO) -> dict[str, object]:
    found: dict[str, object] = json.loads(output.getvalue())
    return found


def test_a_request_is_one_line_of_json(output: StringIO) -> None:
    log_request(record(model="demo", key_id="key_1", prompt_tokens=3, completion_tokens=4))
    found = line(output)
    assert found["level"] == "INFO"
    request = found["request"]
    assert isinstance(request, dict)
    assert (
        request.items() >= {"request_id": "req_1", "status": 200, "model": "demo", "key_id": "key_1"}.items()
    )
    assert "error" not in request
    assert request["duration_ms"] >= 0


@pytest.mark.parametrize(
    ("status", "level"), [(200, "WARNING"), (400, "INFO"), (499, "INFO"), (503, "WARNING")]
)
def test_a_failure_that_is_not_the_clients_is_a_warning(output: StringIO, status: int, level: str) -> None:
    failed = record(status=status)
    error = UpstreamError("cut")
    error.upstream_status = 500
    failed.failed(error)
    log_request(failed)
    found = line(output)
    assert found["level"] == level
    request = found["request"]
    assert isinstance(request, dict)
    assert (request["error"], request["upstream_status"]) == ("upstream_error", 500)


def test_a_key_in_the_path_is_masked(output: StringIO) -> None:
    log_request(RequestRecord("req_1", "GET", "/v1/models/sk-" + "a" * 48, status=404))
    assert "aaaa" not in output.getvalue()


FORGED = "\r\n12:00:00 INFO GET / 200 1 ms\u2028\x85\x1b[2J\u202e"


@pytest.mark.parametrize("member", ["path", "method", "model", "asked_model", "error"])
def test_no_member_ends_a_line_or_is_longer_than_it_may_be(output: StringIO, member: str) -> None:
    for value in (FORGED, "x" * 10_000, "sk-" + "a" * 48):
        made = record(**{member: value})
        log_request(made)
        readable = logging.LogRecord("sluice", logging.INFO, "", 0, "request", None, None)
        readable.request = made.members()
        text = ReadableFormatter("%(message)s").format(readable)
        assert text.isprintable()
        assert len(text) < 500
        assert "aaaa" not in text
    written = output.getvalue()
    assert written.count("\n") == len(written.splitlines()) == 3
    assert "aaaa" not in written
    for line in written.splitlines():
        assert json.loads(line)["request"][member].isprintable()


def test_text_in_a_traceback_looks_like_no_entry_of_its_own() -> None:
    try:
        int(f"no{FORGED}")
    except ValueError:
        entry = logging.LogRecord("sluice", logging.ERROR, "", 0, "it %s", (FORGED,), sys.exc_info())
    first, *rest = ReadableFormatter("%(message)s").format(entry).split("\n")
    assert first == "it \\r"
    assert len(rest) > 3
    assert all(line.startswith("  ") and line.isprintable() for line in rest)


def test_a_provider_that_was_asked_again_is_told() -> None:
    made = record(model="gpt", provider="openai", duration_ms=1.0)
    assert "attempts" not in made.members()
    for attempts in (1, 2):
        made.asks_provider("demo", "up")
        assert made.members()["attempts"] == attempts
    entry = logging.LogRecord("sluice", logging.INFO, "", 0, "request", None, None)
    entry.request = made.members()
    assert "gpt by openai · 2 attempts" in ReadableFormatter("%(message)s").format(entry)


def test_no_library_logs_addresses() -> None:
    """httpx would at INFO, which is what Lambda's JSON log format sets the root to."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    try:
        assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
        assert not logging.getLogger("httpcore.connection").isEnabledFor(logging.INFO)
    finally:
        root.setLevel(before)


def sentence(made: RequestRecord) -> str:
    made.duration_ms = 45.6
    entry = logging.LogRecord("sluice", logging.INFO, "", 0, "request", None, None)
    entry.request = made.members()
    return ReadableFormatter("%(message)s").format(entry)


def test_a_person_reads_what_came_of_each_attempt() -> None:
    made = record(status=200)
    made.turns_to("prio", None, "groq")
    made.asks_provider("groq", "prio")
    error = UpstreamError("failed")
    error.upstream_status = 500
    made.tries[-1].ends(error)
    made.asks_provider("groq", "prio-large")
    made.tries[-1].ends(UpstreamTimeoutError("late"))
    made.turns_to("claude", "prio", "anthropic")
    made.asks_provider("anthropic", "claude-5")
    made.tries[-1].ends()
    made.asks_provider("anthropic", "claude")
    for tried, milliseconds in zip(made.tries, (120, 30, 9), strict=False):
        tried.milliseconds = milliseconds
    assert sentence(made) == (
        "POST /v1/chat/completions 200 46 ms · prio → claude by anthropic · 4 attempts: groq 500 120 ms, "
        "groq prio-large upstream_timeout 30 ms, anthropic claude-5 ok 9 ms, anthropic left · req_1"
    )
    assert (made.members()["model"], made.members()["asked_model"]) == ("claude", "prio")


def test_a_person_reads_what_was_asked_for_in_vain() -> None:
    made = record(status=404, asked_model=f"gtp-4o{FORGED}", error="model_not_found")
    assert sentence(made).startswith("POST /v1/chat/completions 404 46 ms · asked for gtp-4o\\r\\n12:00")
    assert sentence(made).endswith(" · model_not_found · req_1")
    assert "aaaa" not in sentence(record(status=404, asked_model="sk-" + "a" * 48))


def test_a_person_reads_that_a_reply_was_made_before_or_with_a_search() -> None:
    assert "· gpt · replayed · req_1" in sentence(record(model="gpt", replayed=True))
    assert "· gpt · 3 search results · req_1" in sentence(record(model="gpt", searches=2, search_results=3))


def test_a_person_reads_a_sentence() -> None:
    entry = logging.LogRecord("sluice", logging.INFO, "", 0, "request", None, None)
    made = record(
        model="gpt", provider="openai", stream=True, prompt_tokens=3, completion_tokens=4, first_byte_ms=12.3
    )
    made.duration_ms = 45.6
    entry.request = made.members()
    assert ReadableFormatter("%(message)s").format(entry) == (
        "POST /v1/chat/completions 200 46 ms · first byte 12 ms · gpt by openai · 3 + 4 tokens · req_1"
    )


def test_a_commands_log_is_of_errors_alone_and_leaves_standard_output_alone(
    output: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "formatter", handler.formatter)  # the test's end puts it back
    errors = StringIO()
    monkeypatch.setattr("sys.stderr", errors)
    level = logger.log_level
    log_aside()
    try:
        logger.warning("a passing thing")
        logger.error("a lasting one")
    finally:
        logger.setLevel(level)
    assert output.getvalue() == ""
    assert errors.getvalue().endswith("ERROR a lasting one\n")
    assert errors.getvalue().count("\n") == 1
