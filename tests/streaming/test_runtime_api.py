"""The Runtime API's calls, as far as the process tests do not show them."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates import GUARD_SECONDS
from sluice_streaming import runtime_api
from sluice_streaming.invocation import Fault

TEXTS = st.text(max_size=50) | st.integers(0, 5000).map(lambda length: "\N{WATER WAVE}" * length)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=50))
def test_trailers_fit_the_platforms_buffer(kind: str, message: str, frames: list[str]) -> None:
    fault = Fault({"errorType": kind, "errorMessage": message, "requestId": "", "stackTrace": frames}, {})
    [(type_name, type_value), (body_name, body_value)] = runtime_api.trailers_of(fault)
    assert len(f"{type_name}: {type_value}\r\n{body_name}: {body_value}\r\n\r\n") < 4096
    assert type_value.isascii()
    assert "\n" not in type_value


def test_of_a_long_fault_the_frames_nearest_to_it_are_kept() -> None:
    frames = [f"frame {n} " + "x" * 100 for n in range(100)]
    fault = Fault({"errorType": "E", "errorMessage": "m", "requestId": "", "stackTrace": frames}, {})
    error = json.loads(runtime_api.trailer_json(fault))
    assert error["errorMessage"] == "m"
    assert error["stackTrace"] == frames[-len(error["stackTrace"]) :]
    assert len(error["stackTrace"]) > 10


async def poll_a_server_that_answers(answers: list[int]) -> tuple[list[str], int]:
    """Poll twice; connection n of the server answers ``answers[n]`` polls and closes when asked once more."""
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(answers[connections - 1]):
            await reader.readuntil(b"\r\n\r\n")
            head = f"Lambda-Runtime-Aws-Request-Id: on-{connections}\r\nContent-Length: 2"
            writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{{}}".encode())
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    api = runtime_api.RuntimeAPI("{}:{}".format(*server.sockets[0].getsockname()[:2]))
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            return [(await api.next()).request_id for _ in range(2)], connections
    finally:
        api.close()
        server.close()
        await server.wait_closed()


async def test_a_kept_connection_that_has_died_is_replaced() -> None:
    assert await poll_a_server_that_answers([1, 1]) == (["on-1", "on-2"], 2)


async def test_a_fresh_connection_that_dies_is_an_error() -> None:
    with pytest.raises(ConnectionResetError):
        await poll_a_server_that_answers([1, 0])
