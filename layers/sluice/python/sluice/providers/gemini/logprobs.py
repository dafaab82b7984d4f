"""Log probabilities: Gemini's ``logprobsResult`` as OpenAI's ``logprobs``."""

from typing import Any

from sluice.api.chat_reply import Logprobs
from sluice.providers.reading import objects_of


def logprobs_of(result: object) -> Logprobs | None:
    """The chosen tokens, each with the likeliest ones at its place; None where there are none."""
    if not isinstance(result, dict):
        return None
    chosen = objects_of(result.get("chosenCandidates"))
    likeliest = objects_of(result.get("topCandidates"))
    content = []
    for position, candidate in enumerate(chosen):
        others = objects_of(likeliest[position].get("candidates")) if position < len(likeliest) else []
        content.append({**_entry(candidate), "top_logprobs": [_entry(other) for other in others]})
    return {"content": content, "refusal": None} if content else None


def _entry(candidate: dict[str, Any]) -> dict[str, Any]:
    token = candidate.get("token")
    text = token if isinstance(token, str) else ""
    probability = candidate.get("logProbability")
    return {
        "token": text,
        "logprob": probability if isinstance(probability, int | float) else 0.0,  # left out where it is 0
        "bytes": list(text.encode()),
    }
