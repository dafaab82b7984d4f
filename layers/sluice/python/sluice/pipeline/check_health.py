"""Asks every provider how it is, on a schedule.

A provider that lists its models answers; so one free request stands for all of its models. Where the catalogue says so
(``probe = "call"``), each model that the file has, or of which the operator has said something, is asked for one token
instead, which costs its price. A model with several candidates is down when none of them answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, assert_never

from sluice.api.chat_request import ChatCompletionRequest
from sluice.api.completion_request import CompletionRequest
from sluice.api.embeddings import EmbeddingsRequest
from sluice.api.messages import Message, UserMessage
from sluice.catalog import Catalog, ModelRow
from sluice.errors import InvalidRequestError, ModelNotFoundError, OverloadedError, SluiceError
from sluice.observability import logger
from sluice.pipeline.call import whole_reply
from sluice.pipeline.chat_bound import limited
from sluice.pipeline.health_monitor import milliseconds_since
from sluice.pipeline.live_catalog import rows_of, utc_today
from sluice.pipeline.model_status import may_answer
from sluice.pipeline.provider_desk import ProviderDesk, reason_of
from sluice.providers.contract import Operation, ProviderCall, Target
from sluice.stores.aws import AWSError
from sluice.stores.model_items import UNCONFIGURED, Health, HealthStatus
from sluice.stores.models import Snapshot

ATTEMPTS = 2
"""One lost packet does not make a provider down."""

CALL_SECONDS = 20.0
CALLS_AT_ONCE = 4
"""To one provider."""

_HAS_NO_LIST = frozenset({404, 405, 501})
"""What a host answers that does not list its models: that does not make it down."""

_TOO_MANY_REQUESTS = 429


async def check_health(desk: ProviderDesk) -> None:
    """Ask all providers at once, and take down what they answer. What cannot be asked or written is in the log.

    Raises:
        OverloadedError: the models table cannot be read.
    """
    snapshot = await desk.store.read(consistent=True)
    catalog = desk.catalog.extended(rows_of(snapshot))
    failed = set[tuple[str, str, str]]()
    await asyncio.gather(
        *(
            _logged(
                f"provider {name}",
                _check(_Check(desk, name, _models_of(name, catalog), snapshot, failed)),
            )
            for name in desk.catalog.providers
        )
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """One provider's: its models in the catalogue, and how all was before."""

    desk: ProviderDesk
    name: str
    models: Sequence[tuple[ModelRow, str]]
    """Each with its id at the provider."""
    snapshot: Snapshot
    failed: set[tuple[str, str, str]]
    """What all checks of this run have asked in vain: the model, the provider, and the model's id there."""

    def is_down(self, row: ModelRow, model: str) -> bool:
        """Whether a model is down now that its candidate here has failed: whether the others have failed as well."""
        self.failed.add((row.id, self.name, model))
        return all(
            (row.id, each.provider, each.model) in self.failed or not may_answer(each, self.snapshot)
            for each in row.candidates
        )


def _models_of(name: str, catalog: Catalog) -> list[tuple[ModelRow, str]]:
    """What a provider shall serve; what it has retired it serves no more."""
    today = utc_today()
    return [
        (row, candidate.model)
        for row in catalog.models
        if not row.is_retired(today)
        for candidate in row.candidates
        if candidate.provider == name
    ]


async def _logged(what: str, work: Awaitable[None]) -> None:
    """The failure of one check keeps no other from being made."""
    try:
        await work
    except (AWSError, OverloadedError):
        logger.exception("the health of %s could not be checked", what)


async def _check(check: _Check) -> None:
    desk, name = check.desk, check.name
    target = await desk.target(name)
    if target is None:
        if check.snapshot.providers.get(name) != UNCONFIGURED:
            await desk.store.note_unconfigured(name)
        return
    match desk.catalog.providers[name].probe:
        case "none":
            seen = _Listed(None, frozenset())
        case "list":
            seen = await _listed(check, target)
        case "call":
            seen = _Listed(None, frozenset())
            slots = asyncio.Semaphore(CALLS_AT_ONCE)
            await asyncio.gather(
                *(
                    _logged(f"model {row.id}", _called(check, target, row, model, slots))
                    for row, model in check.models
                    if _is_named(row, check)
                )
            )
        case unknown:
            assert_never(unknown)
    await desk.store.note_provider(name, seen.health, seen.unlisted)


