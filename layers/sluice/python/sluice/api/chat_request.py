"""The body of POST /v1/chat/completions.

Fields and ranges are OpenAI's; ``search_enabled`` asks for answers that draw on the web. Members that are not named
here are kept and passed to providers that speak OpenAI's format.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Tag

from sluice.api.messages import Message
from sluice.api.model_request import StreamableRequest
from sluice.api.shapes import WHOLE, Number, RequestShape, by_member, by_type

Name = Annotated[str, Field(min_length=1, max_length=256)]
Positive = Annotated[int, Field(ge=1), WHOLE]
Penalty = Annotated[Number, Field(ge=-2, le=2)]
Schema = dict[str, Any]


class FunctionDefinition(RequestShape):
    """A function the model may call; ``parameters`` is JSON Schema."""

    name: Name
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class FunctionTool(RequestShape):
    """A tool with typed arguments."""

    type: Literal["function"]
    function: FunctionDefinition


class CustomDefinition(RequestShape):
    """A tool with free-form input."""

    name: Name
    description: str | None = None


class CustomTool(RequestShape):
    """A tool with free-form input."""

    type: Literal["custom"]
    custom: CustomDefinition


Tool = Annotated[
    Annotated[FunctionTool, Tag("<function")] | Annotated[CustomTool, Tag("<custom")],
    by_member("type", "function", "custom"),
]


class Named(RequestShape):
    """A tool by its name."""

    name: Name


class FunctionChoice(RequestShape):
    """This function and no other."""

    type: Literal["function"]
    function: Named


class CustomChoice(RequestShape):
    """This custom tool and no other."""

    type: Literal["custom"]
    custom: Named


class AllowedTools(RequestShape):
    """A part of the tools."""

    mode: Literal["auto", "required"]
    tools: list[dict[str, Any]]


class AllowedChoice(RequestShape):
    """One of a part of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<text")]
    | Annotated[
        Annotated[FunctionChoice, Tag("<function")]
        | Annotated[CustomChoice, Tag("<custom")]
        | Annotated[AllowedChoice, Tag("<allowed_tools")],
        by_member("type", "function", "custom", "allowed_tools"),
        Tag("<object"),
    ],
    by_type(text=str, object=(dict, RequestShape)),
]


class TextFormat(RequestShape):
    """Free text."""

    type: Literal["text"]


class JSONObjectFormat(RequestShape):
    """Any JSON object."""

    type: Literal["json_object"]


class JSONSchema(RequestShape):
    """A named JSON Schema that the answer obeys."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: str | None = None
    definition: Schema | None = Field(default=None, alias="schema")
    strict: bool | None = None


class JSONSchemaFormat(RequestShape):
    """JSON of a given schema."""

    type: Literal["json_schema"]
    json_schema: JSONSchema


ResponseFormat = Annotated[
    Annotated[TextFormat, Tag("<text")]
    | Annotated[JSONObjectFormat, Tag("<json_object")]
    | Annotated[JSONSchemaFormat, Tag("<json_schema")],
    by_member("type", "text", "json_object", "json_schema"),
]

Stop = Annotated[
    Annotated[str, Tag("<text")] | Annotated[list[str], Field(min_length=1, max_length=4), Tag("<parts")],
    by_type(text=str, parts=list),
]


class ChatCompletionRequest(StreamableRequest):
    """A chat completion as a client asks for it."""

    model_config = ConfigDict(
        defer_build=False
    )  # the root: built on import, with all its parts, for the first request

    messages: Annotated[list[Message], Field(min_length=1)]
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128), WHOLE] | None = None
    stop: Stop | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    user: str | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63), WHOLE] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), WHOLE] | None = None
    logit_bias: dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    search_enabled: bool | None = Field(
        default=None,
        description="Whether the web is searched for what the last user's turn is about, before the model is asked. "
        "What was found is the reply's `search_result`.",
    )

    @property
    def output_limit(self) -> int | None:
        """The most tokens that an answer may have, by the newer name where both are given; None where neither is."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
