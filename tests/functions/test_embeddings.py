"""The embeddings function as Lambda runs it: behind the streaming runtime, fed with the sample events."""

import base64
import json
import math
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sluice.local.stack import Stack
from sluice.stores.access import Endpoint
from streamed_functions import StreamedFunction, running_function, sample_events


@pytest.fixture
async def embeddings(tmp_path: Path, stack: tuple[Endpoint, Stack]) -> AsyncIterator[StreamedFunction]:
    async with running_function("embeddings", tmp_path, *stack) as function:
        yield function


async def test_vectors_are_floats_unless_asked_for_otherwise(embeddings: StreamedFunction) -> None:
    call = await embeddings.answered("float")
    body = json.loads(call.body)
    assert call.streamed
    assert (call.prelude["statusCode"], body["object"]) == (200, "list")
    assert call.prelude["headers"]["x-request-id"].startswith("req_")
    (row,) = body["data"]
    assert math.isclose(math.hypot(*row["embedding"]), 1.0)
    assert body["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert len(body["responseHash"]) == 64


async def test_base64_is_of_as_many_floats_as_are_asked_for(embeddings: StreamedFunction) -> None:
    body = json.loads((await embeddings.answered("base64")).body)
    vectors = [struct.unpack("<64f", base64.b64decode(row["embedding"])) for row in body["data"]]
    assert [row["index"] for row in body["data"]] == [0, 1]
    assert all(math.isclose(math.hypot(*vector), 1.0, rel_tol=1e-6) for vector in vectors)


async def test_nothing_to_embed_is_the_client_s_mistake(embeddings: StreamedFunction) -> None:
    call = await embeddings.answered("empty_input")
    error = json.loads(call.body)["error"]
    assert (call.prelude["statusCode"], error["param"]) == (400, "input")
    assert error.keys() == {"message", "type", "param", "code"}


async def test_every_sample_event_is_used() -> None:
    assert sample_events("embeddings") == {"float", "base64", "empty_input"}
