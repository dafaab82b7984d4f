"""The catalogue's video services: ``[providers.<name>.videos]`` says how a service is asked that no package knows.

Such a service is submitted to, asked how it is, and fetched from, by JSON over HTTP. The head of the shipped catalogue
says what each member means. A member that is not known is a mistake here: what a declaration leaves out is not done.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

VideoMember = Literal[
    "model",
    "prompt",
    "seconds",
    "size",
    "width",
    "height",
    "quality",
    "seed",
    "negative_prompt",
    "input_reference",
]
"""What a service may be told: members of the request, the candidate's model, and the size in its two parts."""

MEMBERS: frozenset[VideoMember] = frozenset(get_args(VideoMember))

REFERENCE, MODEL = "{reference}", "{model}"
KEY, CALLBACK = "{key}", "{callback}"

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)+$", max_length=200)]
"""A place in a JSON document, as RFC 6901 has it; never all of it."""

Word = str | bool | int
"""What a status can be."""

_PATH = r"/[!-z|~{}]*$"
Submission = Annotated[str, StringConstraints(pattern=r"^(POST|PUT) " + _PATH, max_length=500)]
Question = Annotated[str, StringConstraints(pattern=r"^(GET|POST) " + _PATH, max_length=500)]
Cancellation = Annotated[
    str, StringConstraints(pattern=r"^(DELETE|GET|PATCH|POST|PUT) " + _PATH, max_length=500)
]
"""A method and a path after the provider's address."""

KeyHeader = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9-]+: [ -z|~]*\{key\}[ -z|~]*$", max_length=200)
]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]
Size = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|[{}]")


