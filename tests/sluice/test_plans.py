"""The plans are the contract's."""

from sluice.plans import PLANS


def test_the_table_of_the_contract() -> None:
    assert {name: (plan.rpm, plan.tpm, plan.tpd) for name, plan in PLANS.items()} == {
        "free": (60, None, 100_000),
        "pro": (300, None, 1_000_000),
        "enterprise": (10_000, None, 100_000_000),
        "rocket-starter": (25, 12_000, None),
        "rocket-pro": (80, 60_000, None),
        "custom": (None, None, None),
    }
