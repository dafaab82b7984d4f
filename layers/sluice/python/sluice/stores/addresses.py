"""The counters table's other items: the requests of each client address, in one sliding window an item.

An item's attributes are those of the window, ``requests_slot``, ``_now``, ``_earlier`` and ``_total``, and
``expires_at``, in epoch seconds, after which DynamoDB deletes it. That may take it days; a window that old is empty
anyway.
"""

from sluice.accounting.windows import Window
from sluice.stores.aws import AWS, ConditionFailedError, Item
from sluice.stores.updates import Update, begin_window, take_in_window, window_of

LEAD = "ip#"
WINDOW = "requests"

KEPT_SECONDS = 300
"""From the last request on: longer than any window, with minutes to spare for clocks that differ."""

IS_NEW = "attribute_not_exists({id})"


class WindowChangedError(Exception):
    """A window is not as it was seen.

    Attributes:
        window: as it is; None where there is none.
    """

    def __init__(self, window: Window | None) -> None:
        super().__init__("the window has changed")
        self.window = window


class AddressStore:
    """Counts the requests of client addresses.

    Args:
        aws: the way to DynamoDB.
        table: the table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def count(
        self, client: str, seen: Window | None, rolled: Window, *, limit: int, now: float
    ) -> Window:
        """Count one request, in one write, on condition that the limit allows it.

        A write whose reply is lost is made again, and may count the request twice: the item would have to remember
        requests one by one to know better. The client may then make one request less in that minute, never one more.

        Args:
            client: as ``accounting.addresses`` names it.
            seen: the window as it was last seen; None where there was none.
            rolled: the same with the slot to count in as its current one.
            limit: requests a minute.
            now: epoch seconds.

        Returns:
            The window with this request.

        Raises:
            WindowChangedError: it is not as it was seen, or full. Nothing was counted.
            OverloadedError: DynamoDB throttles or cannot be reached; the request may have been counted.
        """
        update = Update()
        if seen is None:
            update.require(IS_NEW.format(id=update.name("id")))
            begin_window(update, WINDOW, rolled, counted=1, held=0)
        else:
            take_in_window(update, WINDOW, seen, rolled, counted=1, held=0, limit=limit)
        update.set(update.name("expires_at"), update.number(int(now) + KEPT_SECONDS))
        try:
            reply = await self._dynamodb.call(
                "UpdateItem",
                TableName=self._table,
                Key=_key(client),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update.members(),
            )
        except ConditionFailedError as error:
            # Some engines do not give the item back, so that none may also mean that they did not look.
            window = window_of(error.item, WINDOW) if error.item else await self._read(client)
            raise WindowChangedError(window) from error
        return window_of(reply["Attributes"], WINDOW)

    async def _read(self, client: str) -> Window | None:
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key=_key(client), ConsistentRead=True
        )
        item = reply.get("Item")
        return window_of(item, WINDOW) if item else None


def _key(client: str) -> Item:
    return {"id": {"S": LEAD + client}}
