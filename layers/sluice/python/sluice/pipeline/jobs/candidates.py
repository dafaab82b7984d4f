"""Who may make what a job asks for, and at what price: found out before anything is held.

As for a request that is answered at once (``pipeline.plan``), a candidate that cannot is left out, and only where
nobody is left is the request refused. Here even the provider's request is made, to see whether it can be, and thrown
away: a value that a provider does not take is told now, and not as the failure of a job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sluice.api.model_request import ModelRequest
from sluice.catalog import Candidate, ModelRow
from sluice.errors import InvalidRequestError
from sluice.pipeline.billable import check_members, unpriced
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.jobs.media import Medium
from sluice.pipeline.jobs.request_file import JobLeg
from sluice.pipeline.order import by_weight, by_wish
from sluice.pipeline.plan import who_can
from sluice.pipeline.route import Choice, target_of
from sluice.providers.contract import ProviderCall
from sluice.providers.media_features import SECONDS, check_media
from sluice.providers.registry import provider_of


@dataclass(frozen=True, slots=True)
class Maker:
    """A candidate that may make it. ``price`` is USD for each piece, None where it has none."""

    row: ModelRow
    candidate: Candidate
    price: Decimal | None

    @property
    def leg(self) -> JobLeg:
        """As the job's request has it."""
        return JobLeg(provider=self.candidate.provider, model=self.candidate.model, price=self.price)


@dataclass(frozen=True, slots=True)
class Wanted[Request: ModelRequest]:
    """What is asked for.

    Attributes:
        request: as the client has it.
        settled: the same with what it leaves to its model.
        bounded: whether a budget bounds what it may cost.
        providers: the only ones that may make it, the first one first; None for any.
        id: the job's.
        now: epoch seconds.
    """

    request: Request
    settled: Request
    bounded: bool
    providers: Sequence[str] | None
    id: str
    now: float


async def makers_of[Request: ModelRequest](
    gateway: Gateway, medium: Medium[Request], wanted: Wanted[Request], choice: Choice
) -> Sequence[Maker]:
    """The candidates of a model that can make what is asked for, by preference; there is at least one.

    Raises:
        InvalidRequestError, OverloadedError: there is none, and why not.
        ConfigurationError, AWSError: likewise; a secret is in a form, or has a policy, with which it cannot be read.
    """

    async def maker_of(choice: Choice, candidate: Candidate) -> Maker:
        row = choice.row.served_by(candidate)
        target = await target_of(gateway.catalog, row, candidate, gateway.credentials)
        provider = provider_of(gateway.catalog.providers[candidate.provider])
        check_media(medium.features(provider, row), wanted.request, row)
        _check_length(wanted.settled, row)
        price = medium.price(wanted.settled, row)
        if wanted.bounded:
            if price is None:
                raise unpriced(row, None if wanted.providers is None else candidate.provider)
            check_members(wanted.request)
        medium.rehearse(provider, ProviderCall(wanted.settled, target, id=wanted.id, now=wanted.now))
        return Maker(row, candidate, price)

    def ordered(row: ModelRow, makers: Sequence[Maker]) -> Sequence[Maker]:
        return _ordered(row, makers, wanted.providers, gateway)

    return await who_can([choice], wanted.providers, maker_of, ordered)


def _check_length(request: Any, row: ModelRow) -> None:
    """Another candidate's own length may be none of this one's."""
    seconds = getattr(request, SECONDS, None)
    if seconds is not None and row.seconds and seconds not in row.seconds:
        raise InvalidRequestError(
            f"The model '{row.id}' makes no videos of {seconds} seconds.", param=SECONDS
        )


def _ordered(
    row: ModelRow, makers: Sequence[Maker], providers: Sequence[str] | None, gateway: Gateway
) -> Sequence[Maker]:
    """By what the client or the model's policy says; how fast somebody makes things is not known here."""
    if providers is not None:
        return by_wish(makers, providers)
    match row.policy:
        case "weighted":
            return by_weight(makers, gateway.routing.chance)
        case "cheapest":
            return sorted(makers, key=lambda maker: (maker.price is None, maker.price or 0))
        case _:
            return makers
