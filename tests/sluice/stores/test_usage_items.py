"""Items of the usage table, older ones too."""

from made_rows import ledger_row
from sluice.stores.usage_items import Totals, Usage, UsageKey, numbers_of, usage_of

KEY = UsageKey("ann", "2026-11-21", "key_a", "a/b#c")
OLD = {
    **KEY.item(),
    "requests": {"N": "2"},
    "prompt_tokens": {"N": "9"},
    "cached_tokens": {"N": "4"},
    "completion_tokens": {"N": "5"},
    "reasoning_tokens": {"N": "1"},
    "cost": {"N": "7"},
    "estimated": {"N": "0"},
}


def test_an_item_from_before_cache_writes_were_counted_has_none() -> None:
    totals = Totals(
        requests=2, prompt_tokens=9, cached_tokens=4, completion_tokens=5, reasoning_tokens=1, cost=7
    )
    assert usage_of(OLD) == Usage(KEY, totals)


def test_later_ones_say_how_many() -> None:
    assert usage_of({**OLD, "cache_write_tokens": {"N": "3"}}).totals.cache_write_tokens == 3


def test_each_provider_has_its_part_and_an_older_one_has_none() -> None:
    rows = [
        ledger_row("a", cost=5, provider="near"),
        ledger_row("b", cost=6, provider="far@home"),
        ledger_row("c", cost=1, provider="near"),
        ledger_row("d", cost=2, provider=""),
    ]
    added = {name: {"N": str(number)} for name, number in numbers_of(rows)}
    assert "searches@near" not in added, "what is 0 takes no room"
    usage = usage_of({**KEY.item(), **added})
    assert (usage.totals.requests, usage.totals.cost) == (4, 14)
    assert {name: (part.requests, part.cost) for name, part in usage.providers.items()} == {
        "near": (2, 6),
        "far@home": (1, 6),
    }
    assert (usage.rest.requests, usage.rest.cost) == (1, 2)
    old = usage_of(OLD)
    assert (old.providers, old.rest) == ({}, old.totals)
