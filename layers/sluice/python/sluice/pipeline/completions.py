"""What is particular to text completions."""

from typing import Any

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.completion_accumulate import TextAccumulator
from sluice.api.completion_reply import Completion, CompletionChunk
from sluice.api.completion_request import CompletionRequest
from sluice.api.model_request import with_model
from sluice.api.usage import Usage
from sluice.api.validation import validate
from sluice.catalog import ModelRow, OutputLimit
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.endpoint import StreamingEndpoint
from sluice.pipeline.text_bound import completion_demand
from sluice.pipeline.text_estimate import completion_estimate
from sluice.providers.contract import CompletionOperation, Provider
from sluice.providers.features import check_supported
from sluice.providers.through_chat import ThroughChat, chat_request

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
        request = validate(CompletionRequest, with_model(raw))
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

    def check(self, request: CompletionRequest, provider: Provider, row: ModelRow) -> None:
        """See ``Endpoint``."""
        super().check(request, provider, row)
        self.operation(provider, row)
        if _own_endpoint(provider, row) is None:
            check_supported(chat_request(request, _output_limit(row)), provider.features)

    def operation(self, provider: Provider, row: ModelRow) -> CompletionOperation:
        """See ``Endpoint``."""
        own = _own_endpoint(provider, row)
        if own is not None:
            return own
        if provider.chat is None:
            raise UnsupportedParameterError(
                f"The provider of the model '{row.id}' has no completions.", param="model"
            )
        return ThroughChat(provider.chat, _output_limit(row))

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


def _own_endpoint(provider: Provider, row: ModelRow) -> CompletionOperation | None:
    """The provider's own way of completing texts, where the model has it; None where it goes through chat."""
    own = row.kind == "completion" or OWN_ENDPOINT in row.capabilities
    return provider.completions if own else None


def _output_limit(row: ModelRow) -> OutputLimit:
    return row.output_limit or "max_tokens"
