"""Tools and how they are to be used, in Anthropic's words.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools.
"""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from sluice.api.chat_request import (
    AllowedChoice,
    ChatCompletionRequest,
    CustomChoice,
    CustomTool,
    FunctionChoice,
    FunctionTool,
    ToolChoice,
)
from sluice.errors import UnsupportedParameterError
from sluice.providers.anthropic.members import CACHEABLE, cached
from sluice.providers.extra_members import check_members

ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}
"""The arguments of a function that describes none."""


def tools_of(request: ChatCompletionRequest, called: Iterable[str]) -> dict[str, Any]:
    """The members ``tools`` and ``tool_choice``, as far as there is something to say.

    A conversation with calls is refused if no tool is described. Where the request has none, those that were called
    are named, and not to be called again.

    Args:
        request: the client's.
        called: the tools that are called in its conversation.

    Raises:
        UnsupportedParameterError: Anthropic does not know what is asked for.
    """
    tools = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(request.tools or ())]
    if not tools:
        named = [{"name": name, "input_schema": dict(ANY_OBJECT)} for name in called]
        if named:
            return {"tools": named, "tool_choice": {"type": "none"}}
    choice = _choice(request.tool_choice)
    if tools and request.parallel_tool_calls is False and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    found: dict[str, Any] = {"tools": tools} if tools else {}
    asks = tools or choice not in (None, {"type": "auto"}, {"type": "none"})
    return found | {"tool_choice": choice} if choice is not None and asks else found


def forces_tool(choice: ToolChoice | None) -> bool:
    """Whether a tool has to be called."""
    return choice not in (None, "auto", "none")


def _tool(tool: FunctionTool | CustomTool, place: str) -> dict[str, Any]:
    if isinstance(tool, CustomTool):
        raise UnsupportedParameterError("The model's provider has no custom tools.", param=place)
    function = tool.function
    check_members(tool, place, CACHEABLE)
    check_members(function, f"{place}.function", CACHEABLE)
    found: dict[str, Any] = {
        "name": function.name,
        "input_schema": {"type": "object", **(function.parameters or ANY_OBJECT)},
    }
    if function.description:
        found["description"] = function.description
    if function.strict:
        found["strict"] = True
    cached(found, function.model_extra, f"{place}.function")
    return cached(found, tool.model_extra, place)


def _choice(choice: ToolChoice | None) -> dict[str, Any] | None:
    match choice:
        case None:
            return None
        case "auto" | "none":
            return {"type": choice}
        case "required":
            return {"type": "any"}
        case FunctionChoice():
            return {"type": "tool", "name": choice.function.name}
        case CustomChoice() | AllowedChoice():
            raise UnsupportedParameterError(
                "The model's provider knows no such choice of tools.", param="tool_choice"
            )
        case _:
            assert_never(choice)
