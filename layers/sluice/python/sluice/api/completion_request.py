"""The body of POST /v1/completions, OpenAI's predecessor of chat.

Source: https://platform.openai.com/docs/api-reference/completions/create. Members that are not named here are kept and
passed to providers that speak OpenAI's format.
"""

from typing import Annotated

from pydantic import Field

from sluice.api.chat_request import Penalty, Stop
from sluice.api.model_request import StreamableRequest
from sluice.api.shapes import WHOLE, Number
from sluice.api.text_input import Text, TextInput, texts_of

DEFAULT_MAX_TOKENS = 16
"""What a completion has at most where the client says nothing."""


class CompletionRequest(StreamableRequest):
    """A text completion as a client asks for it; ``best_of`` answers are written for ``n`` that are returned."""

    prompt: TextInput
    suffix: str | None = None
    max_tokens: Annotated[int, Field(ge=0), WHOLE] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128), WHOLE] | None = None
    best_of: Annotated[int, Field(ge=1, le=128), WHOLE] | None = None
    logprobs: Annotated[int, Field(ge=0, le=5), WHOLE] | None = None
    echo: bool | None = None
    stop: Stop | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[Number, Field(ge=-100, le=100)]] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63), WHOLE] | None = None
    user: str | None = None

    @property
    def prompts(self) -> list[Text]:
        """The texts to complete."""
        return texts_of(self.prompt)

    @property
    def choices(self) -> int:
        """How many choices the reply has: ``n`` for each prompt."""
        return len(self.prompts) * (self.n or 1)

    @property
    def output_tokens(self) -> int:
        """The limit of each choice."""
        return DEFAULT_MAX_TOKENS if self.max_tokens is None else self.max_tokens
