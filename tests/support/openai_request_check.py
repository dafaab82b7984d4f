"""What OpenAI would find wrong with a request for a chat completion, in part: what a gateway's translation may break.

Members are those of the official SDK; the rest is from OpenAI's reference and from the errors that it answers with.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from sluice.providers.contract import UpstreamRequest

MEMBERS = {
    member
    for shape in (CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming)
    for member in shape.__annotations__
}
OF_COMPATIBLE_HOSTS = {"random_seed", "top_k"}
ROLES = {"developer", "system", "user", "assistant", "tool", "function"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def fault(request: UpstreamRequest) -> str | None:
    """The first thing that is wrong; None if it is well."""
    return next(faults(request.headers, request.body), None)


def faults(headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """All that is wrong with a request."""
    if headers.get("content-type") != "application/json":
        yield "the content type is not JSON's"
    raw = json.loads(body)
    yield from (f"unrecognized member: {member}" for member in raw.keys() - MEMBERS - OF_COMPATIBLE_HOSTS)
    if "stream_options" in raw and not raw.get("stream"):
        yield "stream_options without stream"
    if not raw.get("tools") and {"tool_choice", "parallel_tool_calls"} & raw.keys():
        yield "tool_choice or parallel_tool_calls without tools"
    if "tools" in raw and not raw["tools"]:
        yield "no tools in tools"
    for tool in raw.get("tools") or ():
        if not NAME.fullmatch(tool[tool["type"]]["name"]):
            yield "a tool's name"
    yield from _faults_of(raw["messages"])


def _faults_of(messages: list[dict[str, Any]]) -> Iterator[str]:
    if not messages:
        yield "no messages"
    owed: set[str] = set()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message["role"] not in ROLES:
            yield f"{place}: the role"
        if message["role"] == "tool":
            if message["tool_call_id"] not in owed:
                yield f"{place}: a tool message answers no call of the turn before"
            owed.discard(message["tool_call_id"])
            continue
        if owed:
            yield f"{place}: calls before it are not answered"
        owed = {call["id"] for call in message.get("tool_calls") or ()}
        if message["role"] == "assistant":
            if not any(
                message.get(member) for member in ("content", "tool_calls", "function_call", "refusal")
            ):
                yield f"{place}: an assistant's turn that says nothing"
        elif message.get("content") in (None, "", []):
            yield f"{place}: no content"
    if owed:
        yield "calls at the end are not answered"
