"""What each host is asked: in its own words, with nothing that it refuses, or not at all."""

import json
from typing import Any

import pytest

from chat_operations import chat_of
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.validation import validate
from sluice.errors import UnsupportedParameterError
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.features import Feature, check_supported
from sluice.providers.openai.dialect import Dialect
from sluice.providers.openai.host import HostChat
from sluice.providers.registry import PROVIDERS

TARGET = Target("host", "http://host.example/v1", "up", "secret")
USER = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
HOSTS = sorted(kind for kind in PROVIDERS if isinstance(PROVIDERS[kind].chat, HostChat))

ECHOED: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    USER,
    {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "reasoning_content": "Look it up.",
        "reasoning_details": [
            {
                "type": "reasoning.text",
                "text": "Look it up.",
                "signature": "c2ln",
                "format": "mistral-thinking",
            },
            {"type": "reasoning.encrypted", "data": "eA==", "format": "other"},
        ],
        "tool_calls": [
            {"id": "call_0123456789", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_0123456789", "content": "rain"},
]
"""As a client sends it that puts the SDK's message back into the conversation, all members with it."""


def asked(kind: str, **members: Any) -> dict[str, Any]:
    """The body that a host gets, after the pipeline has checked what it can express."""
    request = validate(ChatCompletionRequest, {"model": "asked-for", "messages": [USER], **members})
    provider = PROVIDERS[kind]
    check_supported(request, provider.features)
    sent = chat_of(provider).upstream_request(ProviderCall(request, TARGET, id="x", now=0.0))
    assert sent.url == "http://host.example/v1/chat/completions"
    body: dict[str, Any] = json.loads(sent.body)
    return body


def dialect(kind: str) -> Dialect:
    chat = PROVIDERS[kind].chat
    assert isinstance(chat, HostChat)
    return chat.dialect


@pytest.mark.parametrize("kind", HOSTS)
def test_a_plain_request_is_the_same_for_all(kind: str) -> None:
    members = {"temperature": 0.5, "top_p": 1, "stop": ["x"], "max_tokens": 9}
    assert asked(kind, **members) == {"model": "up", "messages": [USER], **members}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_stream_is_asked_for_usage_where_it_may_be(kind: str) -> None:
    body = asked(kind, stream=True, stream_options={"include_usage": False})
    assert body.get("stream_options") == (None if kind == "mistral" else {"include_usage": True})


@pytest.mark.parametrize("kind", HOSTS)
def test_no_host_gets_a_member_that_it_does_not_declare(kind: str) -> None:
    """Members that ask for nothing are left out where the host would refuse them all the same."""
    body = asked(
        kind,
        n=1,
        logprobs=False,
        logit_bias=None,
        presence_penalty=0,
        tools=[],
        tool_choice="auto",
        parallel_tool_calls=True,
        seed=None,
        store=False,
        user="ann",
        metadata={"a": "b"},
        service_tier="auto",
        modalities=["text"],
        search_enabled=False,
    )
    members = dialect(kind).members
    assert "search_enabled" not in body
    if members is None:
        assert body["user"] == "ann"
    else:
        assert body.keys() <= members | {"model", "messages"}
        assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()
        assert None not in body.values()


MARK = {"cache_control": {"type": "ephemeral"}}
TEXT = {"type": "text", "text": "Hi"}
MARKED: dict[str, dict[str, Any]] = {
    "messages[0].cache_control": {"messages": [{**USER, **MARK}]},
    "messages[1].content[1].cache_control": {
        "messages": [USER, {"role": "user", "content": [TEXT, {**TEXT, **MARK}]}]
    },
    "tools[0].cache_control": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}, **MARK}]
    },
}


@pytest.mark.parametrize("param", MARKED)
@pytest.mark.parametrize("kind", HOSTS)
def test_a_mark_where_to_cache_is_sent_on_or_refused_wherever_it_is(kind: str, param: str) -> None:
    """What a host refuses at the top of a request it does not get in its midst."""
    if kind in {"openrouter", "vllm", "openai-platform"}:
        assert asked(kind, **MARK)["cache_control"] == {"type": "ephemeral"}
        assert '"cache_control"' in json.dumps(asked(kind, **MARKED[param]))
        return
    with pytest.raises(UnsupportedParameterError, match="does not cache by such a mark") as caught:
        asked(kind, **MARKED[param])
    assert caught.value.param == param


@pytest.mark.parametrize("kind", HOSTS)
def test_no_mark_is_no_trouble(kind: str) -> None:
    body = asked(kind, messages=[{"role": "user", "content": [{**TEXT, "cache_control": None}]}])
    assert body["messages"][0]["content"][0].get("cache_control") is None


LIMIT_NAMES = {"openai-platform": "max_completion_tokens", "groq": "max_completion_tokens"}
LIMIT_NAMES |= dict.fromkeys(("xai", "openrouter", "vllm"), "max_completion_tokens")


@pytest.mark.parametrize("kind", HOSTS)
def test_the_output_limit_goes_by_the_name_that_the_host_knows(kind: str) -> None:
    name = LIMIT_NAMES.get(kind, "max_tokens")
    assert asked(kind, max_completion_tokens=9) == {"model": "up", "messages": [USER], name: 9}


