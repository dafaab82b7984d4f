"""The conversation of a chat request: messages by role, their content parts, tool calls.

Follows OpenAI's ``ChatCompletionRequestMessage``, with ``reasoning_content`` and ``reasoning_details`` on assistant
turns for providers that want their reasoning back.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from sluice.api.shapes import RequestShape, by_member, by_type


class TextPart(RequestShape):
    """A piece of text."""

    type: Literal["text"]
    text: str


class ImageURL(RequestShape):
    """An image by address or as a data URL."""

    url: Annotated[str, Field(min_length=1)]
    detail: str | None = None


class ImagePart(RequestShape):
    """A picture in a user's turn."""

    type: Literal["image_url"]
    image_url: ImageURL


class InputAudio(RequestShape):
    """Sound, in base64."""

    data: str
    format: str


class AudioPart(RequestShape):
    """A recording in a user's turn."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class File(RequestShape):
    """A document, inline in base64 or by the id of an upload."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(RequestShape):
    """A document in a user's turn."""

    type: Literal["file"]
    file: File


class RefusalPart(RequestShape):
    """A refusal of an earlier assistant turn."""

    type: Literal["refusal"]
    refusal: str


UserPart = Annotated[
    Annotated[TextPart, Tag("<text")]
    | Annotated[ImagePart, Tag("<image_url")]
    | Annotated[AudioPart, Tag("<input_audio")]
    | Annotated[FilePart, Tag("<file")],
    by_member("type", "text", "image_url", "input_audio", "file"),
]
AssistantPart = Annotated[
    Annotated[TextPart, Tag("<text")] | Annotated[RefusalPart, Tag("<refusal")],
    by_member("type", "text", "refusal"),
]

_TEXT_OR_PARTS = by_type(text=str, parts=list)
_Text = Annotated[str, Tag("<text")]

SystemContent = Annotated[_Text | Annotated[list[TextPart], Tag("<parts")], _TEXT_OR_PARTS]
UserContent = Annotated[_Text | Annotated[list[UserPart], Tag("<parts")], _TEXT_OR_PARTS]
AssistantContent = Annotated[_Text | Annotated[list[AssistantPart], Tag("<parts")], _TEXT_OR_PARTS]


class FunctionCall(RequestShape):
    """Which function, with its arguments as JSON text."""

    name: str
    arguments: str


class FunctionToolCall(RequestShape):
    """A call of a function that an assistant turn made."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class CustomCall(RequestShape):
    """Which custom tool, with its free-form input."""

    name: str
    input: str


class CustomToolCall(RequestShape):
    """A call of a custom tool that an assistant turn made."""

    id: str
    type: Literal["custom"]
    custom: CustomCall


ToolCall = Annotated[
    Annotated[FunctionToolCall, Tag("<function")] | Annotated[CustomToolCall, Tag("<custom")],
    by_member("type", "function", "custom"),
]


class SystemMessage(RequestShape):
    """Instructions of the application."""

    role: Literal["system"]
    content: SystemContent
    name: str | None = None


class DeveloperMessage(RequestShape):
    """Instructions of the application, as newer models call them."""

    role: Literal["developer"]
    content: SystemContent
    name: str | None = None


class UserMessage(RequestShape):
    """What the user said."""

    role: Literal["user"]
    content: UserContent
    name: str | None = None


class AssistantMessage(RequestShape):
    """What the model said before."""

    role: Literal["assistant"]
    content: AssistantContent | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    name: str | None = None


class ToolMessage(RequestShape):
    """What a tool answered."""

    role: Literal["tool"]
    content: SystemContent
    tool_call_id: str


class FunctionMessage(RequestShape):
    """What a function answered (deprecated predecessor of the tool message)."""

    role: Literal["function"]
    content: str | None
    name: str


Message = Annotated[
    Annotated[SystemMessage, Tag("<system")]
    | Annotated[DeveloperMessage, Tag("<developer")]
    | Annotated[UserMessage, Tag("<user")]
    | Annotated[AssistantMessage, Tag("<assistant")]
    | Annotated[ToolMessage, Tag("<tool")]
    | Annotated[FunctionMessage, Tag("<function")],
    by_member("role", "system", "developer", "user", "assistant", "tool", "function"),
]
