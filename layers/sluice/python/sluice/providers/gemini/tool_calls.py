"""Function calls of earlier turns, and what the functions answered.

OpenAI joins an answer to its call by id alone. Gemini wants the function's name with the answer, arguments and answers
as JSON objects, and every call of a step answered before the next one.
"""

from typing import Any

from pydantic_core import from_json

from sluice.api.messages import CustomToolCall, FunctionToolCall, ToolCall, ToolMessage
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.extra_members import check_members
from sluice.providers.gemini.signatures import Kept, signature_in
from sluice.providers.said_before import CALL_MEMBERS, FUNCTION_MEMBERS, RESULT_MEMBERS

type Part = dict[str, Any]

TEXT_ANSWER = "output"
"""Where Gemini looks for an answer that is no object of its own."""


class OpenCalls:
    """The calls of the last assistant turn that have not been answered yet."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._places: dict[str, str] = {}

    def take(self, call: FunctionToolCall, place: str) -> None:
        """A call is made.

        Raises:
            InvalidRequestError: another one has its id.
        """
        if call.id in self._names:
            raise InvalidRequestError("Two tool calls have this id.", param=f"{place}.id")
        self._names[call.id] = call.function.name
        self._places[call.id] = place

    def answered_by(self, message: ToolMessage, place: str) -> str:
        """The name of the function that a message answers for.

        Raises:
            InvalidRequestError: there is no such call, or it has been answered.
        """
        name = self._names.pop(message.tool_call_id, None)
        if name is None:
            raise InvalidRequestError(
                "The assistant's turn before has no tool call of this id that is not answered yet.",
                param=f"{place}.tool_call_id",
            )
        return name

    def close(self) -> None:
        """The conversation goes on, or ends.

        Raises:
            InvalidRequestError: a call has not been answered.
        """
        for call_id in self._names:
            raise InvalidRequestError(
                "This tool call is not answered: a message with the role 'tool' and its id has to follow.",
                param=f"{self._places[call_id]}.id",
            )


def call_part(call: ToolCall, kept: Kept, opened: OpenCalls, place: str) -> Part:
    """A call that an assistant turn made, with its thought signature where the client has kept it.

    Raises:
        InvalidRequestError: its arguments are no JSON object.
        UnsupportedParameterError: it is of a custom tool.
    """
    if isinstance(call, CustomToolCall):
        raise UnsupportedParameterError("Gemini has no custom tools.", param=place)
    check_members(call, place, known=CALL_MEMBERS)
    check_members(call.function, f"{place}.function", known=FUNCTION_MEMBERS)
    opened.take(call, place)
    arguments = _object_in(call.function.arguments) if call.function.arguments.strip() else {}
    if arguments is None:
        raise InvalidRequestError("The arguments are not a JSON object.", param=f"{place}.function.arguments")
    part: Part = {"functionCall": {"id": call.id, "name": call.function.name, "args": arguments}}
    signature = signature_in((call.model_extra or {}).get("extra_content")) or kept.calls.get(call.id)
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def response_part(message: ToolMessage, opened: OpenCalls, place: str) -> Part:
    """What a function answered: a JSON object as it is, anything else as the ``output`` of one.

    Raises:
        InvalidRequestError: nothing was asked.
    """
    check_members(message, place, known=RESULT_MEMBERS)
    name = opened.answered_by(message, place)
    content = message.content
    if not isinstance(content, str):
        for position, each in enumerate(content):
            check_members(each, f"{place}.content[{position}]")
        content = "".join(each.text for each in content)
    response = _object_in(content)
    if response is None:
        response = {TEXT_ANSWER: content}
    return {"functionResponse": {"id": message.tool_call_id, "name": name, "response": response}}


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, None if it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
