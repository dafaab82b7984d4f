"""What an answered request has used: by the provider's word, or by what was received where it gave none."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from sluice.accounting.costs import TokenCount, rates_of_model
from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.api.usage import Usage
from sluice.catalog import ModelRow
from sluice.observability import RequestRecord
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.estimate import counted
from sluice.pipeline.search import Found
from sluice.pipeline.settle import Outcome


class Received[Reply](Protocol):
    """What is left of a stream when it has ended: ``pipeline.chunks.ChunkRenderer``."""

    @property
    def usage(self) -> Usage | None:
        """By the provider's word."""
        ...

    @property
    def response_hash(self) -> str | None:
        """None until all has come."""
        ...

    def received(self) -> Reply | None:
        """What has come, None if nothing has."""
        ...


@dataclass(frozen=True, slots=True)
class Meter[Request: ModelRequest, Reply: ReplyShape]:
    """Measures one request.

    Args:
        endpoint: that was asked.
        request: as it was sent.
        most: the upper bound of its tokens.
        row: the model's, with its price.
        provider: who answers.
        request_hash: of the body as it came.
        record: of the request; takes down tokens and cost, and knows the times.
        found: what was searched for before, None if nothing was.
    """

    endpoint: Endpoint[Request, Reply]
    request: Request
    most: TokenCount
    row: ModelRow
    provider: str
    request_hash: str
    record: RequestRecord
    found: Found | None = None

    @property
    def reply_members(self) -> dict[str, Any]:
        """What the reply has of a search."""
        return self.found.members if self.found else {}

    @property
    def _search_cost(self) -> int:
        return self.found.cost if self.found else 0

    def whole(self, reply: Reply, response_hash: str) -> Outcome:
        """The outcome of a whole reply."""
        return self._outcome("complete", self.endpoint.used(reply), reply, response_hash)

    def cost(self, reply: Reply) -> int | None:
        """What a whole reply costs, in nano-USD; None where its model has no price."""
        rates = rates_of_model(self.row)
        if rates is None:
            return None
        tokens, _ = self._tokens("complete", self.endpoint.used(reply), reply)
        return rates.cost(tokens) + self._search_cost

    def streamed(self, renderer: Received[Reply]) -> Outcome:
        """The outcome of a stream that has begun, however it ended; what never came is not charged."""
        if renderer.response_hash is not None:
            status: Literal["complete", "broken", "cancelled"] = "complete"
        else:
            status = "cancelled" if self.record.error is None else "broken"
        received = None if self._says_all(status, renderer.usage) else renderer.received()
        return self._outcome(status, renderer.usage, received, renderer.response_hash)

    def _outcome(
        self,
        status: Literal["complete", "broken", "cancelled"],
        usage: Usage | None,
        received: Reply | None,
        response_hash: str | None,
    ) -> Outcome:
        tokens, estimated = self._tokens(status, usage, received)
        rates = rates_of_model(self.row)
        cost = (rates.cost(tokens) if rates else 0) + self._search_cost
        self._take_down(tokens, cost)
        first_byte = self.record.first_byte_ms
        return Outcome(
            status=status,
            model=self.row.id,
            provider=self.provider,
            tokens=tokens,
            cost=cost,
            searches=self.found.searches if self.found else 0,
            search_cost=self._search_cost,
            estimated=estimated,
            streamed=self.request.streams,
            first_byte_ms=None if first_byte is None else round(first_byte),
            duration_ms=round(self.record.elapsed_ms()),
            request_hash=self.request_hash,
            response_hash=response_hash,
        )

    def _tokens(self, status: str, usage: Usage | None, received: Reply | None) -> tuple[TokenCount, bool]:
        """What was used, and whether that is estimated.

        A provider's word counts at the end of its reply. Before, it is of a part, and a completion of no tokens that
        says something was not counted: then what was received counts, where it is more.
        """
        if usage is not None and self._says_all(status, usage):
            return counted(usage, self.most), False
        estimate = self.endpoint.estimated(self.request, received, self.most)
        if usage is None:
            return estimate, True
        told = counted(usage, self.most)
        if told.completion >= estimate.completion:
            return told, status != "complete"
        prompt = max(told.prompt, estimate.prompt)
        return replace(told, prompt=prompt, completion=estimate.completion), True

    def _says_all(self, status: str, usage: Usage | None) -> bool:
        return usage is not None and status == "complete" and usage.completion_tokens > 0

    def _take_down(self, tokens: TokenCount, cost: int) -> None:
        self.record.prompt_tokens = tokens.prompt
        self.record.completion_tokens = tokens.completion
        self.record.cost = cost
