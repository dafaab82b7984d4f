"""Step 3: who may answer? The candidates of a model as the legs of a plan, in the order in which they are asked.

All that speaks against a candidate is found out here, before anything is held: that it cannot express the request, that
a budget cannot be kept with it, that the operator has not set its credential. It is left out then, and only where
nobody is left is the request refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sluice.api.model_request import ModelRequest, StreamableRequest
from sluice.api.shapes import ReplyShape
from sluice.catalog import Candidate, ModelRow
from sluice.config import ConfigurationError
from sluice.errors import InvalidRequestError, OverloadedError
from sluice.observability import logger
from sluice.pipeline.billable import check_billable
from sluice.pipeline.endpoint import Endpoint
from sluice.pipeline.gateway import Gateway
from sluice.pipeline.leg import Leg
from sluice.pipeline.neutral import without_neutral
from sluice.pipeline.no_candidate import most_telling_refusal
from sluice.pipeline.order import by_policy, by_wish
from sluice.pipeline.route import PROVIDER, Choice, serving, target_of
from sluice.providers.registry import provider_of
from sluice.stores.aws import AWSError


@dataclass(frozen=True, slots=True)
class Asked[Request: ModelRequest]:
    """What is asked for.

    Attributes:
        request: as it was understood.
        body_bytes: of its JSON as it was received, with what a search may add to it.
        bounded: whether a budget bounds what it may use.
        providers: the only ones that may answer, the first one first; None for any.
    """

    request: Request
    body_bytes: int
    bounded: bool
    providers: Sequence[str] | None


async def legs_of[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway, endpoint: Endpoint[Request, Whole], asked: Asked[Request], choices: Sequence[Choice]
) -> Sequence[Leg[Request]]:
    """The legs of a plan, those of the first model first; there is at least one.

    Raises:
        InvalidRequestError, OverloadedError: there is none, and why not.
        ConfigurationError, AWSError: likewise; a secret is in a form, or has a policy, with which it cannot be read.
    """
    return await who_can(
        choices,
        asked.providers,
        lambda choice, candidate: _leg(gateway, endpoint, asked, choice, candidate),
        lambda row, legs: _ordered(gateway, asked, row, legs),
    )


async def who_can[Way](
    choices: Sequence[Choice],
    providers: Sequence[str] | None,
    way_of: Callable[[Choice, Candidate], Awaitable[Way]],
    ordered: Callable[[ModelRow, Sequence[Way]], Sequence[Way]],
) -> Sequence[Way]:
    """The candidates that can do what is asked for, those of the first model first; there is at least one.

    Args:
        choices: the models.
        providers: the only ones that may; None for any.
        way_of: what a candidate becomes, or why it cannot.
        ordered: puts those of one model in order.

    Raises:
        InvalidRequestError, OverloadedError, ConfigurationError, AWSError: see ``legs_of``.
    """
    ways: list[Way] = []
    refusals: list[tuple[str, Exception]] = []
    wanted = _wanted(choices, providers)
    asking = [
        _way_or_refusal(way_of(choice, candidate)) for choice in wanted for candidate in choice.row.candidates
    ]
    # Each may wait for a secret, and those who do wait together.
    found = iter(await asyncio.gather(*asking) if len(asking) > 1 else [await asking[0]])
    for choice in wanted:
        own: list[Way] = []
        for candidate, each in zip(choice.row.candidates, found, strict=False):
            if not isinstance(each, Exception):
                own.append(each)
                continue
            refusals.append((candidate.provider, each))
            if len(asking) > 1 and isinstance(each, ConfigurationError | AWSError):
                # With nobody else to ask it is told as the request's failure.
                logger.error("provider %s cannot be used", candidate.provider, exc_info=each)
        ways += ordered(choice.row, own)
    if not ways:
        raise most_telling_refusal(refusals)
    return ways


def _wanted(choices: Sequence[Choice], providers: Sequence[str] | None) -> Sequence[Choice]:
    """The models with those of their candidates that the client wants.

    A fallback of the catalogue's takes the place of a model that fails, not of one that nobody wanted serves.

    Raises:
        InvalidRequestError: none of them serves a model that the client has named.
    """
    if providers is None:
        return choices
    found = [
        Choice(choice.row.model_copy(update={"candidates": served}), choice.name, choice.wished)
        for choice in choices
        if (served := tuple(each for each in choice.row.candidates if each.provider in providers))
    ]
    if not any(choice.wished for choice in found):
        raise InvalidRequestError(
            f"The header {PROVIDER} names nobody who serves what is asked for: {', '.join(providers)[:200]}. "
            f"{serving(choices)}"
        )
    return found


async def _way_or_refusal[Way](way: Awaitable[Way]) -> Way | Exception:
    """What one candidate becomes, or why it cannot."""
    try:
        return await way
    except (InvalidRequestError, OverloadedError, ConfigurationError, AWSError) as refusal:
        return refusal


async def _leg[Request: ModelRequest, Whole: ReplyShape](
    gateway: Gateway,
    endpoint: Endpoint[Request, Whole],
    asked: Asked[Request],
    choice: Choice,
    candidate: Candidate,
) -> Leg[Request]:
    """The leg of one candidate.

    Raises:
        InvalidRequestError: it cannot answer this request, or not for this key.
        OverloadedError, ConfigurationError, AWSError: its credential cannot be read.
    """
    row = choice.row.served_by(candidate)
    target = await target_of(gateway.catalog, row, candidate, gateway.credentials)
    provider = provider_of(gateway.catalog.providers[candidate.provider])
    request = without_neutral(_named(asked.request, choice.name), row.unsupported_parameters)
    endpoint.check(request, provider, row)
    if asked.bounded:
        check_billable(request, row, None if asked.providers is None else candidate.provider)
    demand = endpoint.demand(request, asked.body_bytes, row, bounded=asked.bounded)
    return Leg(row, candidate, provider, target, request, demand)


def _named[Request: ModelRequest](request: Request, name: str) -> Request:
    """The request for one model alone: its reply goes by the name, and providers know nothing of others."""
    lists_models = isinstance(request, StreamableRequest) and "models" in request.model_fields_set
    if request.model == name and not lists_models:
        return request
    named = request.model_copy(update={"model": name})
    if lists_models:
        named = named.model_copy(update={"models": None})
        named.model_fields_set.discard("models")
    return named


def _ordered[Request: ModelRequest](
    gateway: Gateway, asked: Asked[Request], row: ModelRow, legs: Sequence[Leg[Request]]
) -> Sequence[Leg[Request]]:
    if len(legs) < 2:
        return legs
    if asked.providers is not None:
        return by_wish(legs, asked.providers)
    return by_policy(legs, row.policy, gateway.routing.latencies, gateway.routing.chance)
