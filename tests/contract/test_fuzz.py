"""Random JSON: whatever it is, it gets a good reply or an enveloped 4xx, in time."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_bodies import MODEL, city_tool
from event_stream import chunks_of
from openai_schemas import check_completion, check_error

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(
        ["user", "assistant", "tool", "function", "auto", "text", "json_schema", "image_url", "string"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "function", "name", "schema", "json_schema", "$ref", "items"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

MEMBERS = [
    "model",
    "messages",
    "temperature",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "logprobs",
    "logit_bias",
    "user",
    "seed",
]

GOOD: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Call the weather tool"}],
    "tools": [city_tool("weather")],
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
}

# hypothesis runs many examples in one call of the test: the fixtures are the same for all, as they should be.
FUZZ = settings(
    max_examples=70,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(http: httpx.Client, body: Any) -> None:
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.headers["x-request-id"]
    if reply.status_code != 200:
        assert 400 <= reply.status_code < 500, f"{body!r}: {reply.text}"
        check_error(reply.json())
    elif reply.headers["content-type"].startswith("text/event-stream"):
        chunks_of(reply.content)
    else:
        check_completion(reply.json())


@FUZZ
@given(body=JSON)
def test_any_json(http: httpx.Client, body: Any) -> None:
    check(http, body)


@pytest.mark.parametrize("model", [MODEL, "demo"])
@FUZZ
@given(members=st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3))
def test_any_members(http: httpx.Client, model: str, members: dict[str, Any]) -> None:
    check(http, {"model": model, **GOOD} | members)


@pytest.mark.parametrize("model", [MODEL, "demo"])
@FUZZ
@given(
    messages=st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool"])},
            optional={
                "content": JSON,
                "tool_calls": JSON,
                "tool_call_id": JSON,
                "name": JSON,
            },
        ),
        max_size=3,
    )
)
def test_any_messages(http: httpx.Client, model: str, messages: list[Any]) -> None:
    check(http, {"model": model, "messages": messages})


KEYWORDS = [
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "minItems",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "$defs",
    "additionalProperties",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "multipleOf",
    "minLength",
    "format",
    "uniqueItems",
    "not",
]
VALUES = JSON | st.sampled_from(
    [
        "object",
        "array",
        "string",
        "number",
        "integer",
        "boolean",
        "null",
        "#",
        "#/$defs/a",
        "a",
        5,
        2,
        1e308,
        1e-300,
        {},
    ]
)
SCHEMAS = st.recursive(
    st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=4),
    lambda inner: (
        st.builds(
            lambda keyword, value: {keyword: value},
            st.sampled_from(["items", "not", "additionalProperties"]),
            inner,
        )
        | st.builds(
            lambda keyword, value: {keyword: value}, st.sampled_from(KEYWORDS), st.lists(inner, max_size=3)
        )
        | st.builds(
            lambda value: {"properties": {"a": value}, "required": ["a"], "$defs": {"a": value}}, inner
        )
    ),
    max_leaves=6,
)


@FUZZ
@given(schema=SCHEMAS)
def test_any_schema_for_the_demo_model(http: httpx.Client, schema: Any) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    check(http, {"model": "demo", "messages": GOOD["messages"], "response_format": form})


@FUZZ
@given(parameters=SCHEMAS)
def test_any_parameters_for_the_demo_model(http: httpx.Client, parameters: Any) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    check(http, {"model": "demo", "messages": GOOD["messages"], "tools": tools})
