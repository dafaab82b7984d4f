"""Members of requests in the words of Bedrock's Converse: a question, a tool, a call of it and the answer."""

from typing import Any

USER: list[Any] = [{"role": "user", "content": [{"text": "What is the weather in Paris?"}]}]
CITY: dict[str, Any] = {
    "toolSpec": {
        "name": "weather",
        "description": "The weather of a city.",
        "inputSchema": {
            "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        },
    }
}
CALLED: dict[str, Any] = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}}
ANSWERED: dict[str, Any] = {"toolResult": {"toolUseId": "t1", "content": [{"text": "sunny"}]}}
