"""What is particular to an endpoint: all else of a request's path is the same for chat, completions and embeddings."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.chat_reply import ChatCompletionChunk
from sluice.api.completion_reply import CompletionChunk
from sluice.api.model_request import ModelRequest, StreamableRequest
from sluice.api.shapes import ReplyShape
from sluice.api.usage import Usage
from sluice.catalog import Catalog, ModelKind, ModelRow
from sluice.errors import InvalidRequestError, UnsupportedParameterError
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.route import CredentialSource
from sluice.pipeline.search import Found, SearchPlan
from sluice.providers.contract import Operation, Provider, ProviderCall, StreamingOperation

OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens")
"""The request members that limit how long an answer may be."""


class Endpoint[Request: ModelRequest, Reply: ReplyShape](ABC):
    """One endpoint of the API.

    Attributes:
        KINDS: the kinds of models that it takes.
        ID_PREFIX: of the reply's id, where the provider gives none.
        FALLS_BACK: whether another model's answer is as good as none.
    """

    KINDS: ClassVar[tuple[ModelKind, ...]]
    ID_PREFIX: ClassVar[str]
    FALLS_BACK: ClassVar[bool] = True

    @abstractmethod
    def understood(self, raw: dict[str, Any]) -> Request:
        """The request that a body is.

        Raises:
            InvalidRequestError: it is none, naming the member at fault.
        """

    @abstractmethod
    def demand(self, request: Request, body_bytes: int, row: ModelRow, *, bounded: bool) -> Demand:
        """The upper bound of what a request can use.

        Args:
            request: as it was understood.
            body_bytes: of its JSON as it was received.
            row: the model's.
            bounded: whether the key has a budget. Without one the bound may be none.

        Raises:
            InvalidRequestError: a bound is needed, but there is none.
        """

    def check(self, request: Request, provider: Provider, row: ModelRow) -> None:
        """Refuse what a provider cannot express, or refuses for this model, before anything is held for it.

        Args:
            request: as it was understood, without refused members that ask for nothing (``pipeline.neutral``).
            provider: who would answer.
            row: the model's, as that candidate has it.

        Raises:
            UnsupportedParameterError: naming the member at fault.
            InvalidRequestError: it asks for a longer answer than the model gives.
        """
        for member in sorted(row.unsupported_parameters & request.model_fields_set):
            raise UnsupportedParameterError(f"The model '{row.id}' does not take '{member}'.", param=member)
        for member in OUTPUT_LIMITS:
            limit = getattr(request, member, None)
            if limit is not None and row.output_tokens is not None and limit > row.output_tokens:
                raise InvalidRequestError(
                    f"'{member}' is too large: the model '{row.id}' writes {row.output_tokens} tokens at most.",
                    param=member,
                )

    async def search(
        self, request: Request, catalog: Catalog, credentials: CredentialSource, *, bounded: bool
    ) -> SearchPlan | None:
        """The web search that a request asks for; None if it asks for none.

        Raises:
            SluiceError: see ``pipeline.search.planned``.
        """
        return None

    def informed(self, request: Request, found: Found) -> Request:
        """The request with what a search has found, as the model is to read it."""
        return request

    @abstractmethod
    def operation(self, provider: Provider, row: ModelRow) -> Operation[Request, Reply]:
        """How a provider is asked.

        Raises:
            UnsupportedParameterError: it cannot be.
        """

    @abstractmethod
    def used(self, reply: Reply) -> Usage | None:
        """What the provider reports; None if it does not."""

    @abstractmethod
    def estimated(self, request: Request, received: Reply | None, most: TokenCount) -> TokenCount:
        """What a request has probably used.

        Args:
            request: as it was sent.
            received: as much of the reply as came; None if nothing did.
            most: the upper bound, which the estimate never exceeds.
        """

    async def received(
        self,
        ask: Callable[[ProviderCall[Request]], Awaitable[Reply]],
        call: ProviderCall[Request],
        provider: Provider,
    ) -> Reply:
        """A provider's whole reply.

        Args:
            ask: sends a request.
            call: what is asked for.
            provider: who is asked.

        Raises:
            SluiceError: it failed.
        """
        return await ask(call)

    def limited(self, request: Request, output_tokens: int, row: ModelRow) -> Request:
        """The request with the output limit that its bound was made with, as far as the provider has to be told."""
        return request

    def told(self, request: Request, reply: Reply, most: TokenCount) -> Reply:
        """The reply with what the client's schema requires and the provider left out."""
        return reply


class StreamingEndpoint[
    Request: StreamableRequest,
    Reply: ReplyShape,
    Chunk: (ChatCompletionChunk, CompletionChunk),
](Endpoint[Request, Reply]):
    """One whose reply may be streamed."""

    @abstractmethod
    def operation(self, provider: Provider, row: ModelRow) -> StreamingOperation[Request, Reply, Chunk]:
        """How a provider is asked; see ``Endpoint.operation``."""

    @abstractmethod
    def renderer(self, request: Request, request_hash: str) -> ChunkRenderer[Chunk, Reply]:
        """What makes the client's chunks of one streamed reply."""
