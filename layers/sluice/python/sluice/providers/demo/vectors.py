"""The demo embedding model: texts with the same words get vectors that point the same way.

Each word adds a fixed direction, made from its digest, to the vector of its text (feature hashing); the sum is scaled
to length one. That knows nothing of meaning, but searching by it finds texts that share words.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence

from pydantic_core import to_json

from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.text_input import Text
from sluice.errors import InvalidRequestError
from sluice.providers.demo.words import MAX_PROMPT_CHARACTERS, TOKEN

DIMENSIONS = 256
MOST_DIMENSIONS = 1024
MOST_NUMBERS = 2048 * DIMENSIONS
"""In one reply, which has bounds of its own like all that is made inside the gateway."""
_EMPTY = "\x00"
"""Stands for a text without words, whose vector could not be scaled."""


def reply_body(request: EmbeddingsRequest) -> bytes:
    """The vectors in OpenAI's format, as floats whatever encoding is asked for."""
    dimensions = request.dimensions or DIMENSIONS
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text, dimensions)}
        for index, text in enumerate(request.texts)
    ]
    tokens = sum(map(token_count, request.texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return to_json({"object": "list", "data": data, "model": request.model, "usage": usage})


def check(request: EmbeddingsRequest) -> None:
    """See that the demo model can do what is asked.

    Raises:
        InvalidRequestError: too many dimensions, alone or for so many texts, or too much text.
    """
    if (request.dimensions or 0) > MOST_DIMENSIONS:
        raise InvalidRequestError(
            f"The demo model's vectors have {MOST_DIMENSIONS} dimensions at most.", param="dimensions"
        )
    if len(request.texts) * (request.dimensions or DIMENSIONS) > MOST_NUMBERS:
        raise InvalidRequestError(
            f"The demo model's vectors have {MOST_NUMBERS} numbers at most, all together.", param="dimensions"
        )
    if sum(map(len, request.texts)) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequestError(
            f"The demo model reads no more than {MAX_PROMPT_CHARACTERS} characters.",
            param="input",
            code="context_length_exceeded",
        )


def vector(text: Text, dimensions: int) -> list[float]:
    """The unit vector of a text."""
    sums = [0.0] * dimensions
    for word, count in Counter(_words(text)).items():
        digest = hashlib.blake2b(word.encode(), digest_size=32).digest()
        for position in range(0, len(digest), 4):
            place = int.from_bytes(digest[position : position + 3]) % dimensions
            sums[place] += count if digest[position + 3] & 1 else -count
    length = math.hypot(*sums)
    if length == 0.0:  # what was added has cancelled out
        sums[0] = length = 1.0
    return [number / length for number in sums]


def token_count(text: Text) -> int:
    """How many tokens a text has."""
    return len(TOKEN.findall(text)) if isinstance(text, str) else len(text)


def _words(text: Text) -> Iterator[str]:
    yield from _lowered(TOKEN.findall(text)) if isinstance(text, str) else map(str, text)
    if not text:
        yield _EMPTY


def _lowered(tokens: Sequence[str]) -> Iterator[str]:
    return (token.strip().casefold() for token in tokens)
