"""What an answer means, whatever wire format it came in: of the ``Turn`` that was said, and of what a client gets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mock_turns import Count, Turn
from sluice.accounting.costs import Rates, TokenCount
from sluice.api.chat_reply import ChatCompletion
from sluice.api.usage import Usage


class Fact(StrEnum):
    """What not every provider's format has a place for."""

    SIGNATURE = "what it wants back with its thoughts"
    CACHE_WRITES = "how many tokens it wrote to its cache"
    CONTEXT = "that it is the length of a conversation that it refuses"
    DELAY = "how long to wait"
    REASONING_COUNT = "how many tokens it thought"


@dataclass(frozen=True)
class Meaning:
    """An answer; ``calls`` are names with arguments, ``cost`` is in nano-USD."""

    text: str
    reasoning: str
    signature: str
    calls: tuple[tuple[str, Any], ...]
    end: str
    usage: Count
    cost: int


def meaning_of_turn(turn: Turn, unsaid: frozenset[Fact], rates: Rates) -> Meaning:
    """What a turn means once a provider that cannot say some facts has said it."""
    usage = turn.usage
    if Fact.CACHE_WRITES in unsaid:
        usage = replace(usage, cache_written=0)
    if Fact.REASONING_COUNT in unsaid:
        usage = replace(usage, reasoning=0)
    return Meaning(
        text="".join(turn.text),
        reasoning="".join(turn.reasoning),
        signature="" if Fact.SIGNATURE in unsaid else turn.signature,
        calls=tuple((call.name, json.loads("".join(call.arguments))) for call in turn.calls),
        end=turn.end,
        usage=usage,
        cost=_cost(usage, rates),
    )


def meaning_of(reply: ChatCompletion, rates: Rates) -> Meaning:
    """What a client gets."""
    (choice,) = reply.choices
    message = choice.message
    assert reply.usage is not None
    usage = count_of(reply.usage)
    return Meaning(
        text=message.content or "",
        reasoning=message.reasoning_content or "",
        signature=_signature(message.reasoning_details or [], reply.model_dump(mode="json")),
        calls=tuple(
            (call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or ()
            if call.function is not None
        ),
        end=choice.finish_reason,
        usage=usage,
        cost=_cost(usage, rates),
    )


def count_of(usage: Usage) -> Count:
    """The tokens of a reply."""
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    return Count(
        prompt=usage.prompt_tokens,
        completion=usage.completion_tokens,
        cached=(prompt and prompt.cached_tokens) or 0,
        cache_written=(prompt and prompt.cache_write_tokens) or 0,
        reasoning=(completion and completion.reasoning_tokens) or 0,
    )


def _signature(details: list[dict[str, Any]], reply: Mapping[str, Any]) -> str:
    found = [detail.get("signature") or detail.get("data") or "" for detail in details]
    for call in reply["choices"][0]["message"].get("tool_calls") or ():
        google = (call.get("extra_content") or {}).get("google") or {}
        found.append(google.get("thought_signature") or "")
    return next((signature for signature in found if signature), "")


def _cost(count: Count, rates: Rates) -> int:
    return rates.cost(
        TokenCount(
            prompt=count.prompt,
            completion=count.completion,
            cached=count.cached,
            cache_written=count.cache_written,
            reasoning=count.reasoning,
        )
    )
