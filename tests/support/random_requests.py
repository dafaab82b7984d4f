"""Random chat requests, as hypothesis strategies of their JSON, and an independent look at what the model reads of them."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import parse_object, validate

TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\x00\x1f"\\/\x7f\u2028ﷺ日😀\U0010ffff'), max_size=12
)
NAME = st.text("abc_-", min_size=1, max_size=6)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SCHEMA = st.dictionaries(TEXT, JSON_VALUE, max_size=3)
BYTES = st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
FUNCTION = st.fixed_dictionaries({"name": NAME, "arguments": TEXT})
TOOL = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {"name": NAME}, optional={"description": TEXT, "parameters": SCHEMA}
        ),
    }
) | st.fixed_dictionaries(
    {
        "type": st.just("custom"),
        "custom": st.fixed_dictionaries({"name": NAME}, optional={"description": TEXT}),
    }
)
TOOL_CALL = st.fixed_dictionaries(
    {"id": NAME, "type": st.just("function"), "function": FUNCTION}
) | st.fixed_dictionaries(
    {"id": NAME, "type": st.just("custom"), "custom": st.fixed_dictionaries({"name": NAME, "input": TEXT})}
)
RESPONSE_FORMAT = st.fixed_dictionaries(
    {
        "type": st.just("json_schema"),
        "json_schema": st.fixed_dictionaries(
            {"name": NAME}, optional={"schema": SCHEMA, "description": TEXT}
        ),
    }
) | st.sampled_from([{"type": "text"}, {"type": "json_object"}])


def _part(kind: str, member: object) -> dict[str, object]:
    return {"type": kind, kind: member}


TEXT_PART = st.builds(_part, st.just("text"), TEXT)
PICTURE = st.builds(lambda data: _part("image_url", {"url": f"data:image/png;base64,{data}"}), BYTES)
PICTURE_ELSEWHERE = st.builds(lambda name: _part("image_url", {"url": f"https://example.com/{name}"}), NAME)
RECORDING = st.builds(
    lambda data, kind: _part("input_audio", {"data": data, "format": kind}),
    BYTES,
    st.sampled_from(["mp3", "wav"]),
)


def _message(
    role: str, content: st.SearchStrategy[Any], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"role": st.just(role), "content": content}, optional=optional)


def _messages(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    texts = TEXT | st.lists(TEXT_PART, max_size=3)
    refused = st.builds(_part, st.just("refusal"), TEXT)
    return st.one_of(
        _message("system", texts, name=NAME),
        _message("developer", texts, name=NAME),
        _message("user", TEXT | st.lists(st.one_of(TEXT_PART, *parts), max_size=3), name=NAME),
        _message(
            "assistant",
            st.none() | TEXT | st.lists(TEXT_PART | refused, max_size=3),
            refusal=TEXT,
            reasoning_content=TEXT,
            tool_calls=st.lists(TOOL_CALL, max_size=2),
            function_call=FUNCTION,
        ),
        st.fixed_dictionaries({"role": st.just("tool"), "content": texts, "tool_call_id": NAME}),
        st.fixed_dictionaries({"role": st.just("function"), "content": st.none() | TEXT, "name": NAME}),
    )


def _bodies(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"model": st.just("m"), "messages": st.lists(_messages(*parts), min_size=1, max_size=5)},
        optional={
            "n": st.integers(1, 128),
            "max_tokens": st.integers(1, 10**6),
            "max_completion_tokens": st.integers(1, 10**6),
            "tools": st.lists(TOOL, max_size=3),
            "response_format": RESPONSE_FORMAT,
            "functions": st.lists(st.fixed_dictionaries({"name": NAME, "parameters": SCHEMA}), max_size=2),
            "user": TEXT,
        },
    )


@dataclass(frozen=True)
class Sent:
    """A request as it came in: its JSON, whatever its escapes and its white space."""

    body: bytes

    @property
    def request(self) -> ChatCompletionRequest:
        return validate(ChatCompletionRequest, parse_object(self.body))

    @property
    def members(self) -> dict[str, Any]:
        members: dict[str, Any] = json.loads(self.body)
        return members


def sent(members: dict[str, Any], *, escaped: bool = False, spaced: bool = False) -> Sent:
    """Members as JSON: with ``escaped``, whatever is not ASCII as surrogates and the like."""
    separators = None if spaced else (",", ":")
    return Sent(json.dumps(members, ensure_ascii=escaped, separators=separators).encode())


TEXT_REQUESTS = st.builds(sent, _bodies(), escaped=st.booleans(), spaced=st.booleans())
REQUESTS = st.builds(
    sent, _bodies(PICTURE, PICTURE_ELSEWHERE, RECORDING), escaped=st.booleans(), spaced=st.booleans()
)


STRUCTURE = frozenset(
    {"role", "content", "type", "text", "function", "custom", "tool_calls", "function_call", "json_schema"}
)
"""Members that the model is not shown by name: what they stand for is made of special tokens."""


def texts_read(members: dict[str, Any]) -> Iterator[str]:
    """Every text that the model may be shown, base64 aside: names, roles and the keys of schemas too."""
    for member in ("messages", "tools", "functions", "response_format"):
        yield from _texts(members.get(member))


def _texts(value: object) -> Iterator[str]:
    match value:
        case {"type": "image_url"} | {"type": "input_audio"}:
            pass
        case str():
            yield value
        case list():
            for element in value:
                yield from _texts(element)
        case dict():
            for name, element in value.items():
                if name not in STRUCTURE:
                    yield name
                yield from _texts(element)
        case _:
            pass
