"""A key's limits: its plan's, and in their place what is set on the key itself."""

from sluice.accounting.counter import Limits
from sluice.errors import InternalError
from sluice.plans import PLANS
from sluice.stores.keys import KeyRecord


def limits_of(key: KeyRecord) -> Limits:
    """The limits that a key's requests are admitted by.

    Raises:
        InternalError: its plan is unknown to this version, so its limits are too.
    """
    plan = PLANS.get(key.plan)
    if plan is None:
        raise InternalError(InternalError.TOLD)
    return Limits(
        rpm=plan.rpm if key.rpm is None else key.rpm,
        tpm=plan.tpm if key.tpm is None else key.tpm,
        tpd=plan.tpd if key.tpd is None else key.tpd,
        budget=key.budget_nano_usd,
        budget_period=key.budget_period,
    )
