"""Conversations as Anthropic takes them: turns in alternation, results after their calls, nothing lost."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anthropic_calls import CITY, TARGET, USER, call, called, result, sent, target
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.providers.anthropic import chat

MARK = {"cache_control": {"type": "ephemeral"}}
OPUS = "claude-opus-4-8"


def system(text: Any) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: Any, **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **members}


def block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def turns(*messages: dict[str, Any], model: str = "", capabilities: tuple[str, ...] = ()) -> Any:
    to = target(*capabilities, model=model) if model else TARGET
    return sent(to, messages=list(messages), tools=[CITY])["messages"]


class TestSystem:
    def test_is_joined(self) -> None:
        body = sent(messages=[system("a"), {"role": "developer", "content": [block("b"), block("c")]}, USER])
        assert body["system"] == "a\n\nb\n\nc"
        assert body["messages"] == [user([block("Hi")])]

    def test_has_parts_where_they_are_to_be_cached(self) -> None:
        body = sent(messages=[system("a"), system([{**block("b"), **MARK}]), USER])
        assert body["system"] == [block("a"), {**block("b"), **MARK}]

    def test_is_not_there_where_nothing_is_said(self) -> None:
        assert "system" not in sent(messages=[system(""), USER])

    def test_stays_where_it_is_amid_the_conversation(self) -> None:
        found = turns(user("a"), assistant("b"), system("c"), user("d"), assistant("e"), user("f"))
        assert found == [
            user([block("a")]),
            assistant([block("b")]),
            user([block("<system>\nc\n</system>"), block("d")]),
            assistant([block("e")]),
            user([block("f")]),
        ]

    def test_is_a_message_of_its_own_where_the_model_takes_it(self) -> None:
        opus: dict[str, Any] = {"model": OPUS, "capabilities": ("system_messages",)}
        assert turns(user("a"), system("b"), system("c"), assistant("d"), user("e"), system("f"), **opus) == [
            user([block("a")]),
            system([block("b"), block("c")]),
            assistant([block("d")]),
            user([block("e")]),
            system([block("f")]),
        ]

    def test_is_the_users_where_the_model_takes_none_in_this_place(self) -> None:
        opus: dict[str, Any] = {"model": OPUS, "capabilities": ("system_messages",)}
        assert turns(user("a"), system("b"), user("c"), assistant("d"), system("e"), **opus) == [
            user([block("a"), block("<system>\nb\n</system>"), block("c")]),
            assistant([block("d")]),
            user([block("<system>\ne\n</system>")]),
        ]

    def test_does_not_come_between_calls_and_results(self) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            turns(USER, called("1"), system("Quick!"), result("1"))
        assert caught.value.param == "messages[1].tool_calls[0]"


class TestTurns:
    def test_of_one_role_are_one(self) -> None:
        assert turns(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
            user([block("a"), block("b")]),
            assistant([block("c"), block("d")]),
            user([block("e")]),
        ]

    def test_begin_with_the_users(self) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            sent(messages=[system("a"), assistant("b"), USER])
        assert caught.value.param == "messages[1]"

    @pytest.mark.parametrize("messages", [[system("")], [user("")], [system(""), user([])]])
    def test_are_there(self, messages: list[Any]) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            sent(messages=messages)
        assert caught.value.param == "messages"

    def test_are_of_instructions_where_there_is_nothing_else(self) -> None:
        body = sent(messages=[system("a"), user(""), system("b")])
        assert (body.get("system"), body["messages"]) == (None, [user([block("a"), block("b")])])

    def test_names_and_what_clients_send_back_of_replies_are_no_fault(self) -> None:
        reply = assistant("b", refusal=None, annotations=[{"type": "url_citation"}], audio=None, name="x")
        assert turns({**user("a"), "name": "alice"}, reply, user("c"))[1] == assistant([block("b")])

    def test_what_an_sdk_has_read_of_a_reply_is_no_fault(self) -> None:
        reply = assistant("b", parsed={"a": 1}, reasoning="Hm.")
        assert turns(user("a"), reply, user("c"))[1] == assistant([block("b")])
        calling = called("1")
        calling["tool_calls"][0]["function"]["parsed_arguments"] = {"city": "Paris"}
        found = turns(USER, calling, {**result("1"), "name": "weather"})
        assert found[1:] == turns(USER, called("1"), result("1"))[1:]

    def test_refusals_are_said(self) -> None:
        parts = assistant([block("a"), {"type": "refusal", "refusal": "No."}])
        found = turns(USER, parts, user("b"), assistant(None, refusal="Never."), user("c"))
        assert found[1] == assistant([block("a"), block("No.")])
        assert found[3] == assistant([block("Never.")])

    def test_members_that_are_unknown_are_refused_by_name(self) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            sent(messages=[USER, {**user("a"), "priority": 1}])
        assert caught.value.param == "messages[1].priority"


class TestTools:
    def test_all_results_are_one_message_before_what_else_is_said(self) -> None:
        found = turns(USER, called("1", "2"), result("2", "rain"), result("1"), user("And?"))
        assert found[1:] == [
            assistant(
                [
                    {"type": "tool_use", "id": each, "name": "weather", "input": {"city": "Paris"}}
                    for each in "12"
                ]
            ),
            user(
                [
                    {"type": "tool_result", "tool_use_id": "2", "content": "rain"},
                    {"type": "tool_result", "tool_use_id": "1", "content": "sunny"},
                    block("And?"),
                ]
            ),
        ]

    def test_a_call_may_come_with_text(self) -> None:
        found = turns(USER, called("1", content="I look."), result("1"))
        assert [each["type"] for each in found[1]["content"]] == ["text", "tool_use"]

    def test_a_result_may_have_parts_or_nothing(self) -> None:
        parts = [{**block("a"), **MARK}, block("")]
        found = turns(USER, called("1", "2"), result("1", parts), result("2", ""))
        assert found[2]["content"] == [
            {"type": "tool_result", "tool_use_id": "1", "content": [{**block("a"), **MARK}]},
            {"type": "tool_result", "tool_use_id": "2"},
        ]

    @pytest.mark.parametrize("arguments", ["", " ", "{}"])
    def test_a_call_may_have_no_arguments(self, arguments: str) -> None:
        calling = called("1")
        calling["tool_calls"][0]["function"] = {"name": "now", "arguments": arguments}
        assert turns(USER, calling, result("1"))[1]["content"][0]["input"] == {}

    @pytest.mark.parametrize("arguments", ["{", "[]", "null", '{"a": NaN,}', "x"])
    def test_arguments_are_an_object(self, arguments: str) -> None:
        calling = called("1")
        calling["tool_calls"][0]["function"] = {"name": "now", "arguments": arguments}
        with pytest.raises(InvalidRequestError) as caught:
            sent(messages=[USER, calling, result("1")])
        assert caught.value.param == "messages[1].tool_calls[0].function.arguments"

    @pytest.mark.parametrize(
        ("messages", "param"),
        [
            ([USER, called("1")], "messages[1].tool_calls[0]"),
            ([USER, called("1", "2"), result("1")], "messages[1].tool_calls[1]"),
            ([USER, called("1"), USER, result("1")], "messages[1].tool_calls[0]"),
            ([USER, called("1", "2"), result("1"), assistant("a")], "messages[1].tool_calls[1]"),
            ([USER, result("1")], "messages[1].tool_call_id"),
            ([USER, called("1"), result("2")], "messages[2].tool_call_id"),
            ([USER, called("1"), result("1"), result("1")], "messages[3].tool_call_id"),
            ([USER, called("1", "1"), result("1")], "messages[1].tool_calls[1].id"),
        ],
    )
    def test_calls_and_results_belong_together(self, messages: list[Any], param: str) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            sent(messages=messages, tools=[CITY])
        assert caught.value.param == param
        assert param.split(".")[0] in caught.value.message

    def test_ids_that_anthropic_would_refuse_are_replaced_for_call_and_result(self) -> None:
        odd = "functions.weather:0"
        found = turns(
            USER, called(odd, "ok"), result("ok"), result(odd), called(odd, "ok"), result(odd), result("ok")
        )
        ids = [each["id"] for turn in found if turn["role"] == "assistant" for each in turn["content"]]
        answered = [each["tool_use_id"] for turn in found[2::2] for each in turn["content"]]
        assert len(set(ids)) == 4
        assert ids[1] == "ok"
        assert answered == [ids[1], ids[0], ids[2], ids[3]]

    def test_what_other_providers_add_to_a_call_is_no_fault(self) -> None:
        calling = called("1")
        calling["tool_calls"][0] |= {"extra_content": {"google": {"thought_signature": "x"}}, "index": 0}
        assert turns(USER, calling, result("1"))[1]["content"][0].keys() == {"type", "id", "name", "input"}

    @pytest.mark.parametrize(
        ("message", "param"),
        [
            ({"role": "function", "name": "now", "content": "12"}, "messages[1]"),
            (assistant(None, function_call={"name": "now", "arguments": ""}), "messages[1].function_call"),
            (
                assistant(
                    None, tool_calls=[{"id": "1", "type": "custom", "custom": {"name": "a", "input": ""}}]
                ),
                "messages[1].tool_calls[0]",
            ),
        ],
    )
    def test_older_and_newer_ways_to_call_are_refused(self, message: dict[str, Any], param: str) -> None:
        with pytest.raises(UnsupportedParameterError) as caught:
            chat.upstream_request(call(messages=[USER, message]))
        assert caught.value.param == param


TEXTS = st.sampled_from(["", " ", "a", "Grüße", "b\n"])
CONTENTS = TEXTS | st.lists(TEXTS.map(block), max_size=3)


@st.composite
def _conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Whatever OpenAI would take for a conversation that a user begins."""
    messages = [system(draw(CONTENTS)) for _ in range(draw(st.integers(0, 2)))] + [user("begin")]
    for _ in range(draw(st.integers(0, 6))):
        match draw(st.sampled_from(["system", "user", "assistant", "tools"])):
            case "tools":
                ids = draw(st.lists(st.sampled_from(["a", "b:1", "c", ""]), min_size=1, unique=True))
                messages.append(called(*ids, content=draw(CONTENTS)))
                messages += [result(each, draw(CONTENTS)) for each in draw(st.permutations(ids))]
            case "assistant":
                messages.append(assistant(draw(CONTENTS)))
            case role:
                messages.append({"role": role, "content": draw(CONTENTS)})
    return [*messages, user("end")]


@given(_conversations(), st.booleans())
def test_every_conversation_is_one_that_anthropic_takes_and_has_all_that_is_said(
    messages: list[dict[str, Any]], takes_system: bool
) -> None:
    to = target("system_messages", model=OPUS) if takes_system else TARGET
    body = sent(to, messages=messages, tools=[CITY])
    roles = [turn["role"] for turn in body["messages"] if turn["role"] != "system"]
    assert all(one != other for one, other in itertools.pairwise(roles))
    said = json.dumps([body.get("system"), body["messages"]], ensure_ascii=False)
    for message in messages:
        content = message["content"]
        for text in [content] if isinstance(content, str) else [part["text"] for part in content]:
            assert not text.strip() or json.dumps(text, ensure_ascii=False)[1:-1] in said


@given(_conversations())
def test_what_was_sent_before_stays_as_it_was_when_the_conversation_goes_on(
    messages: list[dict[str, Any]],
) -> None:
    before = sent(messages=messages)
    after = sent(messages=[*messages, assistant("So."), user("on")])
    assert after["messages"][: len(before["messages"])] == before["messages"]
    assert after.get("system") == before.get("system")
