"""A request's body in a host's dialect.

What a host cannot express was refused before (``features.check_supported``), names of messages aside: so a member that
it does not know asks for nothing here, and is left out.
"""

import hashlib
from collections.abc import Iterator, Mapping, Set
from typing import Any

from sluice.errors import UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, NOT_BY_MARKS
from sluice.providers.openai.dialect import CallIds, Dialect, Thoughts
from sluice.providers.reading import objects_of
from sluice.providers.said_before import FUNCTION_MEMBERS, MESSAGE_MEMBERS, RESULT_MEMBERS

_ALWAYS = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"})
_OF_EVERY_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id"})
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")

_SAID_BEFORE = MESSAGE_MEMBERS | {"refusal"}
"""Members of an assistant turn that were a part of an answer, and ask for nothing."""

_NOTHING: tuple[object, ...] = (None, "", False, [], {})


def express(body: dict[str, Any], dialect: Dialect) -> None:
    """Put the body of a chat request into a host's words.

    Raises:
        UnsupportedParameterError: the host cannot be told by whom a message is, or something else of it, or where to
            cache.
    """
    if not dialect.takes_marks:
        _check_marks(body)
    if dialect.members is not None:
        _leave_out(body, dialect.members | _ALWAYS)
    effort = dialect.efforts.get(body.get("reasoning_effort") or "")
    if effort is not None:
        del body["reasoning_effort"]
        body.update(effort)
    for name, words in dialect.words.items():
        if isinstance(word := body.get(name), str):
            body[name] = words.get(word, word)
    rename(body, dialect.renamed)
    if not dialect.asks_usage:
        body.pop("stream_options", None)
    for number, message in enumerate(body["messages"]):
        _express_message(message, number, dialect)


def rename(body: dict[str, Any], renamed: Mapping[str, str]) -> None:
    """Give members the host's names."""
    for name, host_name in renamed.items():
        if name in body:
            values = [each for each in (body.pop(name), body.get(host_name)) if each is not None]
            body[host_name] = max(values, default=None)


def _leave_out(body: dict[str, Any], taken: Set[str]) -> None:
    if body.get("tool_choice") == "none" and "tool_choice" not in taken:
        body.pop("tools", None)  # the only way to say so
    for name in body.keys() - taken:
        del body[name]
    for name in [name for name, value in body.items() if value is None]:
        del body[name]
    if not body.get("tools"):  # without any, the rest is refused
        for name in _OF_TOOLS:
            body.pop(name, None)


def _check_marks(body: Mapping[str, Any]) -> None:
    """Refuse marks where to cache; what is null is none."""
    for place, marked in _markable(body):
        if marked.pop(CACHE_CONTROL, None) is not None:
            param = f"{place}.{CACHE_CONTROL}"
            raise UnsupportedParameterError(
                f"The model's provider does not know '{param}'. {NOT_BY_MARKS}", param=param
            )


def _markable(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What of a request may have a mark, each with its path: tools, messages and their parts."""
    for name in ("tools", "messages"):
        for number, each in enumerate(objects_of(body.get(name))):
            place = f"{name}[{number}]"
            yield place, each
            for position, part in enumerate(objects_of(each.get("content"))):
                yield f"{place}.content[{position}]", part


def _express_message(message: dict[str, Any], number: int, dialect: Dialect) -> None:
    if message["role"] == "developer" and not dialect.developer_role:
        message["role"] = "system"
    thoughts = {name: message.pop(name, None) for name in _THOUGHTS}
    if dialect.message_members is not None:
        _check_members(message, number, dialect, dialect.message_members)
    if message["role"] == "assistant":
        message.pop("parsed", None)
        for call in objects_of(message.get("tool_calls")):
            for name in FUNCTION_MEMBERS & call.get("function", {}).keys():
                del call["function"][name]
        text = thoughts["reasoning_content"] or thoughts["reasoning"]
        _give_back(message, text, thoughts["reasoning_details"], dialect.thoughts)
    if dialect.call_ids is not None:
        for call in objects_of(message.get("tool_calls")):
            call["id"] = _call_id(call["id"], dialect.call_ids)
        if "tool_call_id" in message:
            message["tool_call_id"] = _call_id(message["tool_call_id"], dialect.call_ids)


def _check_members(message: dict[str, Any], number: int, dialect: Dialect, taken: frozenset[str]) -> None:
    """Leave out what asks for nothing, and refuse the rest that the host does not know."""
    role = message["role"]
    refusal = message.get("refusal")
    if refusal and "refusal" not in taken and not message.get("content"):
        message["content"] = refusal
    if "refusal" not in taken:
        for part in objects_of(message.get("content")):
            if part["type"] == "refusal":
                part.update({"type": "text", "text": part.pop("refusal")})
    for name in [name for name, value in message.items() if value is None and name != "content"]:
        del message[name]
    for name in message.keys() - taken - _OF_EVERY_MESSAGE:
        if name == "name" and (dialect.named_roles is None or role in dialect.named_roles):
            continue
        if message[name] in _NOTHING or name in (RESULT_MEMBERS if role == "tool" else _SAID_BEFORE):
            del message[name]
            continue
        param = f"messages[{number}].{name[:100]}"
        raise UnsupportedParameterError(f"The model's provider does not know '{param}'.", param=param)


def _give_back(
    message: dict[str, Any], text: str | None, details: list[dict[str, Any]] | None, to: Thoughts
) -> None:
    text = text or (to.blank if message.get("tool_calls") else None)
    if to.text is not None and text:
        message[to.text] = text
    if to.details and details:
        message["reasoning_details"] = details
    if to.chunk_format is not None:
        chunks = [_thinking(each) for each in objects_of(details) if each.get("format") == to.chunk_format]
        if chunks:
            message["content"] = [*chunks, *_parts(message.get("content"))]


def _thinking(detail: Mapping[str, Any]) -> dict[str, Any]:
    part = {"type": "thinking", "thinking": [{"type": "text", "text": detail.get("text") or ""}]}
    return part | ({"signature": detail["signature"]} if detail.get("signature") else {})


def _parts(content: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _call_id(call_id: str, to: CallIds) -> str:
    """An id that the host takes; the same for the same one, so that a call and its answer stay together."""
    if to.taken.fullmatch(call_id):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[: to.length]
