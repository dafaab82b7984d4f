"""What the demo chat model says, and how its replies are written in OpenAI's format."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from pydantic_core import to_json

from sluice.api.chat_request import ChatCompletionRequest, FunctionTool, JSONObjectFormat, JSONSchemaFormat
from sluice.api.messages import (
    AssistantMessage,
    AudioPart,
    DeveloperMessage,
    FilePart,
    FunctionMessage,
    ImagePart,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.demo.minimal_instance import UnsatisfiableSchemaError, minimal_instance
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS, MAX_REPLY_CHARACTERS, TOKEN, stopped

_TOKENS_PER_MESSAGE = 3
_ASKS = re.compile(r"\b(?:call|use)\b", re.IGNORECASE)
_FOR_A_TOOL = re.compile(r"\btools?\b", re.IGNORECASE)
_TOOL_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; ``text`` is a function's arguments or a custom tool's input."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the demo model says to a request, before it is written down whole or in chunks."""

    tokens: tuple[str, ...]
    calls: tuple[Call, ...]
    finish_reason: str
    usage: dict[str, int]


def answer(request: ChatCompletionRequest) -> Answer:
    """The demo model's answer: a pure function of the request.

    Raises:
        UnsupportedParameterError: a schema in the request has no instance that can be found.
        InvalidRequestError: the conversation is longer than the model reads.
    """
    prompt = _prompt_tokens(request)
    calls = _calls(request)
    text = "" if calls else stopped(_text(request), request.stop)
    tokens = TOKEN.findall(text[:MAX_REPLY_CHARACTERS])
    limit = request.output_limit or len(tokens)
    cut = len(tokens) > limit or len(text) > MAX_REPLY_CHARACTERS
    tokens = tokens[:limit]
    spent = len(tokens) + sum(len(TOKEN.findall(call.name + call.text)) for call in calls)
    completion = spent * (request.n or 1)
    return Answer(
        tokens=tuple(tokens),
        calls=calls,
        finish_reason="length" if cut else "tool_calls" if calls else "stop",
        usage={
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    )


def _prompt_tokens(request: ChatCompletionRequest) -> int:
    parts = [_said(message) for message in request.messages]
    parts += [tool.model_dump_json() for tool in request.tools or ()]
    if sum(map(len, parts)) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequestError(
            f"The demo model reads no more than {MAX_PROMPT_CHARACTERS} characters.",
            param="messages",
            code="context_length_exceeded",
        )
    return sum(len(TOKEN.findall(part)) for part in parts) + _TOKENS_PER_MESSAGE * len(request.messages)


def reply_body(request: ChatCompletionRequest, made: Answer, reply_id: str, created: int) -> bytes:
    """The answer as one ``chat.completion``."""
    message: dict[str, Any] = {"role": "assistant", "content": None if made.calls else "".join(made.tokens)}
    if made.calls:
        message["tool_calls"] = [_call(call, position, reply_id) for position, call in enumerate(made.calls)]
    choices = [
        {"index": index, "message": message, "finish_reason": made.finish_reason}
        for index in range(request.n or 1)
    ]
    return to_json({**_head(request, reply_id, created), "choices": choices, "usage": made.usage})


def events(request: ChatCompletionRequest, made: Answer, reply_id: str, created: int) -> Iterator[bytes]:
    """The answer as the payloads of its server-sent events, a token each, without the final ``[DONE]``."""
    head = _head(request, reply_id, created)

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> Iterator[bytes]:
        for index in range(request.n or 1):
            choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
            yield to_json({**head, "choices": [choice]})

    yield from chunk({"role": "assistant", "content": None if made.calls else ""})
    for token in made.tokens:
        yield from chunk({"content": token})
    for position, call in enumerate(made.calls):
        member = "input" if call.kind == "custom" else "arguments"
        opened = _call(call, position, reply_id)
        yield from chunk(
            {"tool_calls": [{**opened, "index": position, call.kind: {"name": call.name, member: ""}}]}
        )
        for piece in TOKEN.findall(call.text):
            yield from chunk({"tool_calls": [{"index": position, call.kind: {member: piece}}]})
    yield from chunk({}, made.finish_reason)
    yield to_json({**head, "choices": [], "usage": made.usage})


def _head(request: ChatCompletionRequest, reply_id: str, created: int) -> dict[str, Any]:
    kind = "chat.completion.chunk" if request.streams else "chat.completion"
    return {"id": reply_id, "object": kind, "created": created, "model": request.model}


def _call(call: Call, position: int, reply_id: str) -> dict[str, Any]:
    member = "input" if call.kind == "custom" else "arguments"
    call_id = f"call_{reply_id.removeprefix('chatcmpl-')}_{position}"
    return {"id": call_id, "type": call.kind, call.kind: {"name": call.name, member: call.text}}


def _text(request: ChatCompletionRequest) -> str:
    last = request.messages[-1]
    said = _said(last)
    match request.response_format:
        case JSONSchemaFormat(json_schema=schema):
            instance = _instance(schema.definition or {}, "response_format.json_schema.schema")
            return to_json(instance).decode()
        case JSONObjectFormat():
            return to_json({"demo": True, "you_said": said}).decode()
        case _:
            pass
    who = "The tool answered" if isinstance(last, ToolMessage | FunctionMessage) else "You said"
    return f"This is Sluice's demo model, which is no AI and only repeats. {who}: {said}"


def _calls(request: ChatCompletionRequest) -> tuple[Call, ...]:
    tools = request.tools or []
    choice = request.tool_choice
    if isinstance(choice, str | None):
        mode, names = choice or "auto", None
    elif choice.type == "allowed_tools":
        allowed = [each.get(str(each.get("type")), {}) for each in choice.allowed_tools.tools]
        mode, names = choice.allowed_tools.mode, {each.get("name") for each in allowed}
    else:
        mode, names = "required", {choice.function.name if choice.type == "function" else choice.custom.name}
    offered = [call for call in map(_named, tools) if names is None or call[1] in names]
    if mode == "none" or not offered:
        return ()
    asked = _asked(request.messages[-1], offered)
    if mode == "required":
        asked = asked or offered[:1]
    if request.parallel_tool_calls is False:
        asked = asked[:1]
    return tuple(Call(kind, name, _argument(schema)) for kind, name, schema in asked)


_Offer = tuple[str, str, dict[str, Any] | None]


def _named(tool: Any) -> _Offer:
    if isinstance(tool, FunctionTool):
        return "function", tool.function.name, tool.function.parameters or {}
    return "custom", tool.custom.name, None


def _asked(last: Message, offered: Sequence[_Offer]) -> Sequence[_Offer]:
    """The tools that the user names, or the first one when told to use a tool at all."""
    if not isinstance(last, UserMessage):
        return []
    said = _said(last)
    words = set(_TOOL_NAME.findall(said))
    asks = _ASKS.search(said)
    told = asks is not None and _FOR_A_TOOL.search(said, asks.end()) is not None
    return [offer for offer in offered if offer[1] in words] or (offered[:1] if told else [])


def _argument(schema: dict[str, Any] | None) -> str:
    if schema is None:
        return "demo"
    instance = _instance({"type": "object", **schema}, "tools")
    return to_json(instance).decode()


def _instance(schema: dict[str, Any], param: str) -> Any:
    try:
        return minimal_instance(schema)
    except UnsatisfiableSchemaError as error:
        raise UnsupportedParameterError(
            f"The demo model cannot fill the schema in '{param}': {error}.", param=param
        ) from error


def _said(message: Message) -> str:
    """A message's text; what is not text is named, not dropped."""
    content: str | Sequence[TextPart | ImagePart | AudioPart | FilePart | RefusalPart]
    match message:
        case SystemMessage() | DeveloperMessage() | UserMessage() | ToolMessage():
            content = message.content
        case AssistantMessage():
            content = message.content or ""
        case FunctionMessage():
            return message.content or ""
        case _:
            assert_never(message)
    if isinstance(content, str):
        return content
    return " ".join(part.text if isinstance(part, TextPart) else f"[{part.type}]" for part in content)
