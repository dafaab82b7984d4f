"""The models table: what is added to the catalogue file without a deployment, and how providers and models are.

Three writers share it, and none can undo another's work, for each has attributes of its own: ``found`` and ``gone_at``
are written by the synchronisation with providers, ``own`` by the operator, the health by checks and requests.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sluice.observability import logger
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.model_items import (
    HEALTH,
    MODEL,
    PROVIDER,
    Health,
    Members,
    ProviderHealth,
    StoredModel,
    health_of,
    members_text,
    model_of,
    provider_of,
)
from sluice.stores.pages import items_of
from sluice.stores.updates import Update

SAME_STATUS = "{status} = {value}"
EXISTS = "attribute_exists({id})"
NOT_LISTED = "attribute_not_exists(#found) OR attribute_exists(#gone_at)"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of the table, by ids and names."""

    models: Mapping[str, StoredModel] = field(default_factory=dict)
    providers: Mapping[str, ProviderHealth] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)


class ModelStore:
    """The table.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def read(self, *, consistent: bool = False) -> Snapshot:
        """Everything in the table. An item that is malformed is in the log only.

        Args:
            consistent: whether what was written a moment ago has to be in it, for twice the price: who goes by what it
                reads when it writes needs that.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        models: dict[str, StoredModel] = {}
        providers: dict[str, ProviderHealth] = {}
        health: dict[str, Health] = {}
        async for item in items_of(self._dynamodb, "Scan", TableName=self._table, ConsistentRead=consistent):
            name = item["id"]["S"]
            try:
                if name.startswith(MODEL):
                    models[name.removeprefix(MODEL)] = model_of(item)
                elif name.startswith(PROVIDER):
                    providers[name.removeprefix(PROVIDER)] = provider_of(item)
                elif name.startswith(HEALTH) and (found := health_of(item)) is not None:
                    health[name.removeprefix(HEALTH)] = found
            except (KeyError, ValueError):
                logger.exception("an item of the models table is malformed", extra={"item": name})
        return Snapshot(models, providers, health)

    async def found(self, model: str, members: Members) -> None:
        """A provider lists a model: take down what it says of it. What the operator has set stays.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        update = Update()
        update.set(update.name("found"), update.value({"S": members_text(members)}))
        update.remove(update.name("gone_at"))
        await self._write(MODEL + model, update)

    async def gone(self, model: str, at: int) -> None:
        """A provider lists a model no more; ``at`` is in epoch seconds. One that is not there stays away.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        update = Update()
        update.require(EXISTS.format(id=update.name("id")))
        update.set(update.name("gone_at"), update.number(at))
        await self._write_if(MODEL + model, update)

    async def set_own(self, model: str, members: Members) -> None:
        """The operator says what a model is: in place of all that was said before, what the provider says stays.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        update = Update()
        update.set(update.name("own"), update.value({"S": members_text(members)}))
        await self._write(MODEL + model, update)

    async def forget(self, model: str) -> None:
        """Take back what the operator has said of a model; one that no provider lists leaves the table.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        try:
            await self._dynamodb.call(
                "DeleteItem",
                TableName=self._table,
                Key=_key(MODEL + model),
                ConditionExpression=NOT_LISTED,
                ExpressionAttributeNames={"#found": "found", "#gone_at": "gone_at"},
            )
        except ConditionFailedError:
            update = Update()
            update.require(EXISTS.format(id=update.name("id")))
            update.remove(update.name("own"))
            await self._write_if(MODEL + model, update)

    async def note_model(self, model: str, seen: Health) -> None:
        """Take down how a model was found; ``seen.streak`` is how often in succession.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        await self._note(HEALTH + model, seen, Update)

    async def note_provider(self, provider: str, seen: Health | None, unlisted: Iterable[str] | None) -> None:
        """The same of a provider whose credential is set.

        Args:
            provider: its name in the catalogue.
            seen: how it was found; None leaves that as it is.
            unlisted: the models that it does not list; None leaves those as they are.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        names = None if unlisted is None else sorted(unlisted)

        def update() -> Update:
            made = Update()
            made.set(made.name("configured"), made.value({"BOOL": True}))
            if names:
                made.set(made.name("unlisted"), made.value({"SS": names}))
            elif names is not None:
                made.remove(made.name("unlisted"))
            return made

        if seen is None:
            await self._write(PROVIDER + provider, update())
        else:
            await self._note(PROVIDER + provider, seen, update)

    async def note_unconfigured(self, provider: str) -> None:
        """A provider's credential is not set: nothing more is known of it.

        Raises:
            OverloadedError: DynamoDB throttles or cannot be reached.
        """
        item: Item = {**_key(PROVIDER + provider), "configured": {"BOOL": False}}
        await self._dynamodb.call("PutItem", TableName=self._table, Item=item)

    async def _note(self, item_id: str, seen: Health, begin: Callable[[], Update]) -> None:
        """Write a health: the streak goes on where the status is the same, and begins anew where it is not."""
        update = _noting(begin(), seen)
        status, streak = update.name("status"), update.name("streak")
        update.require(SAME_STATUS.format(status=status, value=update.value({"S": seen.status})))
        update.add(streak, seen.streak)
        if await self._write_if(item_id, update):
            return
        update = _noting(begin(), seen)
        update.set(update.name("streak"), update.number(seen.streak))
        await self._write(item_id, update)

    async def _write_if(self, item_id: str, update: Update) -> bool:
        """Write on condition; whether it held."""
        try:
            await self._write(item_id, update)
        except ConditionFailedError:
            return False
        return True

    async def _write(self, item_id: str, update: Update) -> None:
        await self._dynamodb.call("UpdateItem", TableName=self._table, Key=_key(item_id), **update.members())


def _noting(update: Update, seen: Health) -> Update:
    update.set(update.name("status"), update.value({"S": seen.status}))
    update.set(update.name("checked_at"), update.number(seen.checked_at))
    latency = update.name("latency_ms")
    if seen.latency_ms is None:
        update.remove(latency)
    else:
        update.set(latency, update.number(seen.latency_ms))
    return update


def _key(item_id: str) -> Item:
    return {"id": {"S": item_id}}
