"""How the answer is to be made."""

from typing import Any

import pytest

from gemini_calls import BUDGETED, sent_body
from sluice.errors import InvalidRequestError, UnsupportedParameterError

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def config(**members: Any) -> Any:
    return sent_body(**members).get("generationConfig")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": 0, "topP": 0.5}),
        ({"top_k": 40}, {"topK": 40}),
        ({"max_tokens": 7}, {"maxOutputTokens": 7}),
        ({"max_completion_tokens": 7}, {"maxOutputTokens": 7}),
        ({"max_completion_tokens": 7, "max_tokens": 9}, {"maxOutputTokens": 7}),
        ({"stop": "a"}, {"stopSequences": ["a"]}),
        ({"stop": ["a", "b"]}, {"stopSequences": ["a", "b"]}),
        ({"n": 1}, None),
        ({"n": 8}, {"candidateCount": 8}),
        ({"seed": -(2**31)}, {"seed": -(2**31)}),
        (
            {"presence_penalty": -2, "frequency_penalty": 0.5},
            {"presencePenalty": -2, "frequencyPenalty": 0.5},
        ),
        ({"logprobs": True}, {"responseLogprobs": True}),
        ({"logprobs": True, "top_logprobs": 5}, {"responseLogprobs": True, "logprobs": 5}),
        ({"logprobs": False, "top_logprobs": 0}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "description": "A", "schema": SCHEMA, "strict": True},
                }
            },
            {"responseMimeType": "application/json", "responseJsonSchema": {"description": "A", **SCHEMA}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            {"responseMimeType": "application/json"},
        ),
        ({"user": "ann", "metadata": {"a": "b"}, "store": False}, None),
    ],
)
def test_members(members: Any, expected: Any) -> None:
    assert config(**members) == expected


def test_a_model_that_thinks_is_asked_for_its_thoughts() -> None:
    body = sent_body(BUDGETED)
    assert body["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}


@pytest.mark.parametrize(
    ("members", "kind", "param"),
    [
        ({"n": 9}, UnsupportedParameterError, "n"),
        ({"seed": 2**31}, UnsupportedParameterError, "seed"),
        ({"top_k": "40"}, InvalidRequestError, "top_k"),
        ({"top_k": True}, InvalidRequestError, "top_k"),
        ({"top_k": 0}, InvalidRequestError, "top_k"),
        ({"safety_settings": {"a": 1}}, InvalidRequestError, "safety_settings"),
        ({"safety_settings": [7]}, InvalidRequestError, "safety_settings"),
        (
            {"response_format": {"type": "json_object", "x": 1}},
            UnsupportedParameterError,
            "response_format.x",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "x": 1}}},
            UnsupportedParameterError,
            "response_format.json_schema.x",
        ),
    ],
)
def test_what_cannot_be_said(members: Any, kind: type[InvalidRequestError], param: str) -> None:
    with pytest.raises(kind) as caught:
        config(**members)
    assert caught.value.param == param


def test_safety_settings_are_googles_own() -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    assert sent_body(safety_settings=settings)["safetySettings"] == settings


def pictures(*details: str | None) -> list[Any]:
    parts = [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": detail}}
        for detail in details
    ]
    return [{"role": "user", "content": parts}]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ((None, "auto"), None),
        (("low", "low"), {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        (("high",), {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}),
    ],
)
def test_detail_is_of_all_pictures(details: Any, expected: Any) -> None:
    assert config(messages=pictures(*details)) == expected


@pytest.mark.parametrize(("details", "place"), [(("low", "auto"), 1), (("high", "low"), 1), (("odd",), 0)])
def test_other_details_are_refused(details: Any, place: int) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        config(messages=pictures(*details))
    assert caught.value.param == f"messages[0].content[{place}].image_url.detail"
