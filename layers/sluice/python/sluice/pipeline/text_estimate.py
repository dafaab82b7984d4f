"""How many tokens completions and embeddings have probably used; see ``pipeline.estimate``."""

from sluice.accounting.costs import TokenCount
from sluice.api.completion_reply import Completion
from sluice.api.completion_request import CompletionRequest
from sluice.api.text_input import Text
from sluice.pipeline.estimate import tokens_of


def completion_estimate(
    request: CompletionRequest, received: Completion | None, most: TokenCount
) -> TokenCount:
    """Of what was sent and received: an echo was not written by the model, what ``best_of`` keeps back was."""
    prompts = request.prompts
    read = text_tokens(prompts) + len(prompts) * tokens_of(request.suffix or "")
    written = sum(
        _written(choice.text, _echoed(request, prompts, choice.index))
        for choice in (received.choices if received else ())
    )
    shown = request.n or 1
    in_all = -(-written * max(shown, request.best_of or 1) // shown)
    return TokenCount(prompt=min(read, most.prompt), completion=min(in_all, most.completion))


def text_tokens(texts: list[Text]) -> int:
    """Of texts, or exactly, where they came as tokens."""
    return sum(tokens_of(text) if isinstance(text, str) else len(text) for text in texts)


def _echoed(request: CompletionRequest, prompts: list[Text], index: int) -> Text:
    """What the choice at ``index`` begins with, beside what the model has written."""
    position = index // (request.n or 1)
    return prompts[position] if request.echo and 0 <= position < len(prompts) else ""


def _written(text: str, echo: Text) -> int:
    """The tokens of a choice's text without its echo, of which only the number may be known."""
    if isinstance(echo, str):
        return tokens_of(text.removeprefix(echo))
    return max(0, tokens_of(text) - len(echo))