def _is_named(row: ModelRow, check: _Check) -> bool:
    """Whether the operator has named a model, and does not merely find it in the provider's list."""
    return check.desk.catalog.find(row.id) is not None or bool(check.snapshot.models[row.id].own)


class _Listed(NamedTuple):
    """How a provider is by its list of models, and which of the catalogue's are not in it; None: nothing was learnt."""

    health: Health | None
    unlisted: AbstractSet[str] | None


async def _listed(check: _Check, target: Target) -> _Listed:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            listing = await check.desk.listing(target)
        except SluiceError as error:
            if error.upstream_status in _HAS_NO_LIST:
                break
            if _is_limited(error):
                return _Listed(None, None)
            if attempt == ATTEMPTS:
                logger.warning("provider %s does not list its models: %s", check.name, reason_of(error))
                return _Listed(_health("down"), frozenset())
        else:
            if listing is None:
                break
            listed = {model.id for model in listing.models}
            unlisted = {model for _, model in check.models if model not in listed}
            return _Listed(_health("healthy", listing.latency_ms), unlisted)
    return _Listed(None, frozenset())


def _is_limited(error: SluiceError) -> bool:
    """Whether the provider gets too many requests, which passes; an account that is at its end has the same status."""
    return error.upstream_status == _TOO_MANY_REQUESTS and isinstance(error, OverloadedError)


async def _called(check: _Check, target: Target, row: ModelRow, model: str, slots: asyncio.Semaphore) -> None:
    """Ask one model for one token, and take down what comes of it."""
    async with slots:
        begun = time.perf_counter()
        try:
            asked = await _ask(check.desk, replace(target, model=model), row)
        except ModelNotFoundError:
            seen = _health("down")
        except InvalidRequestError:  # it was understood, so somebody is there
            seen = _health("healthy", milliseconds_since(begun))
        except SluiceError as error:
            if _is_limited(error):
                return
            logger.warning(
                "model %s of provider %s does not answer: %s", row.id, target.provider, reason_of(error)
            )
            seen = _health("down")
        else:
            if not asked:
                return
            seen = _health("healthy", milliseconds_since(begun))
    if seen.status == "healthy" or check.is_down(row, model):
        await check.desk.store.note_model(row.id, seen)


async def _ask(desk: ProviderDesk, target: Target, row: ModelRow) -> bool:
    """Send the smallest request of the model's kind; False where there is none that is cheap.

    Raises:
        SluiceError: it failed, in time or not.
    """
    provider = desk.provider(target.provider)
    deadline = asyncio.get_running_loop().time() + CALL_SECONDS

    async def send[Request](operation: Operation[Request, Any], request: Request) -> bool:
        call = ProviderCall(request, target, id="check", now=time.time())
        await whole_reply(desk.upstream, provider, operation, call, deadline)
        return True

    match row.kind:
        case "chat" if provider.chat is not None:
            hello: list[Message] = [UserMessage(role="user", content="Hi")]
            chat = ChatCompletionRequest(model=row.id, messages=hello, max_tokens=1)
            return await send(provider.chat, limited(chat, 1, row))
        case "completion" if provider.completions is not None:
            return await send(
                provider.completions, CompletionRequest(model=row.id, prompt="Hi", max_tokens=1)
            )
        case "embedding" if provider.embeddings is not None:
            return await send(provider.embeddings, EmbeddingsRequest(model=row.id, input="Hi"))
        case _:
            return False


def _health(status: HealthStatus, latency_ms: int | None = None) -> Health:
    return Health(status, 1, int(time.time()), latency_ms)
