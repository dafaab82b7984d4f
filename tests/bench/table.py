"""A server that answers every call of DynamoDB as if all went well; prints its URL when it listens.

A read finds a key's record or a counter of the current slots, in which nothing is held. An update gives back that
counter, with the hold that it speaks of as the only one.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

RECORD = {"digest": {"S": "x" * 64}, "id": {"S": "key_bench"}, "active": {"BOOL": True}}
KEYS_TABLE = "keys"


def counter(holds: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A key's counter, as it stands at the epoch second ``now``."""
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
        "holds": {"M": holds},
        "last_used_at": {"N": str(int(now))},
    }


def hold_in(update: Mapping[str, Any]) -> dict[str, Any]:
    """The hold that an update makes or ends, by its request's id: the only text in several words; none of an address."""
    names, values = (update[f"ExpressionAttribute{kind}"].values() for kind in ("Names", "Values"))
    holds = [value for value in values if " " in value.get("S", "")]
    return dict(zip((name for name in names if name.startswith("req_")), holds, strict=True))


def reply(operation: str, members: Mapping[str, Any]) -> bytes:
    """What an operation is answered with."""
    match operation:
        case "GetItem":
            is_key = members["TableName"] == KEYS_TABLE
            body = {"Item": RECORD if is_key else counter({}, time.time())}
        case "UpdateItem":
            body = {"Attributes": counter(hold_in(members), time.time())}
        case _:
            body = {}
    return json.dumps(body).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:-2])
            members = json.loads(await reader.readexactly(int(fields["content-length"])))
            target = head.decode().split("DynamoDB_20120810.")[1].split("\r\n")[0]
            body = reply(target, members)
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
