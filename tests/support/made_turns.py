"""Answers that every provider is made to say: a list of those that matter, and hypothesis's own."""

import json
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from mock_turns import Call, Count, End, Turn

WEATHER = Call("get_weather", ('{"ci', 'ty": "Zür', 'ich 🦊", "days"', ": 3}"), id="call_weather_1")
TRAFFIC = Call("get-traffic_v2", ("{}",), id="call_traffic_2")
NESTED = Call(
    "nested",
    ('{"a": {"b": [1, 2.5, null, true, "\\u2028\\n\\""]}, "c"', ": []}"),
    id="call_nested_3",
)

TURNS: Mapping[str, Turn] = {
    "one piece": Turn(text=("Hello.",)),
    "several pieces": Turn(
        text=("Grüße", ", ", "日本語 😀", " and\u2028a line\u0085that\x0b is\n", "\nnone.")
    ),
    "white space": Turn(text=(" ", "\n", "  two  ")),
    "length": Turn(text=("This goes", " on"), end="length", usage=Count(prompt=5, completion=2)),
    "filtered": Turn(text=("I was", " about"), end="content_filter"),
    "filtered at once": Turn(end="content_filter", usage=Count(prompt=9, completion=0)),
    "nothing": Turn(usage=Count(prompt=3, completion=0)),
    "one call": Turn(calls=(WEATHER,), end="tool_calls"),
    "parallel calls": Turn(calls=(WEATHER, TRAFFIC, NESTED), end="tool_calls"),
    "the same function twice": Turn(
        calls=(WEATHER, Call("get_weather", ('{"city": "Bern"}',), id="call_weather_4")), end="tool_calls"
    ),
    "text, then a call": Turn(text=("Let me", " look."), calls=(TRAFFIC,), end="tool_calls"),
    "reasoning": Turn(
        reasoning=("First I ", "think."),
        signature="c2lnbmF0dXJl",
        text=("Then I", " answer."),
        usage=Count(prompt=20, completion=30, reasoning=11),
    ),
    "reasoning, then calls": Turn(
        reasoning=("Which ", "tool?"),
        signature="c2lnbmF0dXJlMg==",
        calls=(WEATHER, TRAFFIC),
        end="tool_calls",
        usage=Count(prompt=200, completion=60, reasoning=33),
    ),
    "cached": Turn(text=("Known.",), usage=Count(prompt=1_000, completion=3, cached=900)),
    "written to the cache": Turn(
        text=("New.",), usage=Count(prompt=1_000, completion=3, cached=300, cache_written=650)
    ),
    "everything": Turn(
        reasoning=("Hm.",),
        signature="c2ln",
        text=("Well:",),
        calls=(WEATHER, NESTED),
        end="tool_calls",
        usage=Count(prompt=5_000, completion=400, cached=1_024, cache_written=2_048, reasoning=128),
    ),
}

_TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_PIECES = st.lists(_TEXT, max_size=4).map(tuple)
_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=32)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _split(draw: st.DrawFn, text: str) -> Sequence[str]:
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=4)))
    return tuple(text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))


@st.composite
def _calls(draw: st.DrawFn, number: int) -> Call:
    arguments = json.dumps(
        draw(st.dictionaries(_TEXT, _VALUES, max_size=3)), ensure_ascii=draw(st.booleans())
    )
    name = draw(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,20}", fullmatch=True))
    return Call(name, draw(_split(arguments)), id=f"call_{number}")


@st.composite
def _counts(draw: st.DrawFn, *, reasons: bool) -> Count:
    prompt, completion = draw(st.integers(1, 200_000)), draw(st.integers(1, 20_000))
    cached = draw(st.integers(0, prompt))
    return Count(
        prompt=prompt,
        completion=completion,
        cached=cached,
        cache_written=draw(st.integers(0, prompt - cached)),
        reasoning=draw(st.integers(0, completion)) if reasons else 0,
    )


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Any answer that a provider could give."""
    reasoning = draw(_PIECES)
    calls = tuple(draw(_calls(number)) for number in range(draw(st.integers(0, 3))))
    ends: Sequence[End] = ("tool_calls",) if calls else ("stop", "length", "content_filter")
    return Turn(
        text=draw(_PIECES),
        reasoning=reasoning,
        signature=draw(st.sampled_from(("c2lnbmF0dXJl", "c2ln"))) if reasoning else "",
        calls=calls,
        end=draw(st.sampled_from(ends)),
        usage=draw(_counts(reasons=bool(reasoning))),
    )
