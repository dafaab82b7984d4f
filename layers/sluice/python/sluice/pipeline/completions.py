"""What is particular to text completions."""

from typing import Any

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.api.usage import Usage
from sluice.api.validation import validate
from sluice.catalog import ModelRow
from sluice.errors import InvalidRequestError
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.endpoint import StreamingEndpoint
from sluice.pipeline.text_bound import completion_demand
from sluice.pipeline.text_estimate import completion_estimate
from sluice.providers.contract import CompletionOperation, Provider
from sluice.providers.through_chat import ThroughChat

OWN_ENDPOINT = "completions"
"""The catalogue's capability of a chat model that its provider takes at its own completions endpoint, too."""


class Completions(StreamingEndpoint[CompletionRequest, Completion, CompletionChunk]):
    """POST texts, get them continued.

    Models of the kind ``completion`` are asked at their provider's own endpoint. So are chat models that have the
    capability ``completions``; any other chat model gets the text as a user's message (``providers.through_chat``).
    """

    KINDS = ("completion", "chat")
    ID_PREFIX = "cmpl-"

    def understood(self, raw: dict[str, Any]) -> CompletionRequest:
        """See ``Endpoint``."""
        request = validate(CompletionRequest, raw)
        if request.best_of is not None:
            if request.best_of < (request.n or 1):
                raise InvalidRequestError("'best_of' must not be less than 'n'.", param="best_of")
            if request.streams and request.best_of > (request.n or 1):
                raise InvalidRequestError("The best of several answers cannot be streamed.", param="best_of")
        return request

    def demand(
        self,
        request: CompletionRequest,
        body_bytes: int,
        row: ModelRow,
        *,
        bounded: bool,  # there always is a bound
    ) -> Demand:
        """See ``Endpoint``."""
        return completion_demand(request, body_bytes, row)

    def operation(self, provider: Provider, row: ModelRow) -> CompletionOperation:
        """See ``Endpoint``."""
        if provider.completions is not None and (
            row.kind == "completion" or OWN_ENDPOINT in row.capabilities
        ):
            return provider.completions
        return ThroughChat(provider.chat, row.output_limit or "max_tokens")

    def renderer(
        self, request: CompletionRequest, request_hash: str
    ) -> ChunkRenderer[CompletionChunk, Completion]:
        """See ``StreamingEndpoint``."""
        return ChunkRenderer(
            TextAccumulator(), request_hash=request_hash, include_usage=request.wants_usage_chunk
        )

    def used(self, reply: Completion) -> Usage | None:
        """See ``Endpoint``."""
        return reply.usage

    def estimated(
        self, request: CompletionRequest, received: Completion | None, most: TokenCount
    ) -> TokenCount:
        """See ``Endpoint``."""
        return completion_estimate(request, received, most)
