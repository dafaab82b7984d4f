"""What completions and embeddings read: texts, or texts that the client has turned into tokens itself."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from sluice.api.shapes import TAG, whole

MOST_INPUTS = 2048
"""Texts in one request; OpenAI takes no more."""

Token = Annotated[int, Field(ge=0, lt=2**31)]
Text = str | Sequence[int]
"""One text, or its tokens."""


def _form(value: Any) -> str | None:
    match value:
        case str():
            return TAG + "text"
        case [str(), *_]:
            return TAG + "texts"
        case [bool(), *_]:
            return None
        case [int() | float(), *_]:
            return TAG + "tokens"
        case [[*_], *_]:
            return TAG + "token_lists"
        case _:
            return None


BY_FORM = Discriminator(
    _form,
    custom_error_type="wrong_form",
    custom_error_message="Input should be a string, or an array of strings, of tokens or of token arrays",
)


def _whole_tokens(value: Any) -> Any:
    """See ``WHOLE``; once for all tokens, of which there may be a million."""
    if isinstance(value, list) and float in set(map(type, value)):
        return [whole(token) for token in value]
    return value


_WHOLE_TOKENS = BeforeValidator(_whole_tokens)

Texts = Annotated[list[str], Field(min_length=1, max_length=MOST_INPUTS), Tag("<texts")]
Tokens = Annotated[list[Token], Field(min_length=1), _WHOLE_TOKENS, Tag("<tokens")]
TokenLists = Annotated[
    list[Annotated[list[Token], Field(min_length=1), _WHOLE_TOKENS]],
    Field(min_length=1, max_length=MOST_INPUTS),
    Tag("<token_lists"),
]

TextInput = Annotated[Annotated[str, Tag("<text")] | Texts | Tokens | TokenLists, BY_FORM]


def texts_of(value: str | list[str] | list[int] | list[list[int]]) -> list[Text]:
    """The texts of an input, in their order; one that came as a single text or its tokens is a list of one."""
    match value:
        case str():
            return [value]
        case [int(), *_]:
            return [[token for token in value if isinstance(token, int)]]
        case _:
            return [text for text in value if not isinstance(text, int)]
