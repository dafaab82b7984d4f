"""Chat requests on their way to the Gemini API, and what becomes of them there."""

import json
from typing import Any

from gemini_request_check import checked_request
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.providers.contract import ProviderCall, Target
from sluice.providers.gemini import chat

BASE = "https://generativelanguage.googleapis.com"
KEY = "AIzaTheGatewaysOwn"
PLAIN, BUDGETED, LEVELLED = "gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-flash-preview"


def target(model: str = PLAIN, *capabilities: str, base_url: str = BASE) -> Target:
    """A model of Google's."""
    return Target("gemini", base_url, model, KEY, {"X-Team": "blue"}, capabilities=frozenset(capabilities))


def gemini_call(to: Target | None = None, **members: Any) -> ProviderCall[ChatCompletionRequest]:
    """A request as the pipeline hands it over."""
    body = {"model": "asked-for", "messages": [{"role": "user", "content": "Hi"}], **members}
    request = validate(ChatCompletionRequest, body)
    return ProviderCall(
        request, to or target(), id="chatcmpl-0123456789abcdef0123456789abcdef", now=1_700_000_000.5
    )


def sent_body(model: str = PLAIN, **members: Any) -> dict[str, Any]:
    """What is sent of a request, and Google takes."""
    body: dict[str, Any] = json.loads(chat.upstream_request(gemini_call(target(model), **members)).body)
    checked_request(body, model)
    return body
