"""Tools: which there are, which is to be called, and what was called.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final, assert_never

from pydantic_core import from_json

from sluice.api.chat_request import (
    AllowedChoice,
    ChatCompletionRequest,
    CustomChoice,
    CustomTool,
    FunctionChoice,
    FunctionTool,
)
from sluice.api.messages import CustomToolCall, FunctionToolCall
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.bedrock.content import cache_points
from sluice.providers.extra_members import check_members
from sluice.providers.said_before import CALL_MEMBERS, FUNCTION_MEMBERS

type Block = dict[str, Any]

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_ARGUMENTS: Final[Block] = {"type": "object", "properties": {}}

STAND_IN = "no_tool_available"
"""The one tool that is there where none may be called, see ``tool_config``; a model that calls it makes no sense."""

_STAND_IN: Final[Block] = {
    "toolSpec": {
        "name": STAND_IN,
        "description": "Does nothing. No tool is available now: answer in text, and do not call this.",
        "inputSchema": {"json": _NO_ARGUMENTS},
    }
}


def tool_config(request: ChatCompletionRequest, *, tools_were_used: bool) -> Block | None:
    """The tools that may be called; None where there are none.

    Converse knows no choice ``none``: the tools are left out. But it refuses a conversation in which tools were used
    when no tool is there, so one stands in that is not to be called.

    Raises:
        InvalidRequestError: a name is none that Bedrock takes, or that is not there.
        UnsupportedParameterError: a tool is custom.
    """
    specs = [_spec(tool, f"tools[{number}]") for number, tool in enumerate(request.tools or ())]
    choice = request.tool_choice
    if not specs or choice == "none":
        return {"tools": [_STAND_IN]} if tools_were_used else None
    match choice:
        case None | "auto":
            return {"tools": _flat(specs)}
        case "required":
            return {"tools": _flat(specs), "toolChoice": {"any": {}}}
        case FunctionChoice(function=function):
            _check_there(function.name, specs, "tool_choice.function.name")
            return {"tools": _flat(specs), "toolChoice": {"tool": {"name": function.name}}}
        case AllowedChoice(allowed_tools=allowed):
            names = [_allowed_name(tool, number) for number, tool in enumerate(allowed.tools)]
            for number, name in enumerate(names):
                _check_there(name, specs, f"tool_choice.allowed_tools.tools[{number}].function.name")
            config: Block = {"tools": _flat([spec for spec in specs if _name_of(spec) in names])}
            return config if allowed.mode == "auto" else config | {"toolChoice": {"any": {}}}
        case CustomChoice():
            raise UnsupportedParameterError("Bedrock has no custom tools.", param="tool_choice")
        case _:
            assert_never(choice)


def tool_use(call: FunctionToolCall | CustomToolCall, place: str) -> Block:
    """A call that the model made before.

    Raises:
        InvalidRequestError: its arguments are no JSON object, or its name is none that Bedrock takes.
        UnsupportedParameterError: it is of a custom tool.
    """
    match call:
        case FunctionToolCall(function=function):
            check_members(call, place, CALL_MEMBERS)
            check_members(function, f"{place}.function", FUNCTION_MEMBERS)
            name = _checked_name(function.name, f"{place}.function.name")
            arguments = _arguments(function.arguments, f"{place}.function.arguments")
            return {"toolUse": {"toolUseId": tool_use_id(call.id), "name": name, "input": arguments}}
        case CustomToolCall():
            raise UnsupportedParameterError("Bedrock has no custom tools.", param=place)
        case _:
            assert_never(call)


def tool_result(call_id: str, texts: Sequence[str]) -> Block:
    """What a tool answered. Bedrock takes no empty text: an empty answer is none at all."""
    content = [{"text": text} for text in texts if text.strip()]
    return {"toolResult": {"toolUseId": tool_use_id(call_id), "content": content}}


def tool_use_id(call_id: str) -> str:
    """A call's id as Bedrock takes it: the same, or where it does not fit (another provider's) always the same one."""
    if _ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _spec(tool: FunctionTool | CustomTool, place: str) -> list[Block]:
    """A tool, and the mark of the cache behind it where there is one."""
    match tool:
        case FunctionTool(function=function):
            check_members(function, f"{place}.function")
            spec: Block = {
                "name": _checked_name(function.name, f"{place}.function.name"),
                "inputSchema": {"json": function.parameters or _NO_ARGUMENTS},
            }
            if function.description:
                spec["description"] = function.description
            if function.strict:
                spec["strict"] = True
            return [{"toolSpec": spec}, *cache_points(tool, place)]
        case CustomTool():
            raise UnsupportedParameterError("Bedrock has no custom tools.", param=place)
        case _:
            assert_never(tool)


def _flat(specs: Sequence[list[Block]]) -> list[Block]:
    return [block for blocks in specs for block in blocks]


def _name_of(spec: list[Block]) -> str:
    return str(spec[0]["toolSpec"]["name"])


def _check_there(name: str, specs: Sequence[list[Block]], place: str) -> None:
    if name not in map(_name_of, specs):
        raise InvalidRequestError(f"There is no tool '{name:.64}'.", param=place)


def _checked_name(name: str, place: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidRequestError(
            "Bedrock takes names of up to 64 letters, digits, underscores and hyphens.", param=place
        )
    return name


def _allowed_name(tool: dict[str, Any], number: int) -> str:
    match tool:
        case {"type": "function", "function": {"name": str(name)}}:
            return name
        case _:
            raise InvalidRequestError(
                "A tool is allowed by the name of its function.",
                param=f"tool_choice.allowed_tools.tools[{number}]",
            )


def _arguments(text: str, place: str) -> Block:
    if not text.strip():  # what some models call a tool without arguments with
        return {}
    try:
        found = from_json(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidRequestError("The arguments of a call should be a JSON object.", param=place)
    return found
