"""``search_enabled`` with models of every wire format: mocks as strict as the providers behind, the official client in front."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest

from adding_up import digest, without_hashes
from gateway_process import GatewayProcess
from mock_anthropic import MODELS, MockAnthropic
from mock_bedrock import KEY as BEDROCK_KEY
from mock_bedrock import LLAMA, MockBedrock
from mock_gemini import KEY as GEMINI_KEY
from mock_gemini import PLAIN, MockGemini
from mock_provider import MockProvider
from mock_search import SECRETS, MockSearch
from sdk_clients import Traffic, sync_client

ANTHROPIC_KEY = "sk-ant-api03-9d4e6f2a7c1b4f0e8a5d"
ROW = """
[providers.{kind}]
kind = "{kind}"
base_url = "{url}"
credential = "{variable}"

[[models]]
id = "{kind}-model"
candidates = [{{ provider = "{kind}", model = "{model}" }}]
context_tokens = 200000
output_tokens = 8192
price = {{ input = "1", output = "5" }}
capabilities = ["tools"]
"""
KINDS = ("openai", "anthropic", "gemini", "bedrock")
FENCE = re.compile(
    r"=== web search results ([0-9a-f]{32}) begin ===\n(.*)=== web search results \1 end ===", re.DOTALL
)


@pytest.fixture(scope="module")
def mocks(provider: MockProvider) -> Iterator[dict[str, MockProvider]]:
    with ExitStack() as stack:
        yield {
            "openai": provider,
            "anthropic": stack.enter_context(MockAnthropic(ANTHROPIC_KEY)),
            "gemini": stack.enter_context(MockGemini(GEMINI_KEY)),
            "bedrock": stack.enter_context(MockBedrock(BEDROCK_KEY)),
        }


@pytest.fixture(scope="module")
def client(
    mocks: dict[str, MockProvider], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[openai.OpenAI]:
    """The official client at a gateway with two engines and a model of each kind."""
    models = {
        "anthropic": (MODELS[-1], "ANTHROPIC_API_KEY", ANTHROPIC_KEY),
        "gemini": (PLAIN, "GEMINI_API_KEY", GEMINI_KEY),
        "bedrock": (LLAMA, "AWS_BEARER_TOKEN_BEDROCK", BEDROCK_KEY),
    }
    rows = [
        ROW.format(kind=kind, url=mocks[kind].url, model=model, variable=variable)
        for kind, (model, variable, _) in models.items()
    ]
    secrets = {variable: secret for _, variable, secret in models.values()}
    openai_mock = mocks["openai"]
    with (
        MockSearch() as engines,
        GatewayProcess(
            tmp_path_factory.mktemp("searching"),
            openai_mock.url,
            openai_mock.credential,
            more="".join(rows) + engines.catalog("brave", "searxng"),
            secrets={**SECRETS, **secrets},
        ) as gateway,
        sync_client(f"{gateway.url}/v1", gateway.create_key()["key"], Traffic()) as found,
    ):
        yield found


def texts_of(part: Any) -> Iterator[str]:
    match part:
        case str():
            yield part
        case dict():
            for value in part.values():
                yield from texts_of(value)
        case list():
            for value in part:
                yield from texts_of(value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("after_tools", [False, True], ids=["a question", "the results of tools"])
def test_the_model_is_told_and_the_client_too(
    client: openai.OpenAI, mocks: dict[str, MockProvider], kind: str, streams: bool, after_tools: bool
) -> None:
    question = f"What does {kind} hear, streamed {streams}, after tools {after_tools}?"
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    parameters = {"type": "object", "properties": {}}
    more: dict[str, Any] = {
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    }
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    if after_tools:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": "Sunny"})
    asked = {
        "model": "gpt-4o-mini" if kind == "openai" else f"{kind}-model",
        "messages": messages,
        "extra_body": {"search_enabled": True},
        **(more if after_tools else {}),
    }
    if streams:
        *others, last = client.chat.completions.create(stream=True, **asked)
        text = "".join(choice.delta.content or "" for chunk in others for choice in chunk.choices)
        assert not [chunk for chunk in others if "search_result" in chunk.to_dict()]
        pages = last.to_dict()["search_result"]
    else:
        reply = client.chat.completions.create(**asked)
        text = reply.choices[0].message.content or ""
        members = reply.to_dict()
        assert members["responseHash"] == digest(without_hashes(members))
        pages = members["search_result"]
    assert text
    assert isinstance(pages, list)
    assert {page["source_from"] for page in pages} == {"Brave", "SearXNG"}
    (received,) = mocks[kind].containing(question)
    (heard,) = [each for each in texts_of(received.json) if "web search results" in each]
    fence = FENCE.search(heard)
    assert fence
    for number, page in enumerate(pages, 1):
        assert f"[{number}] page: {page['url']}\n" in fence[2]
    assert question not in fence[2]
