"""The upper bound of what completions and embeddings can use; see ``pipeline.chat_bound`` for why it is one.

A text has at most as many tokens as its JSON has bytes, and one that comes as tokens has fewer, since each takes a
digit and a comma at least. A suffix stands in the JSON once, and is read with each prompt. No provider reads more of a
text than ``context_tokens``.
"""

from sluice.accounting.costs import rates_of_model
from sluice.accounting.demand import Demand
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.text_input import Text
from sluice.catalog import ModelRow
from sluice.pipeline.chat_bound import ADDED_TOKENS, BYTES_PER_TOKEN, MOST_OUTPUT_TOKENS


def completion_demand(request: CompletionRequest, body_bytes: int, row: ModelRow) -> Demand:
    """The upper bound of a completion: each prompt is read once, and ``best_of`` answers to it are written."""
    prompts = request.prompts
    suffix = request.suffix or ""
    read = _read(prompts, body_bytes + (len(prompts) - 1) * len(suffix.encode()), row)
    return Demand(
        prompt_tokens=read,
        choices=len(prompts) * max(request.n or 1, request.best_of or 1),
        output_tokens=min(request.output_tokens, row.context_tokens or MOST_OUTPUT_TOKENS),
        adjustable=False,
        rates=rates_of_model(row),
        prompt_estimate=min(read, sum(map(_likely, prompts)) + len(prompts) * _likely(suffix)),
    )


def embeddings_demand(request: EmbeddingsRequest, body_bytes: int, row: ModelRow) -> Demand:
    """The upper bound of embeddings, which have no output."""
    read = _read(request.texts, body_bytes, row)
    return Demand(
        prompt_tokens=read,
        choices=1,
        output_tokens=0,
        adjustable=False,
        rates=rates_of_model(row),
        prompt_estimate=min(read, sum(map(_likely, request.texts))),
    )


def _read(texts: list[Text], body_bytes: int, row: ModelRow) -> int:
    read = body_bytes + (row.added_tokens or ADDED_TOKENS) * len(texts)
    return read if row.context_tokens is None else min(read, row.context_tokens * len(texts))


def _likely(text: Text) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN) if isinstance(text, str) else len(text)
