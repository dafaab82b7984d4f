"""Step 3: who may answer? The candidates of a model as the legs of a plan, in the order in which they are asked.

All that speaks against a candidate is found out here, before anything is held: that it cannot express the request, that
a budget cannot be kept with it, that the operator has not set its credential. It is left out then, and only where
nobody is left is the request refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sluice.accounting.demand import Demand
from sluice.api.model_request import ModelRequest
from sluice.api.shapes import ReplyShape
from sluice.catalog import Candidate, ModelRow
from sluice.errors import InvalidRequestError, OverloadedError, SluiceError
from sluice.pipeline.billable import check_billable
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.route import NotConfiguredError, target_of
from sluice.providers.contract import Provider, Target
from sluice.providers.registry import PROVIDERS


@dataclass(frozen=True, slots=True)
class Leg[Request: ModelRequest]:
    """One way to have a request answered.

    Attributes:
        row: the model's, as the candidate has it.
        candidate: the provider by its name, and the model's id there.
        provider: its modules.
        target: its address and credential.
        request: what is asked of it, under the name that its reply goes by.
        demand: what it can use at most.
    """

    row: ModelRow
    candidate: Candidate
    provider: Provider
    target: Target
    request: Request
    demand: Demand


@dataclass(frozen=True, slots=True)
class Asked[Request: ModelRequest]:
    """What is asked for: the request, the bytes of its body, and whether a budget bounds what it may use."""

    request: Request
    body_bytes: int
    bounded: bool


async def legs_of[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway, endpoint: Endpoint[Request, Whole], asked: Asked[Request], row: ModelRow
) -> Sequence[Leg[Request]]:
    """The legs of a plan; there is at least one.

    Raises:
        SluiceError: there is none, and why not.
    """
    legs: list[Leg[Request]] = []
    refusals: list[SluiceError] = []
    for candidate in row.candidates:
        try:
            legs.append(await _leg(gateway, endpoint, asked, row.served_by(candidate), candidate))
        except (InvalidRequestError, OverloadedError) as refusal:
            refusals.append(refusal)
    if not legs:
        raise _most_telling(refusals)
    return legs


async def _leg[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway,
    endpoint: Endpoint[Request, Whole],
    asked: Asked[Request],
    row: ModelRow,
    candidate: Candidate,
) -> Leg[Request]:
    """The leg of one candidate, whose terms ``row`` has.

    Raises:
        InvalidRequestError: it cannot answer this request, or not for this key.
        OverloadedError: its credential cannot be read.
    """
    provider = PROVIDERS[gateway.catalog.providers[candidate.provider].kind]
    endpoint.check(asked.request, provider, row)
    if asked.bounded:
        check_billable(asked.request, row)
    return Leg(
        row=row,
        candidate=candidate,
        provider=provider,
        request=asked.request,
        demand=endpoint.demand(asked.request, asked.body_bytes, row, bounded=asked.bounded),
        target=await target_of(gateway.catalog, row, candidate, provider, gateway.credentials),
    )


def _most_telling(refusals: Sequence[SluiceError]) -> SluiceError:
    """What a client can mend comes before what only the operator can."""
    return next((each for each in refusals if not isinstance(each, NotConfiguredError)), refusals[0])
