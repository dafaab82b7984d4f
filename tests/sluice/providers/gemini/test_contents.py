"""Conversations: roles, turns, instructions."""

from typing import Any

import pytest

from gemini_calls import LEVELLED, sent_body
from sluice.errors import InvalidRequestError, UnsupportedParameterError


def user(content: Any = "Hi", **members: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **members}


def assistant(content: Any = "Hello", **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **members}


def contents(*messages: dict[str, Any], model: str = "gemini-2.0-flash") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent_body(model, messages=list(messages))["contents"]
    return found


def texts(*found: str) -> list[dict[str, str]]:
    return [{"text": text} for text in found]


def test_roles_are_named_as_gemini_names_them() -> None:
    assert contents(user("a"), assistant("b"), user("c")) == [
        {"role": "user", "parts": texts("a")},
        {"role": "model", "parts": texts("b")},
        {"role": "user", "parts": texts("c")},
    ]


def test_successive_messages_of_one_role_are_one_turn() -> None:
    assert contents(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        {"role": "user", "parts": texts("a", "b")},
        {"role": "model", "parts": texts("c", "d")},
        {"role": "user", "parts": texts("e")},
    ]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_go_before_the_conversation_wherever_they_stand(role: str) -> None:
    body = sent_body(
        messages=[
            {"role": role, "content": "first"},
            user("a"),
            assistant("b"),
            {
                "role": role,
                "content": [{"type": "text", "text": "second"}, {"type": "text", "text": "third"}],
            },
            user("c"),
        ]
    )
    assert body["systemInstruction"] == {"parts": texts("first", "second", "third")}
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]


def test_nothing_but_instructions_are_the_users_words() -> None:
    body = sent_body(messages=[{"role": "system", "content": "Say hello"}])
    assert body == {"contents": [{"role": "user", "parts": texts("Say hello")}]}


def test_parts_stay_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert contents(user(parts)) == [{"role": "user", "parts": texts("a", "b")}]


def test_refusals_are_what_the_model_said() -> None:
    said = assistant([{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}], refusal="c")
    assert contents(user(), said, user())[1] == {"role": "model", "parts": texts("a", "b", "c")}


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_assistants_turn_that_says_nothing_is_none(empty: Any) -> None:
    assert contents(user("a"), assistant(empty), user("b")) == [{"role": "user", "parts": texts("a", "b")}]


@pytest.mark.parametrize("empty", ["", []])
def test_a_users_empty_words_are_words(empty: Any) -> None:
    assert contents(user(empty)) == [{"role": "user", "parts": texts("")}]


def test_a_users_name_stands_before_the_words() -> None:
    assert contents(user("Hi", name="ann")) == [{"role": "user", "parts": texts("ann:", "Hi")}]
    assert contents(user(), assistant(name="bot"), user())[1]["parts"] == texts("Hello")


def test_thoughts_stay_here_and_their_signatures_go_back() -> None:
    details = [
        {
            "type": "reasoning.text",
            "text": "Hm",
            "signature": "c2ln",
            "format": "google-gemini-v1",
            "index": 0,
        },
        {"type": "reasoning.encrypted", "data": "dGV4dA==", "format": "google-gemini-v1", "index": 1},
        {
            "type": "reasoning.text",
            "text": "Hm",
            "signature": "no",
            "format": "anthropic-claude-v1",
            "index": 2,
        },
    ]
    said = assistant("Hello", reasoning_content="Hm, a greeting", reasoning_details=details)
    assert contents(user(), said, user())[1]["parts"] == [
        {"text": "Hm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Hello", "thoughtSignature": "dGV4dA=="},
    ]


def test_the_signature_of_a_text_that_is_none_has_a_part_of_its_own() -> None:
    details = [{"type": "reasoning.encrypted", "data": "dGV4dA==", "format": "google-gemini-v1"}]
    said = assistant(None, reasoning_details=details)
    assert contents(user(), said, user())[1]["parts"] == [{"text": "", "thoughtSignature": "dGV4dA=="}]


