"""What a chat request asks for beside text, and which of it a provider can express.

Each provider declares its ``Features``; the matrix in the documentation is made of these declarations, and what a
provider cannot express is refused by them before anything is held or sent. What only shows in a value (a picture's
format, a schema's keyword) is for the provider's module to refuse.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sluice.api.chat_request import AllowedChoice, ChatCompletionRequest, CustomTool
from sluice.api.messages import AssistantMessage, AudioPart, FilePart, FunctionMessage, ImagePart, UserMessage
from sluice.errors import UnsupportedParameterError
from sluice.providers.cache_control import CACHE_CONTROL, NOT_BY_MARKS


class Feature(StrEnum):
    """A feature, by its name in the matrix."""

    TOOLS = "tools"
    TOOL_CHOICE = "tool_choice: required, or one function"
    ALLOWED_TOOLS = "tool_choice: allowed_tools"
    SERIAL_TOOLS = "parallel_tool_calls: false"
    CUSTOM_TOOLS = "custom tools"
    FUNCTIONS = "functions, function_call (deprecated)"
    IMAGES = "pictures, inline"
    REMOTE_IMAGES = "pictures, by address"
    AUDIO = "sound"
    FILES = "files, inline"
    REMOTE_FILES = "files, by id"
    JSON_OBJECT = "response_format: json_object"
    JSON_SCHEMA = "response_format: json_schema"
    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    STOP = "stop"
    CHOICES = "n above 1"
    SEED = "seed"
    PENALTIES = "presence_penalty, frequency_penalty"
    LOGPROBS = "logprobs, top_logprobs"
    LOGIT_BIAS = "logit_bias"
    REASONING_EFFORT = "reasoning_effort"


@dataclass(frozen=True, slots=True)
class Features:
    """What a provider can express.

    Attributes:
        known: the features.
        members: request members that OpenAI does not have, or this gateway does not name, and the provider takes; None
            where all are passed on.
    """

    known: frozenset[Feature]
    members: frozenset[str] | None = frozenset()


EVERYTHING = Features(frozenset(Feature), members=None)

HINTS = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "user",
    }
)
"""Members that say something of the request and ask for nothing of the reply: a provider that has no place for them
answers no differently."""

GATEWAY_MEMBERS = frozenset({"search_enabled"})
"""Members that are the gateway's own and mean nothing to a provider."""

_HARMLESS: Mapping[str, tuple[object, ...]] = {
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "verbosity": ("medium",),
}
"""Values of other members that ask for what happens anyway."""

_SWITCHES = frozenset({"audio", "prediction", "web_search_options"})
"""Members that ask for something by being there: an empty object is all defaults, and not nothing."""

_WORDS: Mapping[Feature, str] = {
    Feature.TOOL_CHOICE: "'tool_choice' that requires a call",
    Feature.ALLOWED_TOOLS: "'tool_choice' of allowed_tools",
    Feature.SERIAL_TOOLS: "'parallel_tool_calls' of false",
    Feature.CUSTOM_TOOLS: "custom tools",
    Feature.FUNCTIONS: "functions, which tools have taken the place of",
    Feature.IMAGES: "pictures",
    Feature.REMOTE_IMAGES: "pictures by address",
    Feature.AUDIO: "sound",
    Feature.FILES: "files",
    Feature.REMOTE_FILES: "files by id",
    Feature.JSON_OBJECT: "'response_format' of json_object",
    Feature.JSON_SCHEMA: "'response_format' of json_schema",
    Feature.CHOICES: "'n' above 1",
}
"""How a refusal calls a feature; one that is not here goes by the member at fault."""

_INSTEAD: Mapping[Feature, tuple[Feature, str]] = {
    Feature.JSON_OBJECT: (Feature.JSON_SCHEMA, "Use json_schema."),
    Feature.REMOTE_IMAGES: (Feature.IMAGES, "Send them inline."),
    Feature.FUNCTIONS: (Feature.TOOLS, "Use tools."),
}
"""What to use in the place of a feature, where the provider has that."""


_REASONS: Mapping[str, str] = {CACHE_CONTROL: NOT_BY_MARKS}
"""What there is to say of members that a provider does not know."""


class InexpressibleError(UnsupportedParameterError):
    """One or several providers cannot express something.

    Args:
        what: was asked for, as a refusal calls it.
        param: the member at fault.
        instead: a sentence that says what would do; empty where nothing would.
        providers: whose features were looked at, by their names in the catalogue; none where they are not known.
    """

    def __init__(self, what: str, *, param: str, instead: str = "", providers: Sequence[str] = ()) -> None:
        match providers:
            case []:
                who = "The model's provider cannot"
            case [name]:
                who = f"The provider '{name}' cannot"
            case _:
                who = f"None of {', '.join(providers)} can"
        super().__init__(f"{who} express {what}.{instead and f' {instead}'}", param=param)
        self.what = what
        self.instead = instead
        self._param = param

    def by(self, providers: Sequence[str]) -> "InexpressibleError":
        """The same of providers whose names are known."""
        return InexpressibleError(self.what, param=self._param, instead=self.instead, providers=providers)


