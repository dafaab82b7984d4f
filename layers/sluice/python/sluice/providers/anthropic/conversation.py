"""A conversation as Anthropic has it: turns of user and assistant in alternation, the user's first.

- What system and developer messages say before the first turn is the system prompt. Later ones stay where they are: as
  messages of the role ``system``, where the model knows these (the capability ``system_messages``) and they follow a
  user's turn and precede none; else in the user's turn, between ``<system>`` tags. Moved to the beginning, they
  would mean something else, and undo what is cached.
- Successive messages of one role are one turn.
- The results of a turn's calls follow it at once, before anything else: all in one turn of the user's.
- A conversation of nothing but instructions is put as the user's words.
- A message's ``name`` is a hint, for which there is no place. So is what other providers add to a call.

Source: https://platform.claude.com/docs/en/api/messages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from pydantic_core import from_json

from sluice.api.messages import (
    AssistantMessage,
    CustomToolCall,
    DeveloperMessage,
    FunctionMessage,
    FunctionToolCall,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic.content import Block, text_blocks, user_blocks
from sluice.providers.anthropic.reasoning import THOUGHTS, with_thoughts
from sluice.providers.extra_members import check_members
from sluice.providers.said_before import CALL_MEMBERS, FUNCTION_MEMBERS, MESSAGE_MEMBERS, RESULT_MEMBERS

SYSTEM_MESSAGES = "system_messages"
"""The capability of models that take messages of the role ``system`` in mid-conversation: Claude Opus 4.8 and later."""

_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass(slots=True)
class Conversation:
    """What is said, and what else follows from it.

    Attributes:
        system: the system prompt's blocks.
        turns: ``messages`` of the request.
        called: the names of all tools that are called.
    """

    system: list[Block] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    called: dict[str, None] = field(default_factory=dict)

    @property
    def resumes_without_thoughts(self) -> bool:
        """Whether it goes on from the results of calls that the assistant made, by what is told, without a thought.

        Where thinking has a budget, Anthropic wants the last turn with calls to begin with a thought.
        """
        for turn in reversed(self.turns):
            if turn["role"] == "assistant":
                blocks = turn["content"]
                calls = any(block["type"] == "tool_use" for block in blocks)
                return calls and blocks[0]["type"] not in THOUGHTS
        return False


@dataclass(frozen=True, slots=True)
class _OpenCall:
    """A call whose result has not come yet: its id here, and its place in the request."""

    id: str
    place: str


def conversation_of(messages: Sequence[Message], capabilities: frozenset[str]) -> Conversation:
    """The conversation of a request.

    Raises:
        InvalidRequestError: it cannot be one for Anthropic; ``param`` names the message.
        UnsupportedParameterError: a message has something that Anthropic does not know.
    """
    writer = _Writer(takes_system=SYSTEM_MESSAGES in capabilities)
    for index, message in enumerate(messages):
        writer.add(message, f"messages[{index}]")
    return writer.finished()


class _Writer:
    def __init__(self, *, takes_system: bool) -> None:
        self._takes_system = takes_system
        self._conversation = Conversation()
        self._open: dict[str, _OpenCall] = {}
        self._ids: set[str] = set()

    def add(self, message: Message, place: str) -> None:
        if self._open and not isinstance(message, ToolMessage):
            self._refuse_unanswered()
        check_members(message, place, RESULT_MEMBERS if isinstance(message, ToolMessage) else MESSAGE_MEMBERS)
        match message:
            case SystemMessage() | DeveloperMessage():
                self._instruct(text_blocks(message.content, place))
            case UserMessage():
                self._say("user", user_blocks(message.content, place), place)
            case AssistantMessage():
                self._say("assistant", self._assistant_blocks(message, place), place)
            case ToolMessage():
                self._say("user", [self._result(message, place)], place)
            case FunctionMessage():
                raise UnsupportedParameterError("Functions are called as tools here.", param=place)
            case _:
                assert_never(message)

    def finished(self) -> Conversation:
        if self._open:
            self._refuse_unanswered()
        if not self._conversation.turns and self._conversation.system:
            self._append("user", self._conversation.system)
            self._conversation.system = []
        if not self._conversation.turns:
            raise InvalidRequestError(
                "The model's provider wants a message of the user's that says something.", param="messages"
            )
        return self._conversation

    def _refuse_unanswered(self) -> None:
        place = next(iter(self._open.values())).place
        raise InvalidRequestError(
            f"The call at '{place}' has no result: messages of the role 'tool' have to follow it, one for each call.",
            param=place,
        )

    def _instruct(self, blocks: list[Block]) -> None:
        turns = self._conversation.turns
        if not turns:
            self._conversation.system += blocks
        elif not blocks:
            pass
        elif turns[-1]["role"] == "system":
            turns[-1]["content"] += blocks
        elif self._takes_system and turns[-1]["role"] == "user":
            turns.append({"role": "system", "content": blocks})
        else:
            self._append("user", [_marked(block) for block in blocks])

    def _say(self, role: str, blocks: list[Block], place: str) -> None:
        turns = self._conversation.turns
        if not blocks:
            return  # an empty message says nothing, and Anthropic takes none
        if not turns and role != "user":
            raise InvalidRequestError(
                "The model's provider wants a conversation to begin with a message of the user's.",
                param=place,
            )
        if role == "user" and turns and turns[-1]["role"] == "system":
            instructions = turns.pop()["content"]
            self._append("user", [_marked(block) for block in instructions])
        self._append(role, blocks)

    def _append(self, role: str, blocks: list[Block]) -> None:
        turns = self._conversation.turns
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})

    def _assistant_blocks(self, message: AssistantMessage, place: str) -> list[Block]:
        if message.function_call is not None:
            raise UnsupportedParameterError(
                "Functions are called as tools here.", param=f"{place}.function_call"
            )
        blocks = text_blocks(message.content, place) + text_blocks(message.refusal, place)
        for position, call in enumerate(message.tool_calls or ()):
            blocks.append(self._call(call, f"{place}.tool_calls[{position}]"))
        return with_thoughts(blocks, message.reasoning_details, place)

    def _call(self, call: FunctionToolCall | CustomToolCall, place: str) -> Block:
        if isinstance(call, CustomToolCall):
            raise UnsupportedParameterError("The model's provider has no custom tools.", param=place)
        check_members(call, place, CALL_MEMBERS)
        check_members(call.function, f"{place}.function", FUNCTION_MEMBERS)
        if call.id in self._open:
            raise InvalidRequestError(f"'{place}.id' is the id of another call.", param=f"{place}.id")
        self._open[call.id] = _OpenCall(self._call_id(call.id), place)
        self._conversation.called[call.function.name] = None
        return {
            "type": "tool_use",
            "id": self._open[call.id].id,
            "name": call.function.name,
            "input": _arguments(call.function.arguments, f"{place}.function.arguments"),
        }

    def _call_id(self, given: str) -> str:
        """The id, or one that stands for it: Anthropic has rules for them, which other providers' ids may break.

        It is the same whenever the conversation is sent again.
        """
        found = given if _CALL_ID.fullmatch(given) else f"call_{len(self._ids)}"
        while found in self._ids:
            found += "_"
        self._ids.add(found)
        return found

    def _result(self, message: ToolMessage, place: str) -> Block:
        call = self._open.pop(message.tool_call_id, None)
        if call is None:
            raise InvalidRequestError(
                f"'{place}' is the result of no call of the assistant's message before it.",
                param=f"{place}.tool_call_id",
            )
        block: Block = {"type": "tool_result", "tool_use_id": call.id}
        texts = text_blocks(message.content, place)
        if texts:
            block["content"] = message.content if isinstance(message.content, str) else texts
        return block


def _marked(block: Block) -> Block:
    return {**block, "text": f"<system>\n{block['text']}\n</system>"}


def _arguments(text: str, param: str) -> dict[str, Any]:
    """The arguments of a call, which Anthropic wants as an object; no text at all is one without members."""
    try:
        value = from_json(text) if text.strip() else {}
    except ValueError as error:
        raise InvalidRequestError(f"'{param}' should be JSON.", param=param) from error
    if not isinstance(value, dict):
        raise InvalidRequestError(f"'{param}' should be a JSON object.", param=param)
    return value
