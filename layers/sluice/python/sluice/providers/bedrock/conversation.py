"""A conversation as Converse has it: instructions apart, and turns by user and assistant alternately.

A conversation of nothing but instructions is put as the user's words.
Who may begin is for each model to say: Claude takes a conversation that the assistant begins, Nova refuses it.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from sluice.api.messages import (
    AssistantMessage,
    DeveloperMessage,
    FilePart,
    FunctionMessage,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.bedrock.content import cache_points, user_block
from sluice.providers.bedrock.reasoning import reasoning_blocks
from sluice.providers.bedrock.tools import tool_result, tool_use
from sluice.providers.extra_members import check_members
from sluice.providers.said_before import MESSAGE_MEMBERS, RESULT_MEMBERS

type Block = dict[str, Any]
type Role = Literal["user", "assistant"]


@dataclass(slots=True)
class Conversation:
    """What has been said.

    Attributes:
        system: the instructions.
        messages: the turns.
        tools_were_used: whether a turn calls a tool or answers a call.
    """

    system: list[Block] = field(default_factory=list)
    messages: list[Block] = field(default_factory=list)
    tools_were_used: bool = False
    _documents: int = 0

    def add(self, message: Message, place: str) -> None:
        """Take the next message, which stands at ``place`` of the request.

        Raises:
            InvalidRequestError: it is broken.
            UnsupportedParameterError: it holds what Converse has no way to say.
        """
        check_members(message, place, RESULT_MEMBERS if isinstance(message, ToolMessage) else MESSAGE_MEMBERS)
        match message:
            case SystemMessage(content=content) | DeveloperMessage(content=content):
                self.system += _texts(content, f"{place}.content")
            case UserMessage():
                self._turn("user", self._of_user(message, f"{place}.content"))
            case AssistantMessage():
                self._turn("assistant", self._of_assistant(message, place))
            case ToolMessage(content=content):
                self.tools_were_used = True
                texts = [content] if isinstance(content, str) else [part.text for part in content]
                result = [tool_result(message.tool_call_id, texts)]
                if not isinstance(content, str):
                    for position, part in enumerate(content):
                        result += cache_points(part, f"{place}.content[{position}]")
                self._turn("user", result)
            case FunctionMessage():
                raise UnsupportedParameterError("Bedrock has tools, and no functions.", param=place)
            case _:
                assert_never(message)

    def _turn(self, role: Role, blocks: list[Block]) -> None:
        """Add to the turn, or begin the next one. A message that says nothing is none: Bedrock takes no empty one."""
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
            return
        self.messages.append({"role": role, "content": blocks})

    def _of_user(self, message: UserMessage, place: str) -> list[Block]:
        if isinstance(message.content, str):
            return _texts(message.content, place)
        blocks: list[Block] = []
        for position, part in enumerate(message.content):
            where = f"{place}[{position}]"
            if not (isinstance(part, TextPart) and not part.text.strip()):
                blocks.append(user_block(part, where, self._documents))
                self._documents += isinstance(part, FilePart)
            blocks += cache_points(part, where)
        return blocks

    def _of_assistant(self, message: AssistantMessage, place: str) -> list[Block]:
        blocks = reasoning_blocks(message.reasoning_details, place)
        match message.content:
            case None:
                pass
            case str(text):
                blocks += _texts(text, place)
            case parts:
                for position, part in enumerate(parts):
                    text = part.refusal if isinstance(part, RefusalPart) else part.text
                    blocks += _texts(text, place)
                    blocks += cache_points(part, f"{place}.content[{position}]")
        blocks += _texts(message.refusal or "", place)
        for position, call in enumerate(message.tool_calls or ()):
            blocks.append(tool_use(call, f"{place}.tool_calls[{position}]"))
            self.tools_were_used = True
        if message.function_call is not None:
            raise UnsupportedParameterError(
                "Bedrock has tools, and no functions.", param=f"{place}.function_call"
            )
        return blocks


def conversation_of(messages: Sequence[Message]) -> Conversation:
    """The messages of a request.

    Raises:
        InvalidRequestError, UnsupportedParameterError: see ``Conversation.add``.
    """
    conversation = Conversation()
    for number, message in enumerate(messages):
        conversation.add(message, f"messages[{number}]")
    if not conversation.messages and conversation.system:
        conversation.messages = [{"role": "user", "content": conversation.system}]
        conversation.system = []
    if not conversation.messages:
        raise InvalidRequestError(
            "Bedrock wants a conversation in which something is said.", param="messages"
        )
    return conversation


def _texts(content: str | Sequence[TextPart], place: str) -> list[Block]:
    """Texts, without those that say nothing, which Bedrock refuses."""
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    blocks: list[Block] = []
    for position, part in enumerate(content):
        blocks += _texts(part.text, place)
        blocks += cache_points(part, f"{place}[{position}]")
    return blocks
