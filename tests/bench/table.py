"""A server that answers every call of DynamoDB as if all went well; prints its URL when it listens.

A read finds a key's record, an update gives back a counter of the current slots with one request in flight.
"""

import asyncio
import json
import time
from typing import Any

RECORD = {"digest": {"S": "x" * 64}, "id": {"S": "key_bench"}, "active": {"BOOL": True}}
HOLD = {"S": "123456789 4321 1795219200 2026-11"}


def counter(now: float) -> dict[str, Any]:
    """A counter as it stands after an admission."""
    minute, day = str(int(now // 4)), str(int(now // 3000))
    windows = {"requests": minute, "minute_tokens": minute, "day_tokens": day}
    item: dict[str, Any] = {"id": {"S": "key#key_bench"}}
    for name, slot in windows.items():
        item |= {
            f"{name}_slot": {"N": slot},
            f"{name}_now": {"N": "7"},
            f"{name}_earlier": {"L": [{"N": "12"}] * 16},
            f"{name}_total": {"N": "4500"},
        }
    return item | {
        "period": {"S": "2026-11"},
        "used": {"N": "123456789012"},
        "holds": {"M": {"req_019a0000000070008000000000000000": HOLD}},
        "last_used_at": {"N": str(int(now))},
    }


def reply(operation: str) -> bytes:
    """What an operation is answered with."""
    match operation:
        case "GetItem":
            body = {"Item": RECORD}
        case "UpdateItem":
            body = {"Attributes": counter(time.time())}
        case _:
            body = {}
    return json.dumps(body).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:-2])
            await reader.readexactly(int(fields["content-length"]))
            target = head.decode().split("DynamoDB_20120810.")[1].split("\r\n")[0]
            body = reply(target)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Listen until terminated."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
