"""Logs: one structured line per request, and nothing secret in any line.

No prompt, no reply and no key goes into a record: keys are named by their id. Nor does the client's address: it is a
person's, nothing here needs it, and API Gateway's access log has it under the operator's own retention.

Strangers have a hand in some members (the path, a provider's error code), so none can hold a key, end a line or begin
another one.
"""

import itertools
import logging
import sys
import time
from dataclasses import dataclass, field, fields
from typing import Any

from aws_lambda_powertools import Logger

from sluice.errors import SluiceError, masked

logger = Logger(service="sluice")

# The first two would log the address of every call, which may hold a credential, the third what it signs: at DEBUG the
# session's token.
for _chatty in ("httpx", "httpcore", "botocore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


@dataclass(slots=True)
class Try:
    """One attempt: who was asked, and what came of it by when, a stream's first byte being the end of its attempt.

    ``outcome`` is ``ok``, or the code of the error; without one the attempt was given up.
    """

    provider: str
    model: str
    milliseconds: int | None = None
    outcome: str | None = None
    upstream_status: int | None = None
    _asked: float = field(default_factory=time.perf_counter, repr=False)

    def ends(self, error: SluiceError | None = None) -> None:
        """Take down what came of it."""
        self.milliseconds = round((time.perf_counter() - self._asked) * 1000)
        self.outcome = "ok" if error is None else error.code or error.type
        self.upstream_status = None if error is None else error.upstream_status

    def members(self) -> dict[str, Any]:
        """What is known, for the log."""
        return {name: _plain(value) for name in _TRY if (value := getattr(self, name)) is not None}


_TRY = tuple(each.name for each in fields(Try) if not each.name.startswith("_"))


@dataclass(slots=True)
class RequestRecord:
    """What became of one request. Times are in milliseconds, ``status`` 499 is a client that went away."""

    request_id: str
    method: str
    path: str
    status: int = 0
    key_id: str | None = None
    model: str | None = None
    """Who has answered, or was to."""
    asked_model: str | None = None
    """What the client asked for, where it is no name of ``model``, or of no model."""
    provider: str | None = None
    attempts: int | None = None
    """How many times a provider was asked; None if none was."""
    tries: list[Try] = field(default_factory=list)
    """Each time."""
    stream: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    searches: int | None = None
    """How many search engines answered; None if none was asked."""
    search_results: int | None = None
    """How many sources they found, all told."""
    replayed: bool | None = None
    """True where the reply is one that was made for an earlier request with the same Idempotency-Key."""
    cost: int | None = None
    """In nano-USD."""
    job: str | None = None
    """The job that it has made, or is about."""
    error: str | None = None
    upstream_status: int | None = None
    first_byte_ms: float | None = None
    duration_ms: float | None = None
    _started: float = field(default_factory=time.perf_counter, repr=False)

    def elapsed_ms(self) -> float:
        """Since the request came in."""
        return round((time.perf_counter() - self._started) * 1000, 1)

    def turns_to(self, model: str, asked: str | None, provider: str | None = None) -> None:
        """Take down who is to answer.

        Args:
            model: its id.
            asked: what the client asked for, where that is another model.
            provider: whose the model is, once that is known.
        """
        self.model, self.asked_model, self.provider = model, asked, provider

    def asks_provider(self, provider: str, model: str) -> None:
        """Take down that a provider is asked for its model, for the first time or once more."""
        self.attempts = (self.attempts or 0) + 1
        self.tries.append(Try(provider, model))

    @property
    def fallbacks(self) -> int:
        """How many times another candidate was asked than the one before."""
        asked = [(each.provider, each.model) for each in self.tries]
        return sum(one != other for one, other in itertools.pairwise(asked))

    @property
    def is_server_fault(self) -> bool:
        """Whether it failed by no fault of the client's; a stream that broke has told its status before."""
        return self.status >= 500 or (self.status == 200 and self.error is not None)

    def failed(self, error: SluiceError) -> None:
        """Take down what went wrong."""
        self.error = error.code or error.type
        self.upstream_status = error.upstream_status

    def members(self) -> dict[str, Any]:
        """What is known, for the log."""
        found = {name: _plain(value) for name in _MEMBERS if (value := getattr(self, name)) is not None}
        if self.tries:
            found["tries"] = [each.members() for each in self.tries]
        return found


_MEMBERS = tuple(
    each.name for each in fields(RequestRecord) if each.name != "tries" and not each.name.startswith("_")
)


def _plain(value: Any) -> Any:
    """No text is longer than a line, or has a key in it."""
    return on_one_line(masked(value)) if isinstance(value, str) else value


def on_one_line(text: str) -> str:
    """The text with escapes for what moves a terminal's cursor, ends a line or is not seen."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def log_request(record: RequestRecord) -> None:
    """Write the request's line: a warning if it failed by no fault of the client's."""
    record.duration_ms = record.elapsed_ms()
    log = logger.warning if record.is_server_fault else logger.info
    log("request", extra={"request": record.members()})


class ReadableFormatter(logging.Formatter):
    """Lines for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows where there is one, indented, so that no text in it looks like an entry."""
        request = getattr(record, "request", None)
        if isinstance(request, dict):
            record.msg, record.args = _sentence(request), None
        return "\n  ".join(on_one_line(line) for line in super().format(record).split("\n"))


def _sentence(request: dict[str, Any]) -> str:
    words = [f"{request['method']} {request['path']} {request['status']} {request['duration_ms']:.0f} ms"]
    if "first_byte_ms" in request and request.get("stream"):
        words.append(f"first byte {request['first_byte_ms']:.0f} ms")
    if told := _models(request):
        words.append(told)
    if request.get("attempts", 1) > 1:
        tried = ", ".join(_attempt(each, request) for each in request["tries"])
        words.append(f"{request['attempts']} attempts: {tried}")
    if request.get("replayed"):
        words.append("replayed")
    if "search_results" in request:
        words.append(f"{request['search_results']} search results")
    if "prompt_tokens" in request:
        words.append(f"{request['prompt_tokens']} + {request['completion_tokens']} tokens")
    if "upstream_status" in request:
        words.append(f"the provider answered {request['upstream_status']}")
    words += [
        str(request[member]) for member in ("job", "error", "key_id", "request_id") if member in request
    ]
    return " · ".join(words)


def _models(request: dict[str, Any]) -> str:
    """Which model was asked for, which one was to answer, and who it was of."""
    asked, model = request.get("asked_model"), request.get("model")
    if model is None:
        return f"asked for {asked:.80}" if asked else ""
    return (
        (f"{asked:.80} → " if asked else "")
        + f"{model:.80}"
        + (f" by {request['provider']}" if "provider" in request else "")
    )


def _attempt(tried: dict[str, Any], request: dict[str, Any]) -> str:
    """Who was asked, for which model where it has another name there, and what came of it in which time."""
    names = (request.get("asked_model"), request.get("model"))
    words = [tried["provider"]]
    if tried["model"] not in names:
        words.append(f"{tried['model']:.80}")
    words.append(str(tried.get("upstream_status", tried.get("outcome", "left"))))
    if "milliseconds" in tried:
        words.append(f"{tried['milliseconds']} ms")
    return " ".join(words)


def log_readably() -> None:
    """Switch from JSON lines to lines for a person, for the development server."""
    handler = logger.registered_handler
    handler.setFormatter(ReadableFormatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))


def log_aside() -> None:
    """Leave standard output to what a command prints: errors alone are logged, on standard error."""
    log_readably()
    handler = logger.registered_handler
    if isinstance(handler, logging.StreamHandler):
        handler.setStream(sys.stderr)
    logger.setLevel(logging.ERROR)
