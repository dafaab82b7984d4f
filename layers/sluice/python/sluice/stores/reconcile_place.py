"""Where the comparison of counters with the ledger goes on: one item of the counters table, beside the counters."""

from sluice.stores.aws import AWS, Item

ID = "reconcile"
AFTER = "after"


class ReconcilePlace:
    """Reads and writes the place.

    Every method raises ``OverloadedError`` when DynamoDB throttles or cannot be reached.

    Args:
        aws: the way to DynamoDB.
        table: the counters table's name.
    """

    def __init__(self, aws: AWS, table: str) -> None:
        self._dynamodb = aws.dynamodb
        self._table = table

    async def read(self) -> str | None:
        """The id of the key that comes before those whose turn it is; None where it is all keys' turn."""
        reply = await self._dynamodb.call(
            "GetItem", TableName=self._table, Key={"id": {"S": ID}}, ConsistentRead=True
        )
        item: Item = reply.get("Item", {})
        return item[AFTER]["S"] if AFTER in item else None

    async def write(self, key_id: str | None) -> None:
        """Go on after this key the next time, or from the beginning."""
        item = {"id": {"S": ID}} | ({} if key_id is None else {AFTER: {"S": key_id}})
        await self._dynamodb.call("PutItem", TableName=self._table, Item=item)