def test_a_message_may_have_its_signature_where_googles_endpoint_puts_it() -> None:
    said = assistant("Hello", extra_content={"google": {"thought_signature": "dGV4dA=="}})
    assert contents(user(), said, user())[1]["parts"][0]["thoughtSignature"] == "dGV4dA=="


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (user("Hi", cache_control={"type": "ephemeral"}), "messages[0].cache_control"),
        (user([{"type": "text", "text": "a", "mood": 1}]), "messages[0].content[0].mood"),
        ({"role": "system", "content": "a", "mood": 1}, "messages[0].mood"),
        (
            {"role": "system", "content": [{"type": "text", "text": "a", "mood": 1}]},
            "messages[0].content[0].mood",
        ),
        (assistant("Hi", audio={"id": "audio_1"}), "messages[0].audio"),
        (assistant([{"type": "text", "text": "a", "mood": 1}]), "messages[0].content[0].mood"),
        (assistant(None, function_call={"name": "f", "arguments": "{}"}), "messages[0].function_call"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[0]"),
    ],
)
def test_what_has_no_place_is_refused_by_name(message: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        contents(message, user())
    assert caught.value.param == param


def test_a_mark_where_to_cache_is_refused_and_why() -> None:
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    with pytest.raises(UnsupportedParameterError, match="does not cache by such a mark") as caught:
        contents(user([part]))
    assert caught.value.param == "messages[0].content[0].cache_control"


def test_members_that_ask_for_nothing_are_no_trouble() -> None:
    said = assistant("Hi", audio=None, annotations=[], function_call=None, tool_calls=None)
    assert contents(user("a", mood=None), said, user())[1]["parts"] == texts("Hi")


def test_what_an_sdk_has_read_of_a_reply_is_no_trouble() -> None:
    said = assistant("Hi", parsed={"a": 1}, reasoning="Hm.")
    assert contents(user("a"), said, user())[1]["parts"] == texts("Hi")
    calling = assistant(None, tool_calls=[call("1")])
    read = assistant(None, tool_calls=[call("1")])
    read["tool_calls"][0]["function"] = {**read["tool_calls"][0]["function"], "parsed_arguments": {}}
    assert contents(user(), read, answer("1")) == contents(user(), calling, answer("1"))


def call(call_id: str, **members: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}, **members}


def answer(call_id: str, content: Any = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([user(), answer("x")], "messages[1].tool_call_id"),
        ([user(), assistant(tool_calls=[call("a")]), answer("b")], "messages[2].tool_call_id"),
        (
            [user(), assistant(tool_calls=[call("a")]), answer("a"), answer("a")],
            "messages[3].tool_call_id",
        ),
        ([user(), assistant(tool_calls=[call("a")]), user()], "messages[1].tool_calls[0].id"),
        ([user(), assistant(tool_calls=[call("a")])], "messages[1].tool_calls[0].id"),
        (
            [user(), assistant(tool_calls=[call("a"), call("b")]), answer("a")],
            "messages[1].tool_calls[1].id",
        ),
        (
            [user(), assistant(tool_calls=[call("a"), call("b")]), answer("a"), assistant(), answer("b")],
            "messages[1].tool_calls[1].id",
        ),
        ([user(), assistant(tool_calls=[call("a"), call("a")])], "messages[1].tool_calls[1].id"),
    ],
)
def test_calls_and_answers_belong_together(messages: list[Any], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        contents(*messages)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_answers_of_one_step_are_one_turn_and_so_are_the_users_words_after_them() -> None:
    found = contents(
        user("both"),
        assistant(None, tool_calls=[call("a"), call("b")]),
        {"role": "system", "content": "in between"},
        answer("b", '{"n": 2}'),
        answer("a"),
        user("and?"),
    )
    assert [content["role"] for content in found] == ["user", "model", "user"]
    assert found[2]["parts"] == [
        {"functionResponse": {"id": "b", "name": "f", "response": {"n": 2}}},
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": "ok"}}},
        {"text": "and?"},
    ]


class TestUnsignedCalls:
    """Of models that want their calls signed: the first call of each step since the user's last words."""

    HISTORY = (
        user("one"),
        assistant(None, tool_calls=[call("a")]),
        answer("a"),
        assistant("done"),
        user("two"),
        assistant(None, tool_calls=[call("b"), call("c")]),
        answer("b"),
        answer("c"),
        assistant(None, tool_calls=[call("d", extra_content={"google": {"thought_signature": "c2lnbmVk"}})]),
        answer("d"),
        assistant("Let me see", tool_calls=[call("e")]),
        answer("e"),
    )

    @staticmethod
    def signatures(model: str, *messages: dict[str, Any]) -> dict[str, str | None]:
        parts = [part for content in contents(*messages, model=model) for part in content["parts"]]
        calls = [part for part in parts if "functionCall" in part]
        return {part["functionCall"]["id"]: part.get("thoughtSignature") for part in calls}

    def test_get_the_value_that_skips_the_check(self) -> None:
        skip = "skip_thought_signature_validator"
        assert self.signatures(LEVELLED, *self.HISTORY) == {
            "a": None,
            "b": skip,
            "c": None,
            "d": "c2lnbmVk",
            "e": skip,
        }

    def test_are_not_looked_at_once_the_user_has_spoken_again(self) -> None:
        found = self.signatures(LEVELLED, *self.HISTORY, user("three"))
        assert found == {"a": None, "b": None, "c": None, "d": "c2lnbmVk", "e": None}

    def test_are_as_they_are_for_earlier_models(self) -> None:
        assert self.signatures("gemini-2.5-flash", *self.HISTORY)["b"] is None

    def test_may_have_their_signatures_in_the_reasoning_details(self) -> None:
        details = [{"type": "reasoning.encrypted", "data": "c2ln", "format": "google-gemini-v1", "id": "a"}]
        said = assistant(None, tool_calls=[call("a")], reasoning_details=details)
        assert self.signatures(LEVELLED, user(), said, answer("a")) == {"a": "c2ln"}
