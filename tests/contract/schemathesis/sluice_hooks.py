"""What schemathesis has to be told of this contract; it loads this module by ``SCHEMATHESIS_HOOKS``."""

import json
from typing import Any

import schemathesis

DONE = "[DONE]"


@schemathesis.deserializer("text/event-stream")
def events(_: schemathesis.DeserializationContext, response: schemathesis.Response) -> list[Any]:
    """The events of a stream, each of which is a line of JSON; the last line is none."""
    lines = [line for line in response.content.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line != f"data: {DONE}"]
