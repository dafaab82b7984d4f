"""What is particular to embeddings."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.embeddings import EmbeddingList, EmbeddingsRequest, EmbeddingUsage
from sluice.api.usage import Usage
from sluice.api.validation import validate
from sluice.catalog import ModelRow
from sluice.errors import UnsupportedParameterError
from sluice.pipeline.batches import in_batches
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.text_bound import embeddings_demand
from sluice.pipeline.text_estimate import text_tokens
from sluice.providers.contract import EmbeddingsOperation, Provider, ProviderCall


class Embeddings(Endpoint[EmbeddingsRequest, EmbeddingList]):
    """POST texts, get a vector for each."""

    KINDS = ("embedding",)
    FALLS_BACK = False
    ID_PREFIX = "embd-"

    def understood(self, raw: dict[str, Any]) -> EmbeddingsRequest:
        """See ``Endpoint``."""
        request = validate(EmbeddingsRequest, raw)
        if (request.model_extra or {}).get("models"):
            raise UnsupportedParameterError(
                "Vectors of different models cannot be compared, so none answers in the place of another.",
                param="models",
            )
        return request

    def demand(
        self,
        request: EmbeddingsRequest,
        body_bytes: int,
        row: ModelRow,
        *,
        bounded: bool,  # there always is a bound
    ) -> Demand:
        """See ``Endpoint``."""
        return embeddings_demand(request, body_bytes, row)

    def check(self, request: EmbeddingsRequest, provider: Provider, row: ModelRow) -> None:
        """See ``Endpoint``."""
        super().check(request, provider, row)
        self.operation(provider, row)

    def operation(self, provider: Provider, row: ModelRow) -> EmbeddingsOperation:
        """See ``Endpoint``."""
        if provider.embeddings is None:
            raise UnsupportedParameterError(
                f"The provider of the model '{row.id}' has no embeddings.", param="model"
            )
        return provider.embeddings

    async def received(
        self,
        ask: Callable[[ProviderCall[EmbeddingsRequest]], Awaitable[EmbeddingList]],
        call: ProviderCall[EmbeddingsRequest],
        provider: Provider,
    ) -> EmbeddingList:
        """See ``Endpoint``; more texts than the model takes at once go in several requests."""
        texts, operation = call.request.texts, provider.embeddings
        most = operation.most_texts(call.target.model) if operation is not None else None
        if most is None or len(texts) <= most:
            return await ask(call)
        return await in_batches(
            texts,
            most,
            lambda batch: ask(replace(call, request=call.request.model_copy(update={"input": batch}))),
        )

    def used(self, reply: EmbeddingList) -> Usage | None:
        """See ``Endpoint``."""
        if reply.usage is None:
            return None
        tokens = reply.usage.prompt_tokens
        return Usage(prompt_tokens=tokens, completion_tokens=0, total_tokens=tokens)

    def estimated(
        self, request: EmbeddingsRequest, received: EmbeddingList | None, most: TokenCount
    ) -> TokenCount:
        """See ``Endpoint``."""
        return TokenCount(prompt=min(text_tokens(request.texts), most.prompt), completion=0)

    def told(self, request: EmbeddingsRequest, reply: EmbeddingList, most: TokenCount) -> EmbeddingList:
        """The reply with its usage, which OpenAI's schema requires, estimated where the provider tells none."""
        if reply.usage is not None:
            return reply
        tokens = self.estimated(request, reply, most).prompt
        usage = EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
        return reply.model_copy(update={"usage": usage})
