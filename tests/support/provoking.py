"""Provoking a row of the error table by the official Python client, with the retries that it makes by itself."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
from openai._models import FinalRequestOptions
from openai.types.chat import ChatCompletionMessageParam

from chat_bodies import MESSAGES, MODEL
from error_table import Row
from mock_provider import Case, MockProvider
from sdk_clients import Traffic, sync_client

GATES = 2
"""A twin that is held, and the request after it, which the provider would hold like it."""


IN_FLIGHT = 3
"""What a client is told where a request in flight stands in its way, in seconds."""


def told_delay(reply: httpx2.Response) -> float:
    """The seconds that a client is told to wait, by the header that both clients prefer."""
    milliseconds = reply.headers.get("retry-after-ms")
    return float(milliseconds) / 1000 if milliseconds else float(reply.headers.get("retry-after", 0))


@dataclass(frozen=True)
class Outcome:
    """What the client made of a row."""

    error: openai.APIStatusError
    replies: list[httpx2.Response]
    """All that told of the error, to every attempt."""
    case: Case
    traffic: Traffic
    """Of the call that raised the error, or, where a row recovers, of the one that succeeded in the end."""


@dataclass
class RefusedTraffic(Traffic):
    """Traffic in which each refusal is read, and answered by ``refused`` before the client tries again."""

    refused: Callable[[], object] = lambda: None

    def answered(self, response: httpx2.Response) -> None:
        super().answered(response)
        if response.is_error:
            response.read()
            self.refused()


class Provocation:
    """A row on its way.

    Args:
        row: what is provoked.
        base_url: of the gateway.
        secret: the key that the row wants.
        provider: what lies behind the gateway.
    """

    def __init__(self, row: Row, base_url: str, secret: str, provider: MockProvider) -> None:
        self._row = row
        self._base_url = base_url
        self._secret = secret
        held = row.before in {"twin", "idempotent twin"}
        self._case = provider.case("held" if held else row.behaviour or "ok")
        once = row.before in {"idempotent twin", "another body"}
        self._headers = {"Idempotency-Key": uuid.uuid4().hex} if once else {}

    def outcome(self) -> Outcome:
        """Provoke it; the error that it was.

        Raises:
            AssertionError: there was none.
        """
        with ExitStack() as stack:
            self._prepare(stack)
            traffic = RefusedTraffic()
            error = self._raised(traffic, retries=0 if self._row.recovers else openai.DEFAULT_MAX_RETRIES)
            replies = traffic.responses
            if self._row.recovers:
                traffic = RefusedTraffic(refused=lambda: self._case.release(GATES))
                self._call(traffic, openai.DEFAULT_MAX_RETRIES)
        return Outcome(error, replies, self._case, traffic)

    def _prepare(self, stack: ExitStack) -> None:
        """Bring about what comes before; a twin ends when the stack is left."""
        match self._row.before:
            case "itself":
                self._call(Traffic(), 0)
                self._await_settlement()
            case "another body":
                self._call(Traffic(), 0, members={})
            case "twin" | "idempotent twin":
                pool = stack.enter_context(ThreadPoolExecutor(1))
                twin = pool.submit(self._call, Traffic(), 0)
                stack.callback(twin.result)
                stack.callback(self._case.release, GATES)
                self._case.arrived()

    def _await_settlement(self) -> None:
        """Return when what came before is in flight no more: the client is told a time that is not a guess."""
        told = 0.0
        while told <= IN_FLIGHT:
            told = told_delay(self._raised(Traffic(), 0).response)

    def _raised(self, traffic: Traffic, retries: int) -> openai.APIStatusError:
        try:
            self._call(traffic, retries)
        except openai.APIStatusError as error:
            return error
        raise AssertionError(f"nothing was raised: {self._row.id}")

    def _call(self, traffic: Traffic, retries: int, members: dict[str, Any] | None = None) -> None:
        """One call of the client; a stream is read to its end."""
        with sync_client(self._base_url, self._secret, traffic, max_retries=retries) as client:
            if self._row.request:
                request = self._row.request
                options = FinalRequestOptions(
                    method=request["method"], url=request["path"], json_data=request.get("body")
                )
                client.request(object, options)
                return
            reply = client.chat.completions.create(
                model=MODEL,
                messages=self._messages(),
                user=self._case.user,
                stream=self._row.streams,
                extra_body=self._row.members if members is None else members,
                extra_headers=self._headers,
            )
            if isinstance(reply, openai.Stream):
                assert list(reply)

    def _messages(self) -> list[ChatCompletionMessageParam]:
        if self._row.long_prompt:
            return [{"role": "user", "content": "a" * self._row.long_prompt}]
        return MESSAGES
