"""A conversation as Converse has it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_calls import USER, call, messages, sent
from sluice.errors import InvalidRequestError, SluiceError, UnsupportedParameterError
from sluice.providers.bedrock import chat
from sluice.providers.bedrock.reasoning import FORMAT

CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
}
CALLED: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERED: dict[str, Any] = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
CACHED: dict[str, Any] = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
POINT: dict[str, Any] = {"cachePoint": {"type": "default"}}


SIGNED: dict[str, Any] = {
    "type": "reasoning.text",
    "text": "Hm.",
    "signature": "s",
    "format": FORMAT,
    "index": 0,
}
SECRET: dict[str, Any] = {"type": "reasoning.encrypted", "data": "AAEC", "format": FORMAT, "index": 1}


def text(*said: str) -> list[dict[str, Any]]:
    return [{"text": each} for each in said]


def test_instructions_stand_apart() -> None:
    body = sent(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}, CACHED]},
            USER,
            {"role": "system", "content": ""},
        ]
    )
    assert body["system"] == [*text("Be brief.", "Be kind.", "long"), POINT]
    assert body["messages"] == [{"role": "user", "content": text("Hi")}]


def test_turns_alternate() -> None:
    found = messages(
        USER, USER, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, USER
    )
    assert [(turn["role"], turn["content"]) for turn in found] == [
        ("user", text("Hi", "Hi")),
        ("assistant", text("a", "b")),
        ("user", text("Hi")),
    ]


@pytest.mark.parametrize("nothing", ["", " \n", None, []])
def test_a_message_that_says_nothing_is_none(nothing: Any) -> None:
    silent = {"role": "assistant", "content": nothing}
    assert messages(USER, silent, USER) == [{"role": "user", "content": text("Hi", "Hi")}]


def test_instructions_alone_are_the_users_words() -> None:
    body = sent(
        messages=[{"role": "system", "content": "Be brief."}, {"role": "system", "content": [CACHED]}]
    )
    assert body.get("system") is None
    assert body["messages"] == [{"role": "user", "content": [*text("Be brief.", "long"), POINT]}]


@pytest.mark.parametrize("role", ["user", "system"])
def test_something_has_to_be_said(role: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        messages({"role": role, "content": ""})
    assert caught.value.param == "messages"


def test_what_tools_answer_is_the_users_next_turn() -> None:
    second = {**CALL, "id": "call_2", "function": {"name": "now", "arguments": ""}}
    found = messages(
        USER,
        {**CALLED, "content": "I look.", "tool_calls": [CALL, second]},
        ANSWERED,
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
        USER,
    )
    assert found[1]["content"] == [
        {"text": "I look."},
        {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {"city": "Rome"}}},
        {"toolUse": {"toolUseId": "call_2", "name": "now", "input": {}}},
    ]
    assert found[2] == {
        "role": "user",
        "content": [
            {"toolResult": {"toolUseId": "call_1", "content": text("sunny")}},
            {"toolResult": {"toolUseId": "call_2", "content": text("noon")}},
            {"text": "Hi"},
        ],
    }


def test_an_empty_answer_of_a_tool_is_none() -> None:
    found = messages(USER, CALLED, {**ANSWERED, "content": ""})
    assert found[2]["content"] == [{"toolResult": {"toolUseId": "call_1", "content": []}}]


@pytest.mark.parametrize("strange", ["", "fc_" + "x" * 80, "functions.weather:0", "call 1", "ü\ud800"])
def test_ids_that_do_not_fit_are_mapped_alike_on_both_sides(strange: str) -> None:
    found = messages(
        USER, {**CALLED, "tool_calls": [{**CALL, "id": strange}]}, {**ANSWERED, "tool_call_id": strange}
    )
    used = found[1]["content"][0]["toolUse"]["toolUseId"]
    assert used == found[2]["content"][0]["toolResult"]["toolUseId"]
    assert (used == strange) == (strange == "functions.weather:0")


def test_a_refusal_is_a_text() -> None:
    part = {"type": "refusal", "refusal": "No."}
    found = messages(USER, {"role": "assistant", "content": [part], "refusal": "Never."}, USER)
    assert found[1]["content"] == text("No.", "Never.")


def test_marks_of_the_cache_follow_their_part() -> None:
    minutes = {**CACHED, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    tool = {**ANSWERED, "content": [CACHED]}
    found = messages({"role": "user", "content": [CACHED, minutes]}, CALLED, tool)
    assert found[0]["content"] == [{"text": "long"}, POINT, {"text": "long"}, POINT]
    assert found[2]["content"][1] == POINT


@pytest.mark.parametrize(
    "control", ["ephemeral", {}, {"type": "forever"}, {"type": "ephemeral", "ttl": "1h"}]
)
def test_other_marks_are_refused(control: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        messages({"role": "user", "content": [{**CACHED, "cache_control": control}]})
    assert caught.value.param is not None
    assert caught.value.param.removesuffix(".ttl") == "messages[0].content[0].cache_control"


class TestThoughts:
    def blocks(self, *details: dict[str, Any]) -> list[dict[str, Any]]:
        said = {
            "role": "assistant",
            "content": "a",
            "reasoning_content": "Hm.",
            "reasoning_details": list(details),
        }
        found: list[dict[str, Any]] = messages(USER, said, USER)[1]["content"]
        return found

    def test_come_back_unchanged_before_the_rest(self) -> None:
        assert self.blocks(SIGNED, SECRET) == [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
            {"reasoningContent": {"redactedContent": "AAEC"}},
            {"text": "a"},
        ]

    @pytest.mark.parametrize(
        "detail",
        [
            {**SIGNED, "signature": None},
            {**SIGNED, "format": "google-gemini-v1"},
            {**SECRET, "format": None},
            {"type": "reasoning.summary", "summary": "x", "format": FORMAT},
        ],
    )
    def test_of_others_or_unsigned_are_for_reading_only(self, detail: dict[str, Any]) -> None:
        assert self.blocks(detail) == text("a")

    @pytest.mark.parametrize(
        ("detail", "member"), [({**SIGNED, "text": 5}, "text"), ({**SECRET, "data": None}, "data")]
    )
    def test_that_are_broken_are_refused(self, detail: dict[str, Any], member: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            self.blocks(detail)
        assert caught.value.param == f"messages[1].reasoning_details[0].{member}"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (
            [USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]}],
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            [USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "[]"}}]}],
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            [USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "a b", "arguments": "{}"}}]}],
            "messages[1].tool_calls[0].function.name",
        ),
    ],
)
def test_what_bedrock_would_refuse_is_refused_by_name(given: list[dict[str, Any]], param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        chat.upstream_request(call(messages=given))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "function", "name": "f", "content": "x"}, "messages[1]"),
        (
            {"role": "assistant", "content": "x", "function_call": {"name": "f", "arguments": "{}"}},
            "messages[1].function_call",
        ),
        (
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": ""}}],
            },
            "messages[1].tool_calls[0]",
        ),
    ],
)
def test_what_bedrock_cannot_say_is_refused_by_name(message: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        chat.upstream_request(call(messages=[USER, message]))
    assert caught.value.param == param


TEXTS = st.text(max_size=5) | st.sampled_from(["", " ", "a"])
TURNS = st.lists(
    st.one_of(
        st.builds(lambda said: [{"role": "user", "content": said}], TEXTS),
        st.builds(lambda said: [{"role": "system", "content": said}], TEXTS),
        st.builds(lambda said: [{"role": "assistant", "content": said}], TEXTS),
        st.builds(
            lambda ids, said: [
                {"role": "assistant", "content": said, "tool_calls": [{**CALL, "id": each} for each in ids]},
                *({"role": "tool", "tool_call_id": each, "content": said} for each in ids),
            ],
            st.lists(st.text(max_size=70), min_size=1, max_size=3, unique=True),
            TEXTS,
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(TURNS)
def test_any_conversation_is_taken_by_bedrock_or_refused_by_name(turns: list[list[dict[str, Any]]]) -> None:
    given_messages = [USER, *(message for turn in turns for message in turn)]
    try:
        sent(messages=given_messages)
    except SluiceError as error:
        assert error.status == 400
        assert error.param is not None


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "size": 1}}
STRANGE_CALL = {**CALL, "when": "now"}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ([{**USER, "priority": 1}], "messages[0].priority"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a", "lang": "de"}]}],
            "messages[0].content[0].lang",
        ),
        ([{"role": "user", "content": [PICTURE]}], "messages[0].content[0].image_url.size"),
        ([USER, {**CALLED, "tool_calls": [STRANGE_CALL]}, ANSWERED], "messages[1].tool_calls[0].when"),
        ([USER, CALLED, {**ANSWERED, "is_error": True}], "messages[2].is_error"),
    ],
)
def test_members_that_are_unknown_are_refused_by_name(given: list[dict[str, Any]], param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        messages(*given)
    assert caught.value.param == param


def test_what_clients_send_back_of_replies_is_no_fault() -> None:
    read = {**CALL, "index": 0, "function": {**CALL["function"], "parsed_arguments": {"city": "Rome"}}}
    reply = {
        **CALLED,
        "audio": None,
        "annotations": [],
        "parsed": {},
        "reasoning": "Hm.",
        "tool_calls": [read],
    }
    assert messages(USER, reply, {**ANSWERED, "name": "weather"}) == messages(USER, CALLED, ANSWERED)