def test_of_two_limits_the_larger_one_counts() -> None:
    """By it the money was held."""
    for small, large in ((5, 9), (9, 5)):
        assert asked("mistral", max_tokens=small, max_completion_tokens=large)["max_tokens"] == 9


@pytest.mark.parametrize(
    ("kind", "members", "sent"),
    [
        ("mistral", {"seed": 7}, {"random_seed": 7}),
        ("mistral", {"seed": 0}, {"random_seed": 0}),
        ("mistral", {"tools": [TOOL], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": "any"}),
        ("mistral", {"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": "none"}),
        (
            "mistral",
            {"safe": None, "top_k": 3, "prompt_mode": "reasoning"},
            {"top_k": 3, "prompt_mode": "reasoning"},
        ),
        ("ollama", {"tools": [TOOL], "tool_choice": "none"}, {}),
        ("ollama", {"tools": [TOOL], "tool_choice": "auto"}, {"tools": [TOOL]}),
        ("deepseek", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("groq", {"service_tier": "flex"}, {"service_tier": "flex"}),
        ("groq", {"service_tier": "default"}, {"service_tier": "on_demand"}),
        ("deepseek", {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        (
            "groq",
            {"reasoning_format": "parsed", "user": "ann"},
            {"reasoning_format": "parsed", "user": "ann"},
        ),
        ("together", {"min_p": 0.1, "n": 2}, {"min_p": 0.1, "n": 2}),
        ("openrouter", {"provider": {"order": ["a"]}}, {"provider": {"order": ["a"]}}),
        ("vllm", {"guided_choice": ["a"], "top_k": 3}, {"guided_choice": ["a"], "top_k": 3}),
        ("openai-platform", {"verbosity": "low"}, {"verbosity": "low"}),
    ],
)
def test_the_hosts_own_words(kind: str, members: dict[str, Any], sent: dict[str, Any]) -> None:
    assert asked(kind, **members) == {"model": "up", "messages": [USER], **sent}


@pytest.mark.parametrize(
    ("kind", "members", "param"),
    [
        ("mistral", {"logit_bias": {"1": 5}}, "logit_bias"),
        ("mistral", {"top_a": 1}, "top_a"),
        ("deepseek", {"n": 2}, "n"),
        ("deepseek", {"seed": 1}, "seed"),
        (
            "deepseek",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s"}}},
            "response_format",
        ),
        ("groq", {"logprobs": True}, "logprobs"),
        ("groq", {"n": 2}, "n"),
        ("groq", {"presence_penalty": 1}, "presence_penalty"),
        ("groq", {"logit_bias": {"1": 5}}, "logit_bias"),
        ("together", {"logprobs": True}, "logprobs"),
        ("xai", {"logit_bias": {"1": 5}}, "logit_bias"),
        ("xai", {"functions": [{"name": "f"}]}, "functions"),
        ("openrouter", {"n": 2}, "n"),
        ("vllm", {"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]"),
        ("ollama", {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ("ollama", {"n": 2}, "n"),
        (
            "ollama",
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}]}
                ]
            },
            "messages[0].content[0]",
        ),
        ("groq", {"messages": [{**USER, "name": "ann"}]}, "messages[0].name"),
        ("mistral", {"messages": [{**USER, "name": "ann"}]}, "messages[0].name"),
        ("xai", {"messages": [{"role": "system", "content": "a", "name": "ann"}, USER]}, "messages[0].name"),
        (
            "mistral",
            {"messages": [USER, {"role": "assistant", "content": "a", "audio": {"id": "x"}}]},
            "messages[1].audio",
        ),
    ],
)
def test_what_a_host_cannot_express_is_refused_by_name(
    kind: str, members: dict[str, Any], param: str
) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        asked(kind, **members)
    assert (caught.value.param, caught.value.code) == (param, "unsupported_parameter")


BACK: dict[str, dict[str, Any]] = {
    "openai-platform": {},
    "xai": {},
    "deepseek": {"reasoning_content": "Look it up."},
    "together": {"reasoning_content": "Look it up."},
    "groq": {"reasoning": "Look it up."},
    "vllm": {"reasoning": "Look it up."},
    "ollama": {"reasoning": "Look it up."},
    "openrouter": {"reasoning": "Look it up.", "reasoning_details": ECHOED[2]["reasoning_details"]},
    "mistral": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Look it up."}], "signature": "c2ln"}
        ]
    },
}


@pytest.mark.parametrize("kind", HOSTS)
def test_a_turn_of_thoughts_and_calls_comes_back_as_the_host_wants_it(kind: str) -> None:
    instructions, user, turn, result = asked(kind, messages=ECHOED)["messages"]
    known = dialect(kind)
    assert instructions == {"role": "developer" if known.developer_role else "system", "content": "Be brief."}
    assert user == USER
    thoughts = ("reasoning_content", "reasoning_details", "reasoning")
    came = {name: turn[name] for name in thoughts if name in turn}
    if kind == "mistral":
        came["content"] = turn["content"]
    assert came == BACK[kind]
    if known.message_members is not None:
        assert turn.keys() <= {"role", "content", "tool_calls", *came, *known.message_members}
    assert turn["tool_calls"][0]["id"] == result["tool_call_id"]
    assert (turn["tool_calls"][0]["id"] == "call_0123456789") == (kind != "mistral")
    assert result["content"] == "rain"


def test_an_id_that_mistral_takes_stays() -> None:
    messages = json.loads(json.dumps(ECHOED).replace("call_0123456789", "D681PevKs"))
    assert asked("mistral", messages=messages)["messages"][3]["tool_call_id"] == "D681PevKs"
    made = asked("mistral", messages=ECHOED)["messages"][3]["tool_call_id"]
    assert len(made) == 9
    assert made.isalnum()


def test_a_tool_turn_without_thoughts_gets_a_blank_one_where_there_has_to_be_one() -> None:
    turn = {name: value for name, value in ECHOED[2].items() if not name.startswith("reasoning")}
    messages = [USER, turn, ECHOED[3]]
    assert asked("deepseek", messages=messages)["messages"][1]["reasoning_content"] == " "
    assert "reasoning" not in asked("groq", messages=messages)["messages"][1]
    said = {"role": "assistant", "content": "Hello"}
    assert asked("deepseek", messages=[USER, said, USER])["messages"][1] == said


def test_a_refusal_of_an_earlier_turn_is_said_as_text_where_there_is_no_word_for_it() -> None:
    turn = {"role": "assistant", "content": None, "refusal": "No."}
    parts = {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    assert asked("mistral", messages=[USER, turn, USER])["messages"][1] == {
        "role": "assistant",
        "content": "No.",
    }
    assert asked("mistral", messages=[USER, parts, USER])["messages"][1]["content"] == [
        {"type": "text", "text": "No."}
    ]
    assert asked("xai", messages=[USER, turn, USER])["messages"][1] == turn


@pytest.mark.parametrize("kind", HOSTS)
def test_features_and_members_agree(kind: str) -> None:
    """A host that takes a member has the feature, and the other way round."""
    features = PROVIDERS[kind].features
    members = dialect(kind).members
    if members is not None:
        assert (Feature.SEED in features.known) == ("seed" in members)
        assert (Feature.CHOICES in features.known) == ("n" in members)
        assert (Feature.LOGPROBS in features.known) == ("logprobs" in members)
    assert {Feature.TOOLS, Feature.TEMPERATURE, Feature.STOP, Feature.JSON_OBJECT} <= features.known


def embedded(kind: str, **members: Any) -> dict[str, Any]:
    request = validate(EmbeddingsRequest, {"model": "asked-for", "input": "a", **members})
    operation = PROVIDERS[kind].embeddings
    assert operation is not None
    body: dict[str, Any] = json.loads(
        operation.upstream_request(ProviderCall(request, TARGET, id="x", now=0.0)).body
    )
    return body


def test_embeddings_in_the_hosts_words() -> None:
    given = {"encoding_format": "base64", "user": "ann"}
    assert embedded("mistral", dimensions=5, **given) == {
        "model": "up",
        "input": "a",
        "output_dimension": 5,
        "encoding_format": "base64",
    }
    assert embedded("together", **given) == {"model": "up", "input": "a"}
    assert embedded("vllm", dimensions=5, **given) == {"model": "up", "input": "a", "dimensions": 5, **given}
    with pytest.raises(UnsupportedParameterError) as caught:
        embedded("together", dimensions=5)
    assert caught.value.param == "dimensions"


def test_hosts_without_embeddings_or_completions_have_none() -> None:
    assert {kind for kind in HOSTS if PROVIDERS[kind].embeddings is None} == {"deepseek", "groq", "xai"}
    assert {kind for kind in HOSTS if PROVIDERS[kind].completions is None} == {
        "deepseek",
        "groq",
        "mistral",
        "xai",
    }


@pytest.mark.parametrize("kind", HOSTS)
def test_no_host_gets_what_an_sdk_has_read_of_a_reply(kind: str) -> None:
    function = {"name": "weather", "arguments": "{}", "parsed_arguments": {}}
    turn = {
        **ECHOED[2],
        "parsed": {"a": 1},
        "tool_calls": [{**ECHOED[2]["tool_calls"][0], "function": function}],
    }
    tool = {**ECHOED[3], "name": "weather"}
    found = asked(kind, messages=[USER, turn, tool], tools=[TOOL])["messages"]
    wanted = asked(kind, messages=[USER, ECHOED[2], ECHOED[3]], tools=[TOOL])["messages"]
    assert found[:2] == wanted[:2]
    assert {**found[2], "name": "weather"} == {**wanted[2], "name": "weather"}


@pytest.mark.parametrize("kind", HOSTS)
def test_thoughts_go_by_either_name(kind: str) -> None:
    turns = [
        {"role": "assistant", "content": "a", name: "Hm."} for name in ("reasoning", "reasoning_content")
    ]
    found, wanted = (asked(kind, messages=[USER, turn, USER])["messages"] for turn in turns)
    assert found == wanted
