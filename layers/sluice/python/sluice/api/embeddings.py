"""POST /v1/embeddings: texts in, vectors out.

Source: https://platform.openai.com/docs/api-reference/embeddings/create.
"""

from typing import Annotated, Literal

from pydantic import Field, Tag

from sluice.api.model_request import ModelRequest
from sluice.api.shapes import WHOLE, ReplyShape, absent
from sluice.api.text_input import BY_FORM, MOST_INPUTS, Text, TokenLists, Tokens, texts_of
from sluice.api.usage import Count

EncodingFormat = Literal["float", "base64"]

Something = Annotated[str, Field(min_length=1)]
"""Nothing has no vector, unlike a prompt, which may be empty."""


class EmbeddingsRequest(ModelRequest):
    """Texts to embed. ``base64`` is of the vector's little-endian 32-bit floats; the OpenAI SDKs ask for it."""

    input: Annotated[
        Annotated[Something, Tag("<text")]
        | Annotated[list[Something], Field(min_length=1, max_length=MOST_INPUTS), Tag("<texts")]
        | Tokens
        | TokenLists,
        BY_FORM,
    ]
    encoding_format: EncodingFormat | None = None
    dimensions: Annotated[int, Field(ge=1), WHOLE] | None = None
    user: str | None = None

    @property
    def texts(self) -> list[Text]:
        """The texts to embed."""
        return texts_of(self.input)

    @property
    def encoding(self) -> EncodingFormat:
        """In which form the vectors are wanted."""
        return self.encoding_format or "float"


class Embedding(ReplyShape):
    """The vector of the text at ``index`` of the input."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(ReplyShape):
    """Tokens of the texts; there is no completion."""

    prompt_tokens: Count
    total_tokens: Count


class EmbeddingList(ReplyShape):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Annotated[EmbeddingUsage | None, Field(exclude_if=absent)] = None
