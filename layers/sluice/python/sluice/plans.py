"""The plans a key can be on: limits by name. A limit set on the key itself takes the place of its plan's."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Plan:
    """Limits of one key; None is "no such limit"."""

    rpm: int | None = None
    """Requests a minute."""
    tpm: int | None = None
    """Tokens a minute."""
    tpd: int | None = None
    """Tokens a day."""


CUSTOM = "custom"
"""The plan without limits of its own: what is set on the key is all there is."""

PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "free": Plan(rpm=60, tpd=100_000),
        "pro": Plan(rpm=300, tpd=1_000_000),
        "enterprise": Plan(rpm=10_000, tpd=100_000_000),
        "rocket-starter": Plan(rpm=25, tpm=12_000),
        "rocket-pro": Plan(rpm=80, tpm=60_000),
        CUSTOM: Plan(),
    }
)
