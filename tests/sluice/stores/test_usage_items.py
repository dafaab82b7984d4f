from sluice.stores.usage_items import Totals, UsageKey, usage_of

KEY = UsageKey("ann", "2026-11-21", "key_a", "a/b#c")


def test_an_item_of_before_a_number_was_counted_has_none_of_it() -> None:
    item = KEY.item() | {name: {"N": "3"} for name in ("requests", "prompt_tokens", "cost")}
    assert usage_of(item).key == KEY
    assert usage_of(item).totals == Totals(requests=3, prompt_tokens=3, cost=3)
