"""OpenAI's embeddings format.

Source: https://platform.openai.com/docs/api-reference/embeddings. Hosts that know no ``encoding_format`` answer with
floats whatever they are asked for; the client gets what it asked for all the same.
"""

import base64
import math
import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sluice.api.embeddings import EmbeddingList, EmbeddingsRequest, EmbeddingUsage, EncodingFormat
from sluice.errors import UpstreamError
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.openai.replies import reply_object
from sluice.providers.openai.requests import post
from sluice.providers.reading import objects_of, validated

type Call = ProviderCall[EmbeddingsRequest]

_FLOAT = "f"
_NATIVE_IS_LITTLE = sys.byteorder == "little"


def upstream_request(call: Call) -> UpstreamRequest:
    """The request as it came, for the candidate's model."""
    body = call.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return post(call.target, "/embeddings", body)


def whole_reply(body: bytes, call: Call) -> EmbeddingList:
    """The vectors in the order of the texts, encoded as the client wants them."""
    raw = reply_object(body)
    for position, row in enumerate(objects_of(raw.get("data"))):
        row.setdefault("index", position)
        row["object"] = "embedding"
    raw.update(object="list", model=call.request.model, usage=_usage_of(raw.get("usage")))
    reply = validated(EmbeddingList, raw)
    reply.data.sort(key=lambda item: item.index)
    if [item.index for item in reply.data] != list(range(len(call.request.texts))):
        raise UpstreamError("The provider did not answer with one vector for each text.")
    for item in reply.data:
        item.embedding = encoded(item.embedding, call.request.encoding)
    return reply


class _RawUsage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    prompt_tokens: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    total_tokens: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None


def _usage_of(raw: object) -> EmbeddingUsage | None:
    """The larger of the two counts, of which some hosts only give one; None where nothing was counted."""
    counted = validated(_RawUsage, raw) if isinstance(raw, Mapping) else _RawUsage()
    tokens = max(counted.prompt_tokens or 0, counted.total_tokens or 0)
    return EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens) if tokens else None


def encoded(vector: list[float] | str, encoding: EncodingFormat) -> list[float] | str:
    """A vector, in whichever encoding it comes, in the one that is wanted.

    Raises:
        UpstreamError: it is none, or holds a number that is out of range.
    """
    match vector, encoding:
        case list() as numbers, "base64":
            return base64_of(numbers)
        case list() as numbers, _:
            _check_finite(numbers)
            return numbers
        case text, "base64":
            _unpacked(text)  # looked at, and passed on as it is
            return text
        case text, _:
            return floats_of(text)


def base64_of(numbers: list[float]) -> str:
    """A vector as base64 of little-endian 32-bit floats.

    Raises:
        UpstreamError: a number is beyond their range.
    """
    floats = array(_FLOAT, numbers)
    _check_finite(floats)
    return base64.b64encode(_little(floats).tobytes()).decode("ascii")


def floats_of(text: str) -> list[float]:
    """The other way round.

    Raises:
        UpstreamError: the text is no such thing.
    """
    return _unpacked(text).tolist()


def _unpacked(text: str) -> array[float]:
    floats: array[float] = array(_FLOAT)
    try:
        floats.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise UpstreamError("The provider's vector is not one in base64.") from error
    floats = _little(floats)
    _check_finite(floats)
    return floats


def _little(floats: array[float]) -> array[float]:
    if not _NATIVE_IS_LITTLE:
        floats.byteswap()
    return floats


def _check_finite(floats: Iterable[float]) -> None:
    """JSON has no other numbers."""
    if not all(map(math.isfinite, floats)):
        raise UpstreamError("The provider's vector holds a number that is out of range.")
