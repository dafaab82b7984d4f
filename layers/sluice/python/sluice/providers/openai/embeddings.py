"""OpenAI's embeddings format.

Source: https://platform.openai.com/docs/api-reference/embeddings. Hosts that know no ``encoding_format`` answer with
floats whatever they are asked for; the client gets what it asked for all the same.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sluice.api.embeddings import EmbeddingList, EmbeddingsRequest, EmbeddingUsage
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.openai.dialect import ANY, Dialect
from sluice.providers.openai.express import rename
from sluice.providers.openai.replies import reply_object
from sluice.providers.openai.requests import post
from sluice.providers.reading import objects_of, validated
from sluice.providers.vectors import encoded

type Call = ProviderCall[EmbeddingsRequest]


_ALWAYS = frozenset({"model", "input"})
_HARMLESS = frozenset({"encoding_format", "user"})
"""What a host need not heed: its vectors are encoded here, and who asks changes none."""


def most_texts(_: str) -> int | None:
    """See ``EmbeddingsOperation``: as many as a client may send."""
    return None


def upstream_request(call: Call, dialect: Dialect = ANY) -> UpstreamRequest:
    """The request in a host's words, for the candidate's model.

    Raises:
        UnsupportedParameterError: the host has no such member.
    """
    body = call.request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if dialect.embedding_members is not None:
        for name in body.keys() - dialect.embedding_members - _ALWAYS:
            if body.pop(name) is not None and name not in _HARMLESS:
                raise UnsupportedParameterError(
                    f"The model's provider does not know '{name:.100}'.", param=name[:100]
                )
    rename(body, dialect.embedding_renamed)
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
