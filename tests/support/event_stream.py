"""A streamed reply as bytes, taken apart by the rules the gateway promises, which are stricter than the format's."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

FRAMES = re.compile(rb"(?:(?:data: [^\r\n]+|:[^\r\n]*)\n\n)*")
DONE = b"data: [DONE]"
KEEP_ALIVE = b":"


def frames_of(body: bytes) -> list[bytes]:
    """The frames of a complete body: one ``data:`` or comment line each, ended by a blank line."""
    assert FRAMES.fullmatch(body), f"not only data and comment lines: {body[-300:]!r}"
    return body.split(b"\n\n")[:-1]


def chunks_of(body: bytes) -> list[dict[str, Any]]:
    """The JSON of every event of a body that ends well."""
    frames = frames_of(body)
    assert frames[-1] == DONE, frames[-1]
    events = [frame for frame in frames[:-1] if not frame.startswith(KEEP_ALIVE)]
    assert DONE not in events
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


def arriving_frames(reply: httpx.Response) -> Iterator[bytes]:
    """The frames of a reply as they come; what follows the last blank line must be nothing."""
    buffer = b""
    for data in reply.iter_raw():
        *frames, buffer = (buffer + data).split(b"\n\n")
        yield from frames
    assert not buffer, f"the stream ended within a frame: {buffer!r}"
