"""Request bodies of chat completions, as tests send them."""

from typing import Any

from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from mock_provider import Case

MODEL = "gpt-4o-mini"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


def chat_body(case: Case, **members: Any) -> dict[str, Any]:
    """The smallest body that belongs to a case, with what the test adds or replaces."""
    return {"model": MODEL, "messages": MESSAGES, "user": case.user} | members


def city_tool(name: str) -> ChatCompletionFunctionToolParam:
    """A function of a city and a number of days."""
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": ["Zürich"]},
            "days": {"type": "integer", "minimum": 3},
        },
        "required": ["city", "days"],
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
