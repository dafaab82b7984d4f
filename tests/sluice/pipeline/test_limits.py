"""A key's limits: its plan's, unless it has its own."""

import pytest

from key_records import key_record
from sluice.accounting.counter import Limits
from sluice.errors import InternalError
from sluice.pipeline.limits import limits_of
from sluice.plans import PLANS


@pytest.mark.parametrize("plan", PLANS)
def test_a_key_has_the_limits_of_its_plan(plan: str) -> None:
    found = PLANS[plan]
    assert limits_of(key_record("sk-1", plan=plan)) == Limits(rpm=found.rpm, tpm=found.tpm, tpd=found.tpd)


@pytest.mark.parametrize("name", ["rpm", "tpm", "tpd"])
@pytest.mark.parametrize("value", [0, 1, 10**12])
def test_a_limit_on_the_key_takes_the_place_of_its_plans_and_of_no_other(name: str, value: int) -> None:
    plain = limits_of(key_record("sk-1", plan="pro"))
    own = limits_of(key_record("sk-1", plan="pro", **{name: value}))
    assert getattr(own, name) == value
    for other in {"rpm", "tpm", "tpd"} - {name}:
        assert getattr(own, other) == getattr(plain, other)


def test_budgets_are_the_key_s_alone() -> None:
    record = key_record("sk-1", plan="free", budget_nano_usd=7, budget_period="monthly")
    limits = limits_of(record)
    assert (limits.budget, limits.budget_period) == (7, "monthly")
    assert limits_of(key_record("sk-1", plan="custom")) == Limits()


def test_a_plan_that_is_unknown_is_no_plan_without_limits() -> None:
    with pytest.raises(InternalError) as caught:
        limits_of(key_record("sk-1", plan="platinum"))
    assert caught.value.message == InternalError.TOLD
