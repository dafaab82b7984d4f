"""Asks every provider which models it serves, and has those that the catalogue file lacks known, too.

A model goes by the provider's id, or, where that name is taken, by ``<provider>/<id>``, which is its alias otherwise.
What begins with another provider's name and a slash is that one's, whoever lists it. A model keeps the name that it
once got. It has no price until the operator gives it one (``sluice models set``), so a key with a budget is refused it.
One that is listed no more is kept, with what the operator has said of it, but not shown.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from sluice.catalog import Catalog, ModelKind, ProviderRow
from sluice.errors import SluiceError
from sluice.observability import logger
from sluice.pipeline.discovery import kind_of
from sluice.pipeline.provider_desk import ProviderDesk, reason_of
from sluice.providers.contract import ListedModel
from sluice.providers.registry import PROVIDERS
from sluice.stores.aws import AWSError
from sluice.stores.model_items import Members, StoredModel
from sluice.stores.models import Snapshot

MOST_MODELS = 2_000
"""Of one provider in the table, those that are gone included; the largest lists have some hundreds."""

WRITES_AT_ONCE = 16


async def sync_catalog(desk: ProviderDesk) -> None:
    """Ask all providers, and write down what has changed. One that fails, or is not set up, changes nothing.

    Raises:
        OverloadedError: the models table cannot be read or written.
    """
    snapshot = await desk.store.read(consistent=True)
    names = [name for name, row in desk.catalog.providers.items() if row.discover]
    lists = await asyncio.gather(*(_list(desk, name) for name in names))
    slots = asyncio.Semaphore(WRITES_AT_ONCE)
    now = int(time.time())

    async def write(change: "Change") -> None:
        async with slots:
            if change.members is None:
                await desk.store.gone(change.model, now)
            else:
                await desk.store.found(change.model, change.members)

    listed = {name: models for name, models in zip(names, lists, strict=True) if models is not None}
    changes = list(changes_of(desk.catalog, snapshot, listed))
    await asyncio.gather(*map(write, changes))
    if changes:
        logger.info("%d models have come, gone or changed", len(changes))


async def _list(desk: ProviderDesk, name: str) -> Sequence[ListedModel] | None:
    """A provider's models; None if it cannot be asked, or does not answer."""
    try:
        target = await desk.target(name)
        listing = None if target is None else await desk.listing(target)
    except (AWSError, SluiceError) as error:
        reason = reason_of(error) if isinstance(error, SluiceError) else error
        logger.warning("the models of provider %s could not be listed: %s", name, reason)
        return None
    return None if listing is None else listing.models


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written of a model: what its provider says of it, or None for one that it lists no more."""

    model: str
    members: Members | None


def changes_of(
    catalog: Catalog, snapshot: Snapshot, listed: Mapping[str, Sequence[ListedModel]]
) -> Iterator[Change]:
    """What has to be written after providers have listed their models.

    Args:
        catalog: the file's.
        snapshot: the models table as it is.
        listed: by provider; one that did not answer is not in it, and its models stay as they are.
    """
    in_file = {(each.provider, each.model) for row in catalog.models for each in row.candidates}
    # One whose name the file has given to another is not shown any more: it may come back under a new name.
    stored_models = [model for model in snapshot.models.values() if catalog.find(model.id) is None]
    known = _by_place(stored_models)
    taken = {name for row in catalog.models for name in (row.id, *row.aliases)}
    taken.update(name for model in stored_models for name in (model.id, *_aliases(model)))
    for provider, models in listed.items():
        kept = set[str]()
        others = tuple(f"{name}/" for name in catalog.providers if name != provider)
        room = MOST_MODELS - sum(place[0] == provider for place in known)
        for model in models:
            kind = kind_of(model.id)
            if (
                kind is None
                or (provider, model.id) in in_file
                or not _makes(catalog.providers[provider], kind)
            ):
                continue
            stored = known.get((provider, model.id))
            name = stored.id if stored else _free_name(provider, model.id, taken, others)
            if name is None or (stored is None and room <= 0):
                continue
            if stored is None:
                room -= 1
            kept.add(name)
            members = _members(provider, model, kind, name)
            taken.update((name, f"{provider}/{model.id}"))
            if stored is None or stored.gone_at is not None or stored.found != members:
                yield Change(name, members)
        for stored in snapshot.models.values():
            place = _place(stored)
            if place and place[0] == provider and stored.id not in kept and stored.gone_at is None:
                yield Change(stored.id, None)


def _makes(provider: ProviderRow, kind: ModelKind) -> bool:
    """Whether a provider can be asked for what models of a kind make: some list pictures that they do not make here."""
    match kind:
        case "image":
            return PROVIDERS[provider.kind].images is not None
        case "video":
            return provider.videos is not None or PROVIDERS[provider.kind].videos is not None
        case "chat" | "completion" | "embedding":
            return True
        case _:
            assert_never(kind)


def _by_place(models: Iterable[StoredModel]) -> Mapping[tuple[str, str], StoredModel]:
    """Models by whose they are and their ids there; of two at one place, the one that is shown."""
    shown_last = sorted(models, key=lambda model: model.gone_at is None)
    return {place: model for model in shown_last if (place := _place(model)) is not None}


def _aliases(model: StoredModel) -> Sequence[str]:
    match model.row.get("aliases"):
        case [*names]:
            return [name for name in names if isinstance(name, str)]
        case _:
            return ()


def _place(model: StoredModel) -> tuple[str, str] | None:
    """Whose model it is, and its id there; None for one that was made by hand."""
    match model.found.get("candidates"):
        case [{"provider": str(provider), "model": str(name)}]:
            return provider, name
        case _:
            return None


def _free_name(provider: str, model: str, taken: set[str], others: tuple[str, ...]) -> str | None:
    """The first of a model's two names that is free; one that begins as other providers' do never is."""
    names = (model, f"{provider}/{model}")
    return next((name for name in names if name not in taken and not name.startswith(others)), None)


def _members(provider: str, model: ListedModel, kind: str, name: str) -> Members:
    """The catalogue row that a model makes."""
    long_name = f"{provider}/{model.id}"
    members: dict[str, object] = {
        "kind": kind,
        "candidates": [{"provider": provider, "model": model.id}],
        "created": model.created,
        "owned_by": model.owned_by or provider,
    }
    if name != long_name:
        members["aliases"] = [long_name]
    if model.context_tokens is not None:
        members["context_tokens"] = model.context_tokens
    return members
