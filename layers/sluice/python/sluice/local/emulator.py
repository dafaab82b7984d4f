"""Where moto's DynamoDB and S3 are not like AWS's, and what is done about it."""

import contextlib
import copy
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.s3.responses import S3Response

type Method = Callable[..., Any]
type Undo = Callable[[], None]


def mend_dynamodb() -> None:
    """Make moto's DynamoDB fit for concurrent use, and for transactions and streams of any length."""
    Table.__deepcopy__ = _itself  # type: ignore[attr-defined] # it has none of its own
    _replace(DynamoDBBackend, "transact_write_items", _undone_when_cancelled)
    _replace(DynamoDBStreamsBackend, "get_records", _forgetting_its_iterator)
    _replace(DynamoHandler, "call_action", functools.partial(_guarded, threading.RLock()))


def mend_s3() -> None:
    """Make moto's S3 fit for concurrent use.

    An object that takes another's place closes the other one's file, which the thread that has put the other may not
    have read yet: it answers with a checksum. Of two that put the same name at once one would get a 500.
    """
    guarded = functools.partial(_guarded, threading.RLock())
    for name in ("key_response", "bucket_response"):
        _replace(S3Response, name, guarded)


def _replace(owner: type, name: str, replacement: Callable[[Method], Method]) -> None:
    setattr(owner, name, replacement(getattr(owner, name)))


def _guarded(lock: Any, method: Method) -> Method:
    """Let one call be answered at a time.

    moto's DynamoDB checks a condition and then acts on it, with nothing in between to stop another thread: of two
    conditional writes both may win, which in DynamoDB cannot happen. And it puts the reply together from the item
    as it is by then, which may hold what the next write has changed.
    """

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return call


def _undone_when_cancelled(transact: Method) -> Method:
    """Have a cancelled transaction restore the items that it names, and nothing else.

    moto copies every table that a transaction names, once for each of its actions: over a table of some thousand
    rows that takes longer than a client waits. And when a transaction is cancelled, the copies take the tables'
    place, so that whoever reads a stream reads on in a table that is no longer there. Here its copy of a table is
    the table itself, so that putting it back changes nothing.
    """

    @functools.wraps(transact)
    def call(backend: Any, transact_items: Any) -> None:
        undo = list(_undo(backend, transact_items))
        try:
            transact(backend, transact_items)
        except Exception:  # whatever went wrong, nothing of a transaction stays; it is raised again
            for step in undo:
                step()
            raise

    return call


def _itself(table: Table, _memo: Mapping[int, Any]) -> Table:
    return table


def _undo(backend: Any, actions: Iterable[Mapping[str, Any]]) -> Iterator[Undo]:
    """What restores each item that a transaction names, and the streams of their tables."""
    for action in actions:
        (write,) = action.values()
        table = backend.tables.get(write["TableName"])
        if table is None:
            continue
        hash_key, range_key = backend.get_keys_value(table, write.get("Key") or write["Item"])
        item = copy.deepcopy(table.get_item(hash_key, range_key))
        yield functools.partial(_restore, table, hash_key, range_key, item)
        if table.stream_shard is not None:
            yield functools.partial(_shorten, table.stream_shard.items, len(table.stream_shard.items))


def _restore(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    holder, key = (table.items, hash_key) if range_key is None else (table.items[hash_key], range_key)
    if item is None:
        holder.pop(key, None)
    else:
        holder[key] = item


def _shorten(records: list[Any], length: int) -> None:
    del records[length:]


def _forgetting_its_iterator(get_records: Method) -> Method:
    """Drop a stream's iterator once it was read from: moto keeps them all, and some are made each second."""

    @functools.wraps(get_records)
    def call(backend: Any, iterator_arn: str, limit: int) -> Any:
        found = get_records(backend, iterator_arn, limit)
        with contextlib.suppress(KeyError):
            del backend.shard_iterators[iterator_arn]
        return found

    return call
