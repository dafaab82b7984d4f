"""Calls of Bedrock's provider module, and what it makes of them."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from bedrock_request_check import fault_of
from mock_bedrock import CLAUDE
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.credentials import Credential
from sluice.providers.bedrock import chat
from sluice.providers.contract import ProviderCall, Target

ADDRESS = "https://bedrock-runtime.eu-west-1.amazonaws.com"
NOW = 1_785_000_000.75
KEY = "bedrock-api-key-hush"
USER: dict[str, Any] = {"role": "user", "content": "Hi"}


def target(
    model: str = CLAUDE,
    *capabilities: str,
    base_url: str = ADDRESS,
    credential: Credential | None = KEY,
    output_tokens: int | None = None,
) -> Target:
    return Target(
        "bedrock",
        base_url,
        model,
        credential,
        {"X-Team": "blue"},
        capabilities=frozenset(capabilities),
        output_tokens=output_tokens,
    )


def call(to: Target | None = None, **members: Any) -> ProviderCall[ChatCompletionRequest]:
    request = validate(ChatCompletionRequest, {"model": "asked-for", "messages": [USER], **members})
    return ProviderCall(request, to or target(), id="chatcmpl-ours", now=NOW)


def sent(to: Target | None = None, **members: Any) -> dict[str, Any]:
    """The body that is sent, which Bedrock would take."""
    request = chat.upstream_request(call(to, **members))
    body: dict[str, Any] = json.loads(request.body)
    _, _, model, operation = urlsplit(request.url).path.split("/")
    assert fault_of(operation, unquote(model), body) is None
    return body


def messages(*given: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    """The turns that are sent for these messages."""
    found: list[dict[str, Any]] = sent(messages=list(given), **members)["messages"]
    return found
