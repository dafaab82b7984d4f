"""Which leg of a model is asked first."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from sluice.accounting.costs import rates_of
from sluice.accounting.demand import Demand
from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.validation import validate
from sluice.catalog import Candidate, ModelRow, Policy, Price
from sluice.pipeline.latencies import Latencies
from sluice.pipeline.leg import Leg
from sluice.pipeline.order import EXPLORED, by_policy, by_wish
from sluice.providers.contract import Target
from sluice.providers.registry import PROVIDERS

type Legs = Sequence[Leg[ChatCompletionRequest]]


def leg(
    provider: str,
    *,
    weight: int = 1,
    price: tuple[str, str] | None = None,
    prompt: int = 100,
    stream: bool = False,
) -> Leg[ChatCompletionRequest]:
    members: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": stream,
    }
    candidate = Candidate(provider=provider, model="up", weight=weight)
    rates = rates_of(Price(input=Decimal(price[0]), output=Decimal(price[1]))) if price else None
    return Leg(
        row=ModelRow(id="m", candidates=(candidate,)),
        candidate=candidate,
        provider=PROVIDERS["openai"],
        target=Target(provider, "http://x", "up"),
        request=validate(ChatCompletionRequest, members),
        demand=Demand(10 * prompt, 1, 16_384, adjustable=True, rates=rates, prompt_estimate=prompt),
    )


def names(legs: Legs) -> str:
    return "".join(leg.candidate.provider for leg in legs)


def ordered(
    legs: Legs, policy: Policy, latencies: Latencies | None = None, chance: Callable[[], float] = lambda: 0.5
) -> str:
    return names(by_policy(legs, policy, latencies or Latencies(), chance))


def test_priority_is_the_order_of_the_catalogue() -> None:
    assert ordered([leg("b"), leg("a"), leg("c", weight=0)], "priority") == "bac"


def test_what_the_client_wants_is_in_its_order() -> None:
    assert names(by_wish([leg("a"), leg("b"), leg("c")], ("c", "a", "b"))) == "cab"


def test_weights_are_shares_of_the_first_place_and_of_the_places_after_it() -> None:
    draws = random.Random(1).random
    legs = [leg("a", weight=6), leg("b", weight=3), leg("c", weight=1), leg("z", weight=0)]
    seen = Counter(ordered(legs, "weighted", chance=draws) for _ in range(20_000))
    first = Counter[str]()
    for order, times in seen.items():
        first[order[0]] += times
        assert order[-1] == "z"
    assert [round(first[name] / 20_000, 1) for name in "abcz"] == [0.6, 0.3, 0.1, 0]
    after_a = {order: times for order, times in seen.items() if order.startswith("a")}
    assert after_a["abcz"] / sum(after_a.values()) == pytest.approx(0.75, abs=0.02)


def test_where_all_weigh_nothing_they_keep_their_order() -> None:
    assert ordered([leg("b", weight=0), leg("a", weight=0)], "weighted") == "ba"


@pytest.mark.parametrize(("prompt", "expected"), [(100, "rw"), (100_000, "wr")])
def test_the_cheapest_is_the_cheapest_for_this_request(prompt: int, expected: str) -> None:
    """One is dear to read, the other to write."""
    legs = [leg("r", price=("5", "1"), prompt=prompt), leg("w", price=("1", "10"), prompt=prompt)]
    assert ordered(legs, "cheapest") == ordered(legs[::-1], "cheapest") == expected


def test_an_unknown_price_is_no_low_one_and_equal_prices_keep_their_order() -> None:
    legs = [leg("u"), leg("b", price=("2", "2")), leg("a", price=("2", "2")), leg("c", price=("1", "1"))]
    assert ordered(legs, "cheapest") == "cbau"


def heard(**milliseconds: float) -> Latencies:
    latencies = Latencies()
    for provider, latency in milliseconds.items():
        latencies.heard(f"{provider}/up", latency, streams=False)
    return latencies


def test_the_fastest_goes_first() -> None:
    assert ordered([leg("a"), leg("b"), leg("c")], "fastest", heard(a=300, b=100, c=200)) == "bca"


def test_one_that_was_never_asked_goes_before_all() -> None:
    assert ordered([leg("a"), leg("b"), leg("n")], "fastest", heard(a=300, b=0)) == "nba"


def test_at_first_many_at_once_are_spread_over_all() -> None:
    draws = random.Random(1).random
    first = Counter(ordered([leg("a"), leg("b"), leg("c")], "fastest", chance=draws)[0] for _ in range(3000))
    assert all(900 < first[name] < 1100 for name in "abc")


def test_now_and_then_a_slower_one_is_tried() -> None:
    draws = random.Random(1).random
    latencies = heard(a=300, b=100, c=200)
    legs = [leg("a"), leg("b"), leg("c")]
    first = Counter(ordered(legs, "fastest", latencies, draws)[0] for _ in range(10_000))
    assert first["a"] + first["c"] == pytest.approx(10_000 * EXPLORED, rel=0.2)
    assert first["a"] == pytest.approx(first["c"], rel=0.3)
    assert ordered([leg("a")], "fastest", latencies, draws) == "a"


def test_an_average_follows_what_changes_and_forgives_one_bad_answer() -> None:
    latencies = heard(a=100)
    latencies.heard("a/up", 1000, streams=False)
    assert 300 < (latencies.of("a/up", streams=False) or 0) < 500
    for _ in range(10):
        latencies.heard("a/up", 1000, streams=False)
    assert 950 < (latencies.of("a/up", streams=False) or 0) < 1000


def test_a_stream_begins_before_a_whole_reply_and_is_measured_apart() -> None:
    latencies = heard(a=100, b=200)
    latencies.heard("a/up", 50, streams=True)
    latencies.heard("b/up", 10, streams=True)
    assert ordered([leg("a"), leg("b")], "fastest", latencies) == "ab"
    assert ordered([leg("a", stream=True), leg("b", stream=True)], "fastest", latencies) == "ba"
