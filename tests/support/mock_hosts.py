"""Hosts of OpenAI's format that are as particular as the real ones: what they refuse, they refuse here.

The rules are written down from the hosts' documentation and SDKs, apart from the gateway's declarations, and each mock
answers with the documented replies of ``tests/sluice/providers/hosts/documented``: calls when tools are offered, text and
thoughts otherwise.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_http import Exchange
from mock_provider import MockProvider
from mock_replies import send_json

DOCUMENTED = Path(__file__).parents[1] / "sluice" / "providers" / "hosts" / "documented"

_PLAIN = {
    "model",
    "messages",
    "stream",
    "temperature",
    "top_p",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
}
_MISTRAL_ROLES: Mapping[str, set[str]] = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")


@dataclass(frozen=True)
class RefusedError(Exception):
    """A request that the host does not take, with the body that it answers."""

    status: int
    body: Any


def _mistral(body: dict[str, Any]) -> None:
    known = _PLAIN | {"max_tokens", "random_seed", "n", "parallel_tool_calls", "reasoning_effort", "metadata"}
    known |= {"presence_penalty", "frequency_penalty", "prompt_cache_key"}
    for name in body.keys() - known:
        raise _extra("body", name)
    if body.get("tools") == [] or body.get("tool_choice") == "required":
        raise _extra("body", "tools")
    for number, message in enumerate(body["messages"]):
        role = message["role"]
        if role not in _MISTRAL_ROLES:
            raise _extra("body", "messages", number, "role")
        for name in message.keys() - _MISTRAL_ROLES[role]:
            raise _extra("body", "messages", number, role, name)
        ids = [call["id"] for call in message.get("tool_calls") or ()]
        for call_id in [*ids, *([message["tool_call_id"]] if role == "tool" else [])]:
            if not _MISTRAL_ID.fullmatch(call_id):
                words = f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9."
                raise RefusedError(
                    400,
                    {"object": "error", "message": words, "type": "invalid_function_call", "code": "3280"},
                )


def _extra(*where: str | int) -> RefusedError:
    fault = {"type": "extra_forbidden", "loc": list(where), "msg": "Extra inputs are not permitted"}
    message = {"detail": [fault]}
    return RefusedError(
        422, {"object": "error", "message": message, "type": "invalid_request_error", "code": None}
    )


def _deepseek(body: dict[str, Any]) -> None:
    if (body.get("response_format") or {}).get("type") == "json_schema":
        raise _error("This response_format type is unavailable now")
    thinks = (body.get("thinking") or {}).get("type") != "disabled"
    for message in body["messages"]:
        if message["role"] not in {"system", "user", "assistant", "tool"}:
            raise _error(f"unknown variant `{message['role']}`")
        if thinks and message.get("tool_calls") and not message.get("reasoning_content"):
            raise _error("The `reasoning_content` in the thinking mode must be passed back to the API.")


def _groq(body: dict[str, Any]) -> None:
    for name in ("logprobs", "logit_bias", "top_logprobs"):
        if name in body:
            raise _error(f"'{name}' is not supported with this model", name)
    if body.get("n", 1) != 1:
        raise _error("'n' must be 1", "n")
    known = {"role", "content", "tool_calls", "tool_call_id", "reasoning"}
    for number, message in enumerate(body["messages"]):
        for name in message.keys() - known:
            raise _error(f"'messages.{number}' : property '{name}' is unsupported")


def _openrouter(body: dict[str, Any]) -> None:
    for message in body["messages"]:
        if (
            message["role"] == "assistant"
            and message.get("reasoning")
            and not message.get("reasoning_details")
        ):
            raise _error("reasoning without what signs it")


def _error(message: str, param: str | None = None) -> RefusedError:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return RefusedError(400, {"error": error})


HOSTS: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "mistral": _mistral,
    "deepseek": _deepseek,
    "groq": _groq,
    "openrouter": _openrouter,
}
"""What each checks a chat request for."""


class MockHost(MockProvider):
    """The host of that kind; ``url`` is its base URL."""

    def __init__(self, kind: str, credential: str) -> None:
        super().__init__(credential)
        self.kind = kind

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The chat requests that it got, oldest first."""
        return [
            received.json for received in self.all_requests() if received.path.endswith("/chat/completions")
        ]

    async def _reply(self, exchange: Exchange) -> None:
        received = exchange.received
        if received.headers.get("authorization") != f"Bearer {self.credential}":
            send_json(exchange, 401, {"detail": "Unauthorized"})
        elif received.method == "GET":
            send_json(exchange, 200, [{"id": "up"}] if self.kind == "together" else {"data": [{"id": "up"}]})
        else:
            try:
                HOSTS[self.kind](received.json)
            except RefusedError as refused:
                send_json(exchange, refused.status, refused.body)
            else:
                self._say(exchange, received.json)

    def _say(self, exchange: Exchange, body: dict[str, Any]) -> None:
        calls = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
        folder = DOCUMENTED / self.kind
        if not body.get("stream"):
            whole = (folder / ("tools.json" if calls else "whole.json")).read_bytes()
            send_json(exchange, 200, json.loads(whole))
            return
        stream = (folder / ("tools.sse" if calls else "stream.sse")).read_bytes()
        exchange.start_chunked(200, {"content-type": "text/event-stream"})
        for piece in _pieces(stream):
            exchange.chunk(piece)
        exchange.end_chunked()


def _pieces(stream: bytes) -> Iterator[bytes]:
    """The events of a recorded stream, each as bytes of its own."""
    for part in stream.split(b"\n\n"):
        if part:
            yield part + b"\n\n"
