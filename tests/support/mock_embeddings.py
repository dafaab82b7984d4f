"""Well-formed replies of OpenAI's embeddings: unit vectors that depend on the input, and on nothing else."""

import base64
import hashlib
import json
import math
import struct
from typing import Any

DIMENSIONS = 1536
"""As many as there are, and as many as can be asked for."""

MOST_INPUTS = 2048


def vector_of(text: str | list[int], dimensions: int = DIMENSIONS) -> list[float]:
    """The embedding of one input; each number is a float of 32 bits, so that both encodings say the same."""
    noise = hashlib.shake_256(json.dumps(text).encode()).digest(2 * dimensions)
    numbers = struct.unpack(f"<{dimensions}h", noise)
    length = math.sqrt(sum(number * number for number in numbers))
    return list(_as_floats(_as_bytes([number / length for number in numbers])))


def _as_bytes(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _as_floats(data: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(data) // 4}f", data)


def inputs_of(request: dict[str, Any]) -> list[str | list[int]]:
    """The inputs of each of the four forms.

    Raises:
        ValueError: there are none, one is empty, or there are too many.
    """
    given = request["input"]
    inputs = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given
    if not inputs or len(inputs) > MOST_INPUTS or not all(inputs):
        raise ValueError("'$.input' is invalid")
    return list(inputs)


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """The list of ``embedding`` objects, in the encoding that the request asks for; its ``metadata`` may say the tokens."""
    inputs = inputs_of(request)
    dimensions = request.get("dimensions") or DIMENSIONS
    if dimensions > DIMENSIONS:
        raise ValueError("'dimensions' is too large")
    vectors = [vector_of(each, dimensions) for each in inputs]
    counted = sum(len(each.split()) if isinstance(each, str) else len(each) for each in inputs)
    tokens = int((request.get("metadata") or {}).get("prompt_tokens", counted))
    in_base64 = request.get("encoding_format") == "base64"
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(_as_bytes(vector)).decode() if in_base64 else vector,
            }
            for index, vector in enumerate(vectors)
        ],
        "model": request["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
