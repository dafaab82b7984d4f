"""Requests that every provider is given: one for each feature, a long one, and hypothesis's own.

What a request says holds marks, words and numbers that stand nowhere else: what arrives at the provider is seen by them,
whatever its format makes of the rest.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sluice.providers.features import Feature

PNG = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
).decode()
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF").decode()
WAV = base64.b64encode(
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00"
).decode()

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather to come, markdescription.",
        "parameters": {
            "type": "object",
            "properties": {
                "markcity": {"type": "string", "description": "Where."},
                "days": {"type": "integer", "minimum": 1, "maximum": 16},
                "units": {"type": "string", "enum": ["markmetric", "imperial"]},
                "stops": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"at": {"type": "number"}}},
                },
            },
            "required": ["markcity"],
        },
    },
}
TRAFFIC: dict[str, Any] = {
    "type": "function",
    "function": {"name": "marktraffic", "parameters": {"type": "object", "properties": {}}},
}
NAMED = {"type": "function", "function": {"name": "marktraffic"}}
SCHEMA = {
    "type": "object",
    "properties": {
        "markanswer": {"type": "string"},
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "unit": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["markanswer", "steps", "unit"],
    "additionalProperties": False,
    "$defs": {
        "step": {
            "type": "object",
            "properties": {"markstep": {"type": "integer"}},
            "required": ["markstep"],
            "additionalProperties": False,
        }
    },
}


@dataclass(frozen=True)
class Asking:
    """Members of a request that use a feature, and what must arrive of them."""

    members: dict[str, Any] = field(default_factory=dict)
    marks: Sequence[str] = ()


def body(**members: Any) -> dict[str, Any]:
    """A request of one turn, with what is asked for beside it."""
    return {
        "model": "asked-for",
        "messages": [{"role": "user", "content": "In JSON: markquestion?"}],
        **members,
    }


def _part(part: dict[str, Any], *marks: str) -> Asking:
    content = [{"type": "text", "text": "What is this?"}, part]
    return Asking({"messages": [{"role": "user", "content": content}]}, marks)


def _with_tools(*marks: str, **members: Any) -> Asking:
    return Asking({"tools": [WEATHER, TRAFFIC], **members}, marks)


ASKINGS: Mapping[Feature, Asking] = {
    Feature.TOOLS: _with_tools("get_weather", "markdescription", "markcity", "markmetric", "marktraffic"),
    Feature.TOOL_CHOICE: _with_tools("marktraffic", tool_choice=NAMED),
    Feature.ALLOWED_TOOLS: _with_tools(
        "marktraffic",
        tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
    ),
    Feature.SERIAL_TOOLS: _with_tools("get_weather", parallel_tool_calls=False),
    Feature.CUSTOM_TOOLS: Asking(
        {"tools": [{"type": "custom", "custom": {"name": "markcustom"}}]}, ["markcustom"]
    ),
    Feature.FUNCTIONS: Asking({"functions": [{"name": "markfunction", "parameters": {}}]}, ["markfunction"]),
    Feature.IMAGES: _part({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, PNG),
    Feature.REMOTE_IMAGES: _part(
        {"type": "image_url", "image_url": {"url": "https://pictures.example/mark.png"}},
        "https://pictures.example/mark.png",
    ),
    Feature.AUDIO: _part({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}, WAV),
    Feature.FILES: _part(
        {
            "type": "file",
            "file": {"filename": "mark.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
        },
        PDF,
    ),
    Feature.REMOTE_FILES: _part({"type": "file", "file": {"file_id": "file-mark"}}, "file-mark"),
    Feature.JSON_OBJECT: Asking({"response_format": {"type": "json_object"}}),
    Feature.JSON_SCHEMA: Asking(
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
            }
        },
        ["markanswer", "markstep"],
    ),
    Feature.TEMPERATURE: Asking({"temperature": 0.28125}, ["0.28125"]),
    Feature.TOP_P: Asking({"top_p": 0.84375}, ["0.84375"]),
    Feature.STOP: Asking({"stop": ["markstop", "markend"]}, ["markstop", "markend"]),
    Feature.CHOICES: Asking({"n": 2}),
    Feature.SEED: Asking({"seed": 47114711}, ["47114711"]),
    Feature.PENALTIES: Asking(
        {"presence_penalty": 0.53125, "frequency_penalty": 0.65625}, ["0.53125", "0.65625"]
    ),
    Feature.LOGPROBS: Asking({"logprobs": True, "top_logprobs": 3}),
    Feature.LOGIT_BIAS: Asking({"logit_bias": {"4711": 5}}, ["4711"]),
    Feature.REASONING_EFFORT: Asking({"reasoning_effort": "high"}),
}
"""Each feature's use; a number's marks are as JSON writes it."""


def tool_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A call of an assistant's turn."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


LONG: dict[str, Any] = {
    "model": "asked-for",
    "messages": [
        {"role": "system", "content": "You are brief, markone."},
        {"role": "developer", "content": [{"type": "text", "text": "And kind, marktwo."}]},
        {"role": "user", "content": "What is the weather in Zürich? markthree"},
        {
            "role": "assistant",
            "content": "I look, markfour.",
            "tool_calls": [
                tool_call("call_a", "get_weather", '{"markcity": "markfive", "days": 3}'),
                tool_call("call_b", "marktraffic", "{}"),
            ],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": '{"sky": "marksix", "degrees": [1, 2.5]}'},
        {"role": "tool", "tool_call_id": "call_b", "content": [{"type": "text", "text": "none, markseven"}]},
        {"role": "assistant", "content": "Rain, markeight."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "then? marknine"}],
        },
    ],
    "tools": [WEATHER, TRAFFIC],
    "max_tokens": 1777,
}
"""System and developer, parallel calls with results of both kinds, parts of text."""

LONG_MARKS = ("markthree", "markfour", "markfive", "marksix", "markseven", "markeight", "marknine")
"""In the order of the turns; instructions, which may stand elsewhere, are not among them."""

_IDS = (
    "call_{}",
    "toolu_01{}",
    "tooluse_{}-x",
    "functions.get_weather:{}",
    "chatcmpl-tool-0123456789abcdef{}",
)
"""As various providers give them; Kimi's has a point and a colon."""

