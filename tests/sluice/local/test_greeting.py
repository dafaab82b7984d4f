"""The greeting's promises."""

import ast
import json
import shlex
from typing import Any

import pytest

from sluice.catalog import Catalog
from sluice.local.greeting import greeting

URL = "http://127.0.0.1:3000"
KEY = "sk-" + "a" * 48
PROVIDERS = {
    "demo": {"kind": "demo"},
    "one": {"kind": "openai", "base_url": "https://one.test/v1", "credential": "ONE_KEY"},
    "two": {"kind": "openai", "base_url": "https://two.test/v1", "credential": "TWO_KEY"},
    "ollama": {"kind": "openai", "base_url": "http://localhost:11434/v1", "credential": "OLLAMA_KEY"},
}


def catalog(*models: dict[str, Any], **providers: dict[str, str]) -> Catalog:
    return Catalog.model_validate({"providers": providers or PROVIDERS, "models": models})


def model(name: str, *providers: str, kind: str = "chat") -> dict[str, Any]:
    candidates = [{"provider": provider, "model": name} for provider in providers]
    return {"id": name, "kind": kind, "candidates": candidates}


@pytest.fixture(autouse=True)
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_KEY", "hush")
    for name in ("TWO_KEY", "OLLAMA_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_it_tells_which_providers_can_be_used_without_telling_their_keys() -> None:
    lines = greeting(URL, KEY, catalog(model("demo", "demo")), 1.5).splitlines()
    assert "Providers:  demo (needs no key), one (ONE_KEY), ollama (on this machine, without a key)" in lines
    assert "Not set up: two (set TWO_KEY)" in lines
    assert "hush" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ({"brave": {"kind": "brave", "credential": "ONE_KEY"}}, "Web search: brave"),
        (
            {
                "brave": {"kind": "brave", "credential": "TWO_KEY"},
                "own": {"kind": "searxng", "base_url": "http://localhost:8888"},
                "off": {"kind": "duckduckgo", "enabled": False},
            },
            "Web search: own",
        ),
        (
            {
                "brave": {"kind": "brave", "credential": "TWO_KEY"},
                "t": {"kind": "tavily", "credential": "T_KEY"},
            },
            "Web search: none (set TWO_KEY or T_KEY)",
        ),
        ({}, None),
        ({"off": {"kind": "duckduckgo", "enabled": False}}, None),
    ],
)
def test_it_tells_which_search_engines_can_be_used(rows: dict[str, Any], line: str | None) -> None:
    made = Catalog.model_validate({"providers": PROVIDERS, "search": rows})
    found = [each for each in greeting(URL, KEY, made, 1.5).splitlines() if each.startswith("Web search")]
    assert found == ([line] if line else [])


def curl_body(text: str) -> Any:
    arguments = shlex.split(text[text.index("curl") : text.index("\n\nOr in")])
    assert f"{URL}/v1/chat/completions" in arguments
    assert f"Authorization: Bearer {KEY}" in arguments
    return json.loads(arguments[-1])


def python_model(text: str) -> Any:
    calls = [
        node for node in ast.walk(ast.parse(text[text.index("from openai") :])) if isinstance(node, ast.Call)
    ]
    (name,) = [word.value for call in calls for word in call.keywords if word.arg == "model"]
    return ast.literal_eval(name)


@pytest.mark.parametrize(
    ("models", "named"),
    [
        ([model("a", "one"), model("try-me", "demo")], "try-me"),
        ([model("a", "two", "one"), model("b", "one", "two"), model("c", "one")], "b"),
        ([model("a", "one", kind="image"), model("b", "ollama")], "b"),
        ([model('it\'s "{odd}"/µ', "one")], 'it\'s "{odd}"/µ'),
    ],
    ids=["demo first", "ready first", "chat only", "quoted"],
)
def test_the_shell_and_python_read_the_snippets_which_name_a_model_that_answers(
    models: list[dict[str, Any]], named: str
) -> None:
    text = greeting(URL, KEY, catalog(*models), 1.5)
    body = curl_body(text)
    assert (body["model"], body["stream"], body["messages"][0]["role"]) == (named, True, "user")
    assert python_model(text) == named


def test_without_a_provider_that_is_ready_it_says_what_to_do() -> None:
    text = greeting(URL, KEY, catalog(model("a", "two"), two=PROVIDERS["two"]), 1.5)
    assert "Providers:  none\nNot set up: two (set TWO_KEY)\n" in text
    assert text.endswith("\n\nNothing can answer yet: set one of the variables above and start again.\n")
    assert "curl" not in text


def test_without_a_chat_model_there_is_nothing_to_paste() -> None:
    text = greeting(URL, KEY, catalog(model("a", "one", kind="image")), 1.5)
    assert f"GET {URL}/v1/models shows them" in text, "those that the providers list"
    assert "curl" not in text