def used_features(request: ChatCompletionRequest) -> Iterator[tuple[Feature, str]]:
    """The features that a request uses, each with the member at fault where it cannot be expressed."""
    yield from _of_tools(request)
    yield from _of_messages(request)
    yield from _of_sampling(request)
    match request.response_format.type if request.response_format else "text":
        case "json_object":
            yield Feature.JSON_OBJECT, "response_format"
        case "json_schema":
            yield Feature.JSON_SCHEMA, "response_format"
    if request.reasoning_effort is not None:
        yield Feature.REASONING_EFFORT, "reasoning_effort"


def check_supported(request: ChatCompletionRequest, features: Features) -> None:
    """Refuse what a provider cannot express.

    Raises:
        InexpressibleError: naming the first member at fault.
    """
    for feature, param in used_features(request):
        if feature not in features.known:
            other, instead = _INSTEAD.get(feature, (feature, ""))
            what = _WORDS.get(feature, f"'{param}'")
            raise InexpressibleError(what, param=param, instead=instead if other in features.known else "")
    if features.members is None:
        return
    for member, value in (request.model_extra or {}).items():
        known = member in features.members or member in HINTS
        if not known and not _asks_for_nothing(member, value):
            asked = f"'{member:.100}'"
            if member in _HARMLESS and isinstance(value, str):
                asked += f" of '{value:.100}'"
            raise InexpressibleError(asked, param=member[:100], instead=_REASONS.get(member, ""))


def is_nothing(value: object) -> bool:
    """Whether a member's value asks for nothing: null, false and what is empty. A number always asks for something."""
    return value is None or value is False or value in ([], {})


def _asks_for_nothing(member: str, value: object) -> bool:
    if member in _SWITCHES:
        return value is None or value is False
    return is_nothing(value) or value in _HARMLESS.get(member, ())


def _of_tools(request: ChatCompletionRequest) -> Iterator[tuple[Feature, str]]:
    tools = request.tools or []
    if tools:
        yield Feature.TOOLS, "tools"
        if request.parallel_tool_calls is False:
            yield Feature.SERIAL_TOOLS, "parallel_tool_calls"
    for number, tool in enumerate(tools):
        if isinstance(tool, CustomTool):
            yield Feature.CUSTOM_TOOLS, f"tools[{number}]"
    match request.tool_choice:
        case None | "none" | "auto":
            pass
        case AllowedChoice():
            yield Feature.ALLOWED_TOOLS, "tool_choice"
        case _:
            yield Feature.TOOL_CHOICE, "tool_choice"
    extra = request.model_extra or {}
    for member in ("functions", "function_call"):
        if extra.get(member):
            yield Feature.FUNCTIONS, member


def _of_messages(request: ChatCompletionRequest) -> Iterator[tuple[Feature, str]]:
    for number, message in enumerate(request.messages):
        place = f"messages[{number}]"
        match message:
            case UserMessage(content=list(parts)):
                for position, part in enumerate(parts):
                    param = f"{place}.content[{position}]"
                    match part:
                        case ImagePart(image_url=image):
                            inline = image.url[:5].lower() == "data:"
                            yield (Feature.IMAGES if inline else Feature.REMOTE_IMAGES), param
                        case AudioPart():
                            yield Feature.AUDIO, param
                        case FilePart(file=file):
                            yield (Feature.FILES if file.file_id is None else Feature.REMOTE_FILES), param
                        case _:
                            pass
            case AssistantMessage(function_call=call) if call is not None:
                yield Feature.FUNCTIONS, f"{place}.function_call"
            case FunctionMessage():
                yield Feature.FUNCTIONS, place
            case _:
                pass


def _of_sampling(request: ChatCompletionRequest) -> Iterator[tuple[Feature, str]]:
    if request.temperature is not None:
        yield Feature.TEMPERATURE, "temperature"
    if request.top_p is not None:
        yield Feature.TOP_P, "top_p"
    if request.stop:
        yield Feature.STOP, "stop"
    if (request.n or 1) > 1:
        yield Feature.CHOICES, "n"
    if request.seed is not None:
        yield Feature.SEED, "seed"
    if request.presence_penalty:
        yield Feature.PENALTIES, "presence_penalty"
    if request.frequency_penalty:
        yield Feature.PENALTIES, "frequency_penalty"
    if request.logprobs or request.top_logprobs:
        yield Feature.LOGPROBS, "logprobs"
    if request.logit_bias:
        yield Feature.LOGIT_BIAS, "logit_bias"