_TEXTS = ("", "Short.", "Two\nlines, 日本語 😀.", '{"json": [1]}', " ")


@st.composite
def conversations(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """A request that OpenAI would take, and the marks of its turns in their order."""
    marks: list[str] = []
    numbers = iter(range(1_000))

    def text(*, may_be_empty: bool = False) -> str:
        said: str = draw(st.sampled_from(_TEXTS if may_be_empty else _TEXTS[1:]))
        if may_be_empty and not said:
            return said
        marks.append(f"mark{next(numbers):03}x")
        return f"{marks[-1]} {said}"

    def called() -> list[dict[str, Any]]:
        form = draw(st.sampled_from(_IDS))
        ids = [form.format(next(numbers)) for _ in range(draw(st.integers(1, 3)))]
        turn: dict[str, Any] = {"role": "assistant", "content": draw(st.sampled_from((None, "")))}
        if draw(st.booleans()):
            turn["content"] = text()
        turn["tool_calls"] = []
        for call_id in ids:
            marks.append(f"mark{next(numbers):03}x")
            arguments = f'{{"markcity": "{marks[-1]}"}}'
            turn["tool_calls"].append(tool_call(call_id, "get_weather", arguments))
        results = [
            {"role": "tool", "tool_call_id": call_id, "content": text(may_be_empty=True)} for call_id in ids
        ]
        return [turn, *results]

    messages: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 2))):
        role = draw(st.sampled_from(("system", "developer")))
        messages.append({"role": role, "content": f"Instructions {next(numbers)}."})
    messages.append({"role": "user", "content": text()})
    for _ in range(draw(st.integers(0, 5))):
        match draw(st.sampled_from(("user", "parts", "assistant", "reasoned", "calls"))):
            case "user":
                messages.append({"role": "user", "content": text()})
            case "parts":
                parts = [{"type": "text", "text": text()} for _ in range(draw(st.integers(1, 3)))]
                messages.append({"role": "user", "content": parts})
            case "assistant":
                messages.append({"role": "assistant", "content": text()})
            case "reasoned":
                thoughts = {"reasoning_content": "Thoughts of another provider's."}
                messages.append({"role": "assistant", "content": text(), **thoughts})
            case _:
                messages += called()
    if messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": text()})
    return {"model": "asked-for", "messages": messages, "tools": [WEATHER]}, marks
