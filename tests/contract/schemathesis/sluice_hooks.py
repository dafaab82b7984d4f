"""What schemathesis has to be told of this contract; it loads this module by ``SCHEMATHESIS_HOOKS``."""

import json
from typing import Any

import schemathesis

DONE = "[DONE]"


@schemathesis.deserializer("text/event-stream")
def events(_: schemathesis.DeserializationContext, response: schemathesis.Response) -> list[Any]:
    """The events of a stream: each is one line of JSON, and the end is none."""
    lines = response.content.decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(each) for each in data if each != DONE]


@schemathesis.hook
def filter_body(_: schemathesis.HookContext, body: Any) -> bool:
    """Leaves out searches: a 400, as long as there is no search engine."""
    return not (isinstance(body, dict) and body.get("search_enabled") is True)
