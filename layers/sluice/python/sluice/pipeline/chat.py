"""What is particular to chat completions."""

from dataclasses import dataclass
from typing import Any

from sluice.accounting.costs import TokenCount
from sluice.accounting.demand import Demand
from sluice.api.chat_accumulate import ChatAccumulator
from sluice.api.chat_reply import ChatCompletion, ChatCompletionChunk
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.model_request import with_model
from sluice.api.usage import Usage
from sluice.api.validation import validate
from sluice.catalog import Catalog, ModelRow
from sluice.errors import UnsupportedParameterError
from sluice.pipeline.chat_bound import demand_of, limited
from sluice.pipeline.chat_estimate import estimated_tokens
from sluice.pipeline.chunks import ChunkRenderer
from sluice.pipeline.endpoint import StreamingEndpoint
from sluice.pipeline.route import CredentialSource
from sluice.pipeline.search import Found, SearchPlan, planned
from sluice.providers.contract import ChatOperation, Provider
from sluice.providers.features import check_supported


@dataclass(frozen=True, slots=True)
class ChatDefaults:
    """What an alias fills in where a client says nothing."""

    model: str
    max_tokens: int


class Chat(StreamingEndpoint[ChatCompletionRequest, ChatCompletion, ChatCompletionChunk]):
    """POST a conversation, get the assistant's next turn.

    Args:
        defaults: of the alias that is asked.
    """

    KINDS = ("chat",)
    ID_PREFIX = "chatcmpl-"

    def __init__(self, defaults: ChatDefaults | None = None) -> None:
        self._defaults = defaults

    def understood(self, raw: dict[str, Any]) -> ChatCompletionRequest:
        """See ``Endpoint``."""
        return validate(ChatCompletionRequest, _with_defaults(raw, self._defaults))

    async def search(
        self,
        request: ChatCompletionRequest,
        catalog: Catalog,
        credentials: CredentialSource,
        *,
        bounded: bool,
    ) -> SearchPlan | None:
        """See ``Endpoint``."""
        return await planned(catalog, credentials, request, bounded=bounded)

    def informed(self, request: ChatCompletionRequest, found: Found) -> ChatCompletionRequest:
        """See ``Endpoint``."""
        return found.told(request)

    def demand(
        self, request: ChatCompletionRequest, body_bytes: int, row: ModelRow, *, bounded: bool
    ) -> Demand:
        """See ``Endpoint``."""
        return demand_of(request, body_bytes, row, bounded=bounded)

    def limited(
        self, request: ChatCompletionRequest, output_tokens: int, row: ModelRow
    ) -> ChatCompletionRequest:
        """See ``Endpoint``."""
        return limited(request, output_tokens, row)

    def check(self, request: ChatCompletionRequest, provider: Provider, row: ModelRow) -> None:
        """See ``Endpoint``."""
        super().check(request, provider, row)
        self.operation(provider, row)
        check_supported(request, provider.features)

    def operation(self, provider: Provider, row: ModelRow) -> ChatOperation:
        """See ``Endpoint``."""
        if provider.chat is None:
            raise UnsupportedParameterError(
                f"The provider of the model '{row.id}' has no chat.", param="model"
            )
        return provider.chat

    def renderer(
        self, request: ChatCompletionRequest, request_hash: str
    ) -> ChunkRenderer[ChatCompletionChunk, ChatCompletion]:
        """See ``StreamingEndpoint``."""
        return ChunkRenderer(
            ChatAccumulator(), request_hash=request_hash, include_usage=request.wants_usage_chunk
        )

    def used(self, reply: ChatCompletion) -> Usage | None:
        """See ``Endpoint``."""
        return reply.usage

    def estimated(
        self, request: ChatCompletionRequest, received: ChatCompletion | None, most: TokenCount
    ) -> TokenCount:
        """See ``Endpoint``."""
        return estimated_tokens(request, received, most)


def _with_defaults(raw: dict[str, Any], defaults: ChatDefaults | None) -> dict[str, Any]:
    """The body with an alias's defaults; ``max_tokens`` only where the client sets no limit by either name."""
    if defaults is None:
        return with_model(raw)
    filled = {name: value for name, value in raw.items() if name != "model" or value is not None}
    filled = {"model": defaults.model, **with_model(filled)}
    if filled.get("max_tokens") is None and filled.get("max_completion_tokens") is None:
        filled["max_tokens"] = defaults.max_tokens
    return filled
