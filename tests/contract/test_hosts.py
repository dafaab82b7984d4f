"""Hosts that are particular about what they are asked, behind a running gateway: clients notice nothing of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from dev_server import DevServer
from mock_hosts import HOSTS, MockHost
from openai_schemas import check_completion
from sdk_clients import Traffic, sync_client

PROVIDER = """
[providers.{kind}]
kind = "{kind}"
base_url = "{url}"
credential = "{variable}"

[[models]]
id = "{kind}-model"
candidates = [{{ provider = "{kind}", model = "up" }}]
context_tokens = 1000000
output_tokens = 1000
price = {{ input = "1", cached_input = "0.1", output = "2" }}

[[models]]
id = "{kind}-old"
retired = 2026-06-01
successor = "{kind}-model"
"""
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
INSTRUCTIONS: Any = {"role": "developer", "content": "Be brief."}
QUESTION: Any = {"role": "user", "content": "How is the weather in Zürich?"}


@pytest.fixture(scope="module")
def mocks() -> Iterator[dict[str, MockHost]]:
    found = {kind: MockHost(kind, f"key-of-{kind}") for kind in HOSTS}
    for mock in found.values():
        mock.__enter__()
    yield found
    for mock in found.values():
        mock.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(mocks: dict[str, MockHost], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    directory: Path = tmp_path_factory.mktemp("hosts")
    variables = {kind: f"{kind.upper()}_TEST_KEY" for kind in mocks}
    rows = [
        PROVIDER.format(kind=kind, url=mock.url, variable=variables[kind]) for kind, mock in mocks.items()
    ]
    (directory / "catalog.toml").write_text("".join(rows))
    settings = {variables[kind]: mock.credential for kind, mock in mocks.items()}
    with DevServer(
        directory, {"SLUICE_CATALOG": "catalog.toml", "SLUICE_IP_RPM": "0", **settings}
    ) as running:
        yield running


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def client(server: DevServer, traffic: Traffic) -> Iterator[openai.OpenAI]:
    with sync_client(f"{server.state.url}/v1", server.key, traffic) as found:
        yield found


@pytest.mark.parametrize("kind", HOSTS)
def test_a_tool_loop_with_all_that_clients_send_back(
    client: openai.OpenAI, mocks: dict[str, MockHost], kind: str
) -> None:
    """The SDK's message goes back as it came, with members that the host would refuse."""
    first = client.chat.completions.create(
        model=f"{kind}-model",
        messages=[INSTRUCTIONS, QUESTION],
        tools=[TOOL],
        tool_choice="required",
        max_completion_tokens=50,
        user="ann",
        store=False,
    )
    message = first.choices[0].message
    (call,) = message.tool_calls or []
    assert first.choices[0].finish_reason == "tool_calls"
    turn: Any = message.model_dump()
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    second = client.chat.completions.create(
        model=f"{kind}-model", messages=[INSTRUCTIONS, QUESTION, turn, result], tools=[TOOL]
    )
    assert second.choices[0].message.content == "Grüezi!"
    sent = mocks[kind].chats[-1]["messages"]
    assert sent[2]["tool_calls"][0]["id"] == sent[3]["tool_call_id"]


@pytest.mark.parametrize("kind", HOSTS)
def test_a_conversation_that_another_provider_began(client: openai.OpenAI, kind: str) -> None:
    """With its ids, and without what this host thinks."""
    turn: Any = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_of_another_provider",
                "type": "function",
                "function": {"name": "weather", "arguments": "{}"},
            }
        ],
    }
    result: Any = {"role": "tool", "tool_call_id": "call_of_another_provider", "content": "rain"}
    reply = client.chat.completions.create(
        model=f"{kind}-model", messages=[QUESTION, turn, result], tools=[TOOL]
    )
    assert reply.choices[0].message.content == "Grüezi!"


@pytest.mark.parametrize("kind", HOSTS)
def test_whole_and_streamed_replies_say_the_same(client: openai.OpenAI, traffic: Traffic, kind: str) -> None:
    asked: Any = {"model": f"{kind}-model", "messages": [QUESTION], "max_tokens": 50}
    reply = client.chat.completions.create(**asked)
    check_completion(traffic.last.json())
    message: Any = reply.choices[0].message
    assert (message.content, message.reasoning_content) == ("Grüezi!", "Greet back. Politely.")
    text, thoughts, usage = "", "", None
    stream = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            delta: Any = choice.delta
            text += delta.content or ""
            thoughts += getattr(delta, "reasoning_content", None) or ""
    assert (text, thoughts) == (message.content, message.reasoning_content)
    assert reply.usage is not None
    assert usage is not None
    assert usage.total_tokens == reply.usage.total_tokens == 33


@pytest.mark.parametrize("kind", HOSTS)
def test_a_retired_model_is_answered_by_its_successor(
    client: openai.OpenAI, traffic: Traffic, kind: str
) -> None:
    reply = client.chat.completions.create(model=f"{kind}-old", messages=[QUESTION])
    assert (reply.model, traffic.last.headers["x-sluice-model"]) == (f"{kind}-old", f"{kind}-model")
    listed = {model.id: model.model_dump() for model in client.models.list()}
    assert listed[f"{kind}-old"]["shutdown_date"] == "2026-06-01"
    assert listed[f"{kind}-old"]["successor"] == f"{kind}-model"


@pytest.mark.parametrize(
    ("kind", "members", "param"),
    [
        ("groq", {"logprobs": True}, "logprobs"),
        ("groq", {"n": 2}, "n"),
        ("deepseek", {"seed": 1}, "seed"),
        ("mistral", {"logit_bias": {"1": 1}}, "logit_bias"),
        ("openrouter", {"n": 2}, "n"),
    ],
)
def test_what_a_host_refuses_never_reaches_it(
    client: openai.OpenAI, mocks: dict[str, MockHost], kind: str, members: dict[str, Any], param: str
) -> None:
    before = len(mocks[kind].chats)
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=f"{kind}-model", messages=[QUESTION], **members)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert len(mocks[kind].chats) == before