class VideoService(BaseModel):
    """How a service is asked for a video."""

    # Built as a part of the catalogue, and not once more for itself.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    submit: Submission
    """How a video is asked for; ``{model}`` stands for the candidate's."""
    poll: Question
    """How it is asked how a video is; ``{reference}`` stands for what the service knows it by."""
    cancel: Cancellation | None = None
    """How it is told that nobody wants the video any more."""
    content: Question | None = None
    """How a video is fetched, where that wants the key; where it does not, ``output`` has its address."""
    key: KeyHeader = "authorization: Bearer {key}"
    """The header that has the credential, and how."""

    members: Mapping[VideoMember, Pointer]
    """Where in the submission each member of a request goes; one that is not here the service cannot be told."""
    values: Mapping[VideoMember, Mapping[str, Word]] = {}
    """The values that the service takes of a member, and what they are there; any where there are none."""
    sizes: Mapping[Size, Annotated[Mapping[Pointer, Word], Field(min_length=1)]] = {}
    """The sizes that the service has, and how it is told of each, where that is no member of its own."""
    fixed: Mapping[Pointer, JsonValue] = {}
    """What else a submission has; a member at the same place replaces it."""
    passes_on: Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])*)*$")] | None = None
    """The object in the submission to which members go that this gateway does not name; "" is the submission itself.
    Without it they are refused."""
    callback: Mapping[Pointer, JsonValue] = {}
    """What a submission has where the service can call, with ``{callback}`` for the address; it is then only asked when
    it has called."""
    idempotency: HeaderName | Pointer | None = None
    """The header, or the place in the submission, by which the service knows a submission that comes twice."""

    reference: Pointer = "/id"
    """Where the reply to a submission has what the service knows the video by."""
    status: Pointer = "/status"
    """Where the answer to a question says how it is."""
    running: tuple[Word, ...]
    made: Annotated[tuple[Word, ...], Field(min_length=1)]
    failed: tuple[Word, ...]
    """What it may say."""
    output: tuple[Pointer, ...] = ()
    """Where the answer has the video's address, or all of it as a ``data:`` URL: the first text there counts."""
    progress: Pointer | None = None
    progress_whole: Annotated[float, Field(gt=0)] = 100
    """How far it is, and what that is in the end."""
    seconds: Pointer | None = None
    """How long the video has become."""
    refused: Mapping[Pointer, Word] = {}
    """What an answer has, beside its status, when the service's policy keeps the video back."""
    error: tuple[Pointer, ...] = ("/error/message", "/error")
    """Why it has failed, in words: the first text that is there counts."""
    error_code: Pointer | None = None
    """And as a code."""
    refusals: tuple[Code, ...] = ()
    """The codes, or with a ``*`` at their end how they begin, that say that the service's policy refuses the video."""
    faults: tuple[Code, ...] = ()
    """Likewise those that say that the request is at fault."""

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, raw: Any) -> Any:
        """TOML has lists, and strict shapes do not take them for tuples."""
        if not isinstance(raw, dict):
            return raw
        return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for mistake in self._mistakes():
            raise ValueError(mistake)
        return self

    @property
    def _own_places(self) -> list[str]:
        """Each is for one thing."""
        sizes = dict.fromkeys(place for places in self.sizes.values() for place in places)
        marks = (
            [self.idempotency] if self.idempotency is not None and self.idempotency.startswith("/") else []
        )
        return [*self.members.values(), *sizes, *self.callback, *marks]

    @property
    def places(self) -> frozenset[str]:
        """All places in a submission that have something of their own."""
        return frozenset({*self._own_places, *self.fixed})

    def _mistakes(self) -> Iterator[str]:
        for name, call, known in (
            ("submit", self.submit, {MODEL}),
            ("poll", self.poll, {MODEL, REFERENCE}),
            ("cancel", self.cancel, {MODEL, REFERENCE}),
            ("content", self.content, {MODEL, REFERENCE}),
        ):
            there = set(_PLACEHOLDER.findall(call or ""))
            if there - known:
                yield f"'{name}' has the unknown {min(there - known)}; there are: {', '.join(sorted(known))}"
            if call is not None and REFERENCE in known and REFERENCE not in there:
                yield f"'{name}' does not say where {REFERENCE} goes"
        if "prompt" not in self.members:
            yield "'members' does not say where the prompt goes"
        if len({*self.running, *self.made, *self.failed}) < len(self.running + self.made + self.failed):
            yield "a status means two things, or is given twice"
        if not self.output and self.content is None:
            yield "neither 'output' nor 'content' says where the video is"
        if self.callback and not any(_holds(value) for value in self.callback.values()):
            yield f"'callback' does not say where {CALLBACK} goes"
        if self.sizes and {"size", "width", "height"} & self.members.keys():
            yield "a size goes to its own place, by 'members', or is told by 'sizes'"
        yield from self._mistaken_values()
        yield from self._overlaps()

    def _mistaken_values(self) -> Iterator[str]:
        for member, values in self.values.items():
            if member not in self.members:
                yield f"'values' has '{member}', which 'members' has not"
            if not values:
                yield f"'values' has none for '{member}'"
            if member in ("seconds", "width", "height", "seed") and not all(map(str.isdecimal, values)):
                yield f"'values' has one for '{member}' that is no number"
            if member in ("model", "prompt", "negative_prompt", "input_reference"):
                yield f"'values' has '{member}', which may have any"

    def _overlaps(self) -> Iterator[str]:
        """Two places of which one is in the other; the same place twice is a fixed value that a member replaces."""
        own = self._own_places
        if len(set(own)) < len(own):
            yield "two members go to the same place"
        places = sorted(self.places)
        for one in places:
            for other in places:
                if other.startswith(f"{one}/"):
                    yield f"'{other}' is in '{one}', which has a value of its own"
        if self.passes_on is not None and any(f"{self.passes_on}/".startswith(f"{one}/") for one in places):
            yield f"'passes_on' is '{self.passes_on}', which has a value of its own"


def _holds(value: JsonValue) -> bool:
    match value:
        case str():
            return CALLBACK in value
        case list():
            return any(map(_holds, value))
        case dict():
            return any(map(_holds, value.values()))
        case _:
            return False
