"""Items of the usage table, older ones too."""

from sluice.stores.usage_items import Totals, Usage, UsageKey, usage_of

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
