"""What candidates say, part by part."""

from typing import Any

import pytest

from sluice.errors import UpstreamError
from sluice.providers.gemini.replies import FINISH_REASONS, Listener, Said, finish_reason


def heard(*parts: Any, listener: Listener | None = None) -> Said:
    return (listener or Listener("chatcmpl-" + "ab" * 16, 0)).hear({"content": {"parts": list(parts)}})


def test_texts_are_joined_and_thoughts_apart() -> None:
    said = heard({"text": "a", "thought": True}, {"text": "b"}, {"text": "c", "thought": True}, {"text": "d"})
    assert (said.text, said.thoughts) == ("bd", "ac")


def test_calls_without_an_id_get_one_by_their_number() -> None:
    listener = Listener("chatcmpl-" + "ab" * 16, 2)
    first = heard({"functionCall": {"name": "f", "args": {"ü": 1.0}}}, listener=listener)
    second = heard(
        {"functionCall": {"name": "g", "id": "given"}}, {"functionCall": {"name": "h"}}, listener=listener
    )
    calls = [*first.calls, *second.calls]
    assert [call.id for call in calls] == [f"call_{'ab' * 12}_2_0", "given", f"call_{'ab' * 12}_2_2"]
    assert [call.index for call in calls] == [0, 1, 2]
    assert [call.arguments for call in calls] == ['{"ü":1.0}', "{}", "{}"]
    assert all(len(call.id) <= 40 for call in calls)


def test_signatures_stay_with_what_they_sign() -> None:
    said = heard(
        {"text": "Hm", "thought": True, "thoughtSignature": "a"},
        {"functionCall": {"name": "f"}, "thoughtSignature": "b"},
        {"text": "", "thoughtSignature": "c"},
        {"thoughtSignature": "d"},
    )
    assert [call.signature for call in said.calls] == ["b"]
    assert said.details == [
        {"type": "reasoning.text", "text": "Hm", "signature": "a", "format": "google-gemini-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "c", "format": "google-gemini-v1", "index": 1},
        {"type": "reasoning.encrypted", "data": "d", "format": "google-gemini-v1", "index": 2},
    ]


@pytest.mark.parametrize("candidate", [{}, {"content": None}, {"content": {}}, {"content": {"parts": None}}])
def test_a_candidate_may_say_nothing(candidate: Any) -> None:
    assert not Listener("x", 0).hear(candidate)


def test_empty_texts_say_nothing() -> None:
    assert not heard({"text": ""}, {"text": "", "thought": True}, {}, {"thought": True})


def test_members_that_are_null_are_not_there() -> None:
    nulls = dict.fromkeys(("functionCall", "inlineData", "executableCode", "thoughtSignature", "thought"))
    said = heard({**nulls, "text": "a"}, {**nulls, "text": None, "functionCall": {"name": "f", "args": None}})
    assert (said.text, [call.arguments for call in said.calls], said.details) == ("a", ["{}"], [])


@pytest.mark.parametrize(
    "part",
    [
        {"text": 7},
        {"functionCall": {"args": {}}},
        {"functionCall": {"name": 7}},
        {"functionCall": {"name": "f", "args": []}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"executableCode": {"code": "1"}},
    ],
)
def test_what_has_no_place_in_an_answer_is_an_upstream_error(part: Any) -> None:
    with pytest.raises(UpstreamError):
        heard(part)


@pytest.mark.parametrize("reason", FINISH_REASONS)
def test_finish_reasons(reason: str) -> None:
    known = FINISH_REASONS[reason]
    assert finish_reason(reason, has_calls=False) == known
    assert finish_reason(reason, has_calls=True) == ("tool_calls" if reason == "STOP" else known)


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "FINISH_REASON_UNSPECIFIED", None, 7, "NEW"]
)
def test_other_reasons_are_failures_that_another_attempt_may_be_free_of(reason: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        finish_reason(reason, has_calls=False)
    assert caught.value.retriable is None
