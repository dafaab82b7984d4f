"""The greeting's promises."""

import ast
import shlex

import pytest

from sluice.catalog import Catalog
from sluice.local.greeting import greeting

URL = "http://127.0.0.1:3000"
KEY = "sk-" + "a" * 48
CATALOG = Catalog.model_validate(
    {
        "providers": {
            "demo": {"kind": "demo"},
            "one": {"kind": "openai", "base_url": "https://one.test/v1", "credential": "ONE_KEY"},
            "two": {"kind": "openai", "base_url": "https://two.test/v1", "credential": "TWO_KEY"},
        },
        "models": [],
    }
)


def test_it_tells_which_providers_can_be_used_without_telling_their_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONE_KEY", "hush")
    monkeypatch.delenv("TWO_KEY", raising=False)
    lines = greeting(URL, KEY, CATALOG, 1.5).splitlines()
    assert "Providers:  demo (needs no key), one (ONE_KEY)" in lines
    assert "Not set up: two (set TWO_KEY)" in lines
    assert "hush" not in "\n".join(lines)


def test_the_shell_and_python_read_the_snippets() -> None:
    text = greeting(URL, KEY, CATALOG, 1.5)
    curl = text[text.index("curl") : text.index("\n\nOr in")]
    arguments = shlex.split(curl)
    assert f"{URL}/v1/chat/completions" in arguments
    assert f"Authorization: Bearer {KEY}" in arguments
    ast.parse(text[text.index("from openai") :])
