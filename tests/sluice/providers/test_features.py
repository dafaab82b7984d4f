"""What a request uses, and what is refused for want of it."""

from typing import Any

import pytest

from sluice.api.chat_request import ChatCompletionRequest
from sluice.errors import UnsupportedParameterError
from sluice.providers.features import EVERYTHING, Feature, Features, check_supported, used_features

FUNCTION = {"type": "function", "function": {"name": "f"}}
TURNS: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]


def asked(**members: Any) -> ChatCompletionRequest:
    return ChatCompletionRequest.model_validate({"model": "m", "messages": TURNS, **members})


def part(value: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, value]}]}


USES: tuple[tuple[dict[str, Any], Feature, str], ...] = (
    ({"tools": [FUNCTION]}, Feature.TOOLS, "tools"),
    ({"tools": [FUNCTION], "parallel_tool_calls": False}, Feature.SERIAL_TOOLS, "parallel_tool_calls"),
    ({"tools": [FUNCTION], "tool_choice": "required"}, Feature.TOOL_CHOICE, "tool_choice"),
    ({"tools": [FUNCTION], "tool_choice": FUNCTION}, Feature.TOOL_CHOICE, "tool_choice"),
    (
        {
            "tools": [FUNCTION],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}},
        },
        Feature.ALLOWED_TOOLS,
        "tool_choice",
    ),
    ({"tools": [FUNCTION, {"type": "custom", "custom": {"name": "c"}}]}, Feature.CUSTOM_TOOLS, "tools[1]"),
    ({"functions": [{"name": "f"}]}, Feature.FUNCTIONS, "functions"),
    ({"function_call": "auto"}, Feature.FUNCTIONS, "function_call"),
    (
        {"messages": [*TURNS, {"role": "function", "name": "f", "content": "1"}]},
        Feature.FUNCTIONS,
        "messages[1]",
    ),
    (
        {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}]},
        Feature.FUNCTIONS,
        "messages[0].function_call",
    ),
    (
        part({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
        Feature.IMAGES,
        "messages[0].content[1]",
    ),
    (
        part({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}),
        Feature.REMOTE_IMAGES,
        "messages[0].content[1]",
    ),
    (
        part({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}),
        Feature.AUDIO,
        "messages[0].content[1]",
    ),
    (part({"type": "file", "file": {"file_data": "AA=="}}), Feature.FILES, "messages[0].content[1]"),
    (part({"type": "file", "file": {"file_id": "file-1"}}), Feature.REMOTE_FILES, "messages[0].content[1]"),
    ({"response_format": {"type": "json_object"}}, Feature.JSON_OBJECT, "response_format"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
        Feature.JSON_SCHEMA,
        "response_format",
    ),
    ({"temperature": 0}, Feature.TEMPERATURE, "temperature"),
    ({"top_p": 1}, Feature.TOP_P, "top_p"),
    ({"stop": "."}, Feature.STOP, "stop"),
    ({"n": 2}, Feature.CHOICES, "n"),
    ({"seed": 0}, Feature.SEED, "seed"),
    ({"presence_penalty": 1}, Feature.PENALTIES, "presence_penalty"),
    ({"frequency_penalty": -1}, Feature.PENALTIES, "frequency_penalty"),
    ({"logprobs": True}, Feature.LOGPROBS, "logprobs"),
    ({"logit_bias": {"1": 5}}, Feature.LOGIT_BIAS, "logit_bias"),
    ({"reasoning_effort": "low"}, Feature.REASONING_EFFORT, "reasoning_effort"),
)


def test_every_feature_is_found_in_some_request() -> None:
    assert {feature for _, feature, _ in USES} == set(Feature)


@pytest.mark.parametrize(("members", "feature", "param"), USES, ids=lambda value: str(value)[:40])
def test_a_feature_that_is_not_known_is_refused_by_its_member(
    members: dict[str, Any], feature: Feature, param: str
) -> None:
    request = asked(**members)
    assert (feature, param) in set(used_features(request))
    check_supported(request, EVERYTHING)
    check_supported(request, Features(frozenset(Feature), members=frozenset({"functions", "function_call"})))
    with pytest.raises(UnsupportedParameterError) as caught:
        check_supported(request, Features(frozenset(Feature) - {feature}))
    assert (caught.value.param, caught.value.code) == (param, "unsupported_parameter")


@pytest.mark.parametrize(
    "members",
    [
        {"n": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": False},
        {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "stop": None},
        {"response_format": {"type": "text"}},
        {
            "user": "u",
            "metadata": {"a": "b"},
            "store": True,
            "prompt_cache_key": "k",
            "prompt_cache_options": {"ttl": "30m"},
            "verbosity": "medium",
            "safety_identifier": "s",
        },
        {"service_tier": "auto", "modalities": ["text"]},
        {"web_search_options": None, "prediction": None, "audio": False, "top_k": {}},
        {"search_enabled": False, "stream": True, "stream_options": {"include_usage": True}},
        {"max_tokens": 5, "max_completion_tokens": 5},
    ],
)
def test_what_asks_for_nothing_is_not_refused(members: dict[str, Any]) -> None:
    check_supported(asked(**members), Features(frozenset()))


@pytest.mark.parametrize(
    "members",
    [
        {"top_k": 5},
        {"top_k": 0},
        {"service_tier": "priority"},
        {"modalities": ["audio"]},
        {"verbosity": "low"},
        {"web_search_options": {}},
        {"prediction": {}},
        {"audio": {}},
        {"x": "y"},
    ],
    ids=str,
)
def test_an_unknown_member_is_refused_unless_the_provider_takes_it(members: dict[str, Any]) -> None:
    (name,) = members
    with pytest.raises(UnsupportedParameterError) as caught:
        check_supported(asked(**members), Features(frozenset(Feature)))
    assert caught.value.param == name
    check_supported(asked(**members), Features(frozenset(), members=frozenset({name})))
    check_supported(asked(**members), EVERYTHING)
