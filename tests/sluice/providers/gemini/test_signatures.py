"""Signatures there and back: what a reply has of them is what a request sends; the rest stands in test_contents."""

import pytest

from sluice.providers.gemini.signatures import (
    extra_content,
    kept_in,
    signature_in,
    text_detail,
    thought_detail,
)


def test_what_a_reply_has_is_what_is_kept() -> None:
    kept = kept_in([thought_detail("Hm", "a", 0), text_detail("b", 1)])
    assert kept.thoughts == [{"text": "Hm", "thought": True, "thoughtSignature": "a"}]
    assert (kept.text, kept.calls) == ("b", {})
    assert signature_in(extra_content("c")) == "c"


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"type": "reasoning.encrypted", "data": "a"},
        {"type": "reasoning.encrypted", "data": "a", "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "", "format": "google-gemini-v1"},
        {"type": "reasoning.encrypted", "data": 7, "format": "google-gemini-v1"},
        {"type": "reasoning.text", "text": "a", "format": "google-gemini-v1"},
        {"type": "reasoning.text", "text": "a", "signature": None, "format": "google-gemini-v1"},
        {"type": "reasoning.summary", "summary": "a", "format": "google-gemini-v1"},
    ],
)
def test_what_is_no_signature_of_geminis_is_not_kept(detail: dict[str, object]) -> None:
    kept = kept_in([detail])
    assert (kept.thoughts, kept.text, kept.calls) == ([], None, {})


@pytest.mark.parametrize(
    "extra", [None, 7, {}, {"google": None}, {"google": {"thought_signature": ""}}, {"openai": {}}]
)
def test_other_extra_content_has_none(extra: object) -> None:
    assert signature_in(extra) is None
