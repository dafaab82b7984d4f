"""How much a model thinks."""

from typing import Any

import pytest

from gemini_calls import BUDGETED, LEVELLED, PLAIN, gemini_call, target
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.gemini.thinking import thinking_config, way_of


def config(model: str, effort: str | None = None, *capabilities: str, **members: Any) -> Any:
    to = target(model, *capabilities)
    return thinking_config(gemini_call(to, reasoning_effort=effort, **members).request, to)


@pytest.mark.parametrize(
    ("model", "way"),
    [
        ("gemini-1.5-pro", None),
        ("gemini-2.0-flash", None),
        ("gemini-2.5-flash", "thinking_budget"),
        ("gemini-2.5-flash-lite-preview-09-2025", "thinking_budget"),
        ("models/gemini-2.5-pro", "thinking_budget"),
        ("gemini-2.5-flash-image", None),
        ("gemini-2.5-flash-preview-tts", None),
        ("gemini-3-pro-preview", "thinking_level"),
        ("gemini-3.8-flash", "thinking_level"),
        ("gemini-10-flash", "thinking_level"),
        ("gemini-flash-latest", "thinking_level"),
        ("gemini-pro", None),
        ("gemma-3-27b-it", None),
    ],
)
def test_the_models_id_tells_the_way(model: str, way: str | None) -> None:
    assert way_of(target(model)) == way


@pytest.mark.parametrize("way", ["thinking_budget", "thinking_level"])
def test_the_catalogue_knows_better(way: str) -> None:
    assert way_of(target("gemini-2.0-flash", way)) == way
    assert way_of(target("gemini-3-flash", way)) == way


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (PLAIN, None, None),
        (PLAIN, "none", None),
        (BUDGETED, None, {"includeThoughts": True}),
        (BUDGETED, "none", {"thinkingBudget": 0}),
        (BUDGETED, "minimal", {"thinkingBudget": 1024, "includeThoughts": True}),
        (BUDGETED, "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        (BUDGETED, "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        (BUDGETED, "high", {"thinkingBudget": 24576, "includeThoughts": True}),
        (LEVELLED, None, {"includeThoughts": True}),
        (LEVELLED, "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}),
        (LEVELLED, "low", {"thinkingLevel": "LOW", "includeThoughts": True}),
        (LEVELLED, "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        (LEVELLED, "high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (LEVELLED, "xhigh", {"thinkingLevel": "XHIGH", "includeThoughts": True}),
    ],
)
def test_efforts(model: str, effort: str | None, expected: Any) -> None:
    assert config(model, effort) == expected


def test_the_catalogue_says_which_models_think_least() -> None:
    assert config(LEVELLED, "minimal", "thinking_level", "thinking_minimal") == {
        "thinkingLevel": "MINIMAL",
        "includeThoughts": True,
    }


@pytest.mark.parametrize(
    ("model", "effort", "capabilities"),
    [
        (PLAIN, "low", ()),
        (BUDGETED, "xhigh", ()),
        (BUDGETED, "max", ()),
        ("gemini-2.5-pro", "none", ()),
        ("mine", "none", ("thinking_budget", "thinking_always")),
        (LEVELLED, "none", ()),
        (LEVELLED, "max", ()),
    ],
)
def test_what_a_model_cannot_is_refused(model: str, effort: str, capabilities: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        config(model, effort, *capabilities)
    assert caught.value.param == "reasoning_effort"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"thinking_budget": 512}, {"thinkingBudget": 512, "includeThoughts": True}),
        ({"thinking_level": "low"}, {"thinkingLevel": "low", "includeThoughts": True}),
        (
            {"include_thoughts": False, "thinking_budget": -1},
            {"thinkingBudget": -1, "includeThoughts": False},
        ),
    ],
)
def test_googles_own_config(given: Any, expected: Any) -> None:
    assert config(BUDGETED, extra_body={"google": {"thinking_config": given}}) == expected


@pytest.mark.parametrize("nothing", [None, {}, {"google": {}}, {"google": {"thinking_config": {}}}])
def test_a_config_of_nothing_is_none(nothing: Any) -> None:
    assert config(BUDGETED, extra_body=nothing) == {"includeThoughts": True}


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        (7, InvalidRequestError, "extra_body"),
        ({"google": 7}, InvalidRequestError, "extra_body.google"),
        ({"openai": {}}, UnsupportedParameterError, "extra_body.openai"),
        ({"google": {"cached_content": "x"}}, UnsupportedParameterError, "extra_body.google.cached_content"),
        (
            {"google": {"thinking_config": 7}},
            InvalidRequestError,
            "extra_body.google.thinking_config",
        ),
        (
            {"google": {"thinking_config": {"mood": 7}}},
            UnsupportedParameterError,
            "extra_body.google.thinking_config.mood",
        ),
    ],
)
def test_a_config_that_is_not_understood(body: Any, kind: type[InvalidRequestError], param: str) -> None:
    with pytest.raises(kind) as caught:
        config(BUDGETED, extra_body=body)
    assert caught.value.param == param


def test_it_is_said_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        config(BUDGETED, "low", extra_body={"google": {"thinking_config": {"thinking_budget": 1}}})
    assert caught.value.param == "reasoning_effort"
