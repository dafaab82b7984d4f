"""A provider that answers at once and always the same; prints its base URL when it listens."""

import asyncio
import json

HEAD = {"id": "chatcmpl-1", "created": 1, "model": "bench"}
TEXT = "The quick brown fox jumps over the lazy dog."
USAGE = {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60}
CHUNKS = 20


def completion() -> bytes:
    """One chat completion."""
    message = {"role": "assistant", "content": TEXT * 4, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


def frames() -> list[bytes]:
    """The same as the frames of a stream."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"content": "fox "}, None)] * (CHUNKS - 1) + [
        ({}, "stop")
    ]
    events = [
        {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in deltas
    ]
    events.append({**HEAD, "choices": [], "usage": USAGE})
    return [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events] + [b"data: [DONE]\n\n"]


def whole() -> bytes:
    """A whole reply of HTTP."""
    body = completion()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


def streamed() -> bytes:
    """A streamed one, each frame an HTTP chunk of its own."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(frame), frame) for frame in (*frames(), b""))
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + chunks
    )


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            writer.write(streamed() if b'"stream":true' in body else whole())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def main() -> None:
    """Listen until terminated."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
