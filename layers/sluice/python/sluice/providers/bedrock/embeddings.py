"""Embeddings by InvokeModel: each family of models has a format of its own, which its id tells.

Amazon Titan takes one text a request, so several texts are several requests. Cohere wants to know what the vectors are
for (``input_type``, by default ``search_document``), and counts no tokens in its reply's body.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and
…/model-parameters-embed.html.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sluice.api.embeddings import Embedding, EmbeddingList, EmbeddingsRequest, EmbeddingUsage
from sluice.errors import UnsupportedParameterError, UpstreamError
from sluice.providers.bedrock.requests import post
from sluice.providers.contract import ProviderCall, UpstreamRequest
from sluice.providers.features import HINTS
from sluice.providers.reading import parsed_object, validated
from sluice.providers.vectors import encoded

type Call = ProviderCall[EmbeddingsRequest]
type Vectors = tuple[Sequence[list[float]], int | None]
"""Vectors in the order of the texts, and the tokens of these where they are counted."""

INPUT_TYPE: Final = "input_type"
_DEFAULT_INPUT_TYPE = "search_document"


def most_texts(model: str) -> int | None:
    """See ``EmbeddingsOperation``."""
    return _family(model)[3]


def upstream_request(call: Call) -> UpstreamRequest:
    """The texts in the format of the model's family.

    Raises:
        UnsupportedParameterError: the family has no way to say it, or is unknown.
    """
    write, _, members, _ = _family(call.target.model)
    request = call.request
    for member, value in (request.model_extra or {}).items():
        if value is not None and member not in members and member not in HINTS:
            raise UnsupportedParameterError(
                f"The model's provider does not know '{member:.100}'.", param=member[:100]
            )
    texts = [text for text in request.texts if isinstance(text, str)]
    if len(texts) < len(request.texts):
        raise UnsupportedParameterError("Bedrock takes texts, and no tokens.", param="input")
    return post(call, "invoke", write(request, texts, call.target.model))


def whole_reply(body: bytes, call: Call) -> EmbeddingList:
    """The vectors in the order of the texts, encoded as the client wants them."""
    _, read, _, _ = _family(call.target.model)
    vectors, tokens = read(parsed_object(body))
    if len(vectors) != len(call.request.texts):
        raise UpstreamError("The provider did not answer with one vector for each text.")
    usage = None if tokens is None else EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    data = [
        Embedding(index=index, embedding=encoded(vector, call.request.encoding))
        for index, vector in enumerate(vectors)
    ]
    return EmbeddingList(data=data, model=call.request.model, usage=usage)


def _titan(request: EmbeddingsRequest, texts: Sequence[str], model: str) -> dict[str, Any]:
    body: dict[str, Any] = {"inputText": texts[0]}
    if request.dimensions is not None:
        _check_dimensions(model, "v2")
        body["dimensions"] = request.dimensions
    return body


def _cohere(request: EmbeddingsRequest, texts: Sequence[str], model: str) -> dict[str, Any]:
    extra = request.model_extra or {}
    body: dict[str, Any] = {
        "texts": texts,
        INPUT_TYPE: extra.get(INPUT_TYPE) or _DEFAULT_INPUT_TYPE,
        "embedding_types": ["float"],
    }
    if request.dimensions is not None:
        _check_dimensions(model, "v4")
        body["output_dimension"] = request.dimensions
    return body


def _check_dimensions(model: str, version: str) -> None:
    if f"-{version}" not in model:
        raise UnsupportedParameterError("This model has vectors of one length only.", param="dimensions")


class _TitanReply(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    embedding: list[float]
    input_text_token_count: Annotated[int, Field(ge=0, le=2**53 - 1)]


class _CohereVectors(BaseModel):
    model_config = ConfigDict(extra="ignore")

    floats: Annotated[list[list[float]], Field(alias="float")]


class _CohereReply(BaseModel):
    model_config = ConfigDict(extra="ignore")

    embeddings: _CohereVectors | list[list[float]]


def _of_titan(raw: Mapping[str, Any]) -> Vectors:
    reply = validated(_TitanReply, raw)
    return [reply.embedding], reply.input_text_token_count


def _of_cohere(raw: Mapping[str, Any]) -> Vectors:
    """By type where the types were asked for, and bare from older models that know one type only."""
    found = validated(_CohereReply, raw).embeddings
    return found.floats if isinstance(found, _CohereVectors) else found, None


type _Family = tuple[
    Callable[[EmbeddingsRequest, Sequence[str], str], dict[str, Any]],
    Callable[[Mapping[str, Any]], Vectors],
    frozenset[str],
    int,
]
"""How it is asked, how its reply is read, members of its own that it takes, and how many texts it takes at once."""

_FAMILIES: Final[Mapping[str, _Family]] = {
    "amazon.titan-embed-text": (_titan, _of_titan, frozenset(), 1),
    "amazon.titan-embed-g1-text": (_titan, _of_titan, frozenset(), 1),
    "cohere.embed-": (_cohere, _of_cohere, frozenset({INPUT_TYPE}), 96),
}
"""By what a model's id holds, with the region's prefix of an inference profile or in an ARN."""


def _family(model: str) -> _Family:
    for part, family in _FAMILIES.items():
        if part in model:
            return family
    raise UnsupportedParameterError(
        "The gateway does not know in which form this model takes texts.", param="model"
    )
