"""Conditional updates, as members of the call."""

from sluice.accounting.windows import empty
from sluice.stores.updates import Update, take_in_window


def test_a_name_that_no_expression_has_is_left_out() -> None:
    update = Update()
    update.set(update.name("used"), update.number(7))
    update.name("asked for in vain")
    assert update.members()["ExpressionAttributeNames"] == {"#n0": "used"}


def test_of_eleven_names_each_is_told_from_its_beginning() -> None:
    update = Update()
    names = [update.name(f"name {number}") for number in range(11)]
    update.set(names[10], update.number(7))
    assert update.members()["ExpressionAttributeNames"] == {"#n10": "name 10"}


def test_where_nothing_is_counted_and_nothing_limited_only_the_slot_matters() -> None:
    update = Update()
    window = empty(3)
    take_in_window(update, "day_tokens", window, window, counted=0, held=0, limit=None)
    assert update.members() == {
        "UpdateExpression": "",
        "ConditionExpression": "#n0 = :v0",
        "ExpressionAttributeNames": {"#n0": "day_tokens_slot"},
        "ExpressionAttributeValues": {":v0": {"N": "3"}},
    }
