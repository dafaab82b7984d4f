"""Functions as Gemini's declarations, and which of them may or must be called.

``parametersJsonSchema`` takes JSON Schema as clients write it; ``parameters`` would refuse much of it. A function that
is ``strict`` is called in the mode VALIDATED, in which calls obey their schemas and text is still allowed; ANY does so
by itself.

Source: https://ai.google.dev/gemini-api/docs/function-calling.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from sluice.api.chat_request import (
    AllowedChoice,
    ChatCompletionRequest,
    CustomChoice,
    CustomTool,
    FunctionChoice,
    FunctionTool,
    Tool,
)
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.extra_members import check_members


def tools_of(request: ChatCompletionRequest) -> dict[str, Any]:
    """The members of a request that are about tools; none if there are no tools.

    Raises:
        InvalidRequestError: a call is asked for, but there is no tool, or it is not said which.
        UnsupportedParameterError: Gemini has no such tool.
    """
    tools = request.tools or []
    if not tools:
        if request.tool_choice not in (None, "none", "auto"):
            raise InvalidRequestError("There are no tools to choose from.", param="tool_choice")
        return {}
    declared = [_declaration(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    calling = _calling(request, tools)
    return {
        "tools": [{"functionDeclarations": declared}],
        **({"toolConfig": {"functionCallingConfig": calling}} if calling else {}),
    }


def _declaration(tool: Tool, place: str) -> dict[str, Any]:
    if isinstance(tool, CustomTool):
        raise UnsupportedParameterError("Gemini has no custom tools.", param=place)
    check_members(tool, place)
    function = tool.function
    check_members(function, f"{place}.function")
    declared: dict[str, Any] = {"name": function.name}
    if function.description is not None:
        declared["description"] = function.description
    if function.parameters is not None:
        declared["parametersJsonSchema"] = function.parameters
    return declared


def _calling(request: ChatCompletionRequest, tools: Sequence[Tool]) -> dict[str, Any] | None:
    strict = any(isinstance(tool, FunctionTool) and tool.function.strict for tool in tools)
    match request.tool_choice:
        case None:
            return {"mode": "VALIDATED"} if strict else None
        case "auto":
            return {"mode": "VALIDATED" if strict else "AUTO"}
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case FunctionChoice(function=function):
            return {"mode": "ANY", "allowedFunctionNames": [function.name]}
        case AllowedChoice(allowed_tools=allowed):
            # AUTO knows no names
            mode = "ANY" if allowed.mode == "required" else "VALIDATED"
            return {"mode": mode, "allowedFunctionNames": _names(allowed.tools)}
        case CustomChoice():
            raise UnsupportedParameterError("Gemini has no custom tools.", param="tool_choice")
        case _:
            assert_never(request.tool_choice)


def _names(tools: Sequence[dict[str, Any]]) -> list[str]:
    found = []
    for number, tool in enumerate(tools):
        match tool:
            case {"type": "function", "function": {"name": str(name)}}:
                found.append(name)
            case _:
                raise InvalidRequestError(
                    "This names no function.", param=f"tool_choice.allowed_tools.tools[{number}]"
                )
    return found
