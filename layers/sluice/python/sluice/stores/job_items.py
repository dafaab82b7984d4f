"""A job's item in the jobs table: its attributes are those of ``Job``, and what has its default has none.

``open`` is beside them while the job is not over: the shard of the index of that name. ``outputs`` is a map by index,
which is there from the beginning, so that each output is written by itself. A hold is a text, as in a counter.

The mappers are closed like those of the ledger: an item that this code does not understand is no job.
"""

import zlib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, Literal, get_args

from sluice.stores.aws import Item
from sluice.stores.counter_items import hold_of, hold_value
from sluice.stores.job_records import Job, JobKind, JobState, Output

OPEN: Final = "open"
SHARDS: Final = tuple(map(str, range(8)))
"""One partition of an index takes about a thousand writes a second; eight take what a table does at first."""

_MAP: Final = frozenset({"hold", "outputs"})
_KINDS_OF_TYPES: Final[Mapping[object, Literal["S", "N", "BOOL"]]] = {
    int: "N",
    int | None: "N",
    bool: "BOOL",
}


class MalformedJobError(Exception):
    """An item of the jobs table is no job; the message names the attribute, not its value."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the plain attributes of an item are: their types in DynamoDB, and their defaults."""

    kinds: Mapping[str, Literal["S", "N", "BOOL"]]
    defaults: Mapping[str, object]

    def item_of(self, record: object) -> Item:
        """The attributes of a record that are not as they are by default."""
        item: Item = {}
        for name, default in self.defaults.items():
            value = getattr(record, name)
            if value == default:
                continue
            item[name] = {"BOOL": value} if isinstance(value, bool) else _plain(value)
        return item

    def members_of(self, item: Item) -> dict[str, Any]:
        """The members of a record.

        Raises:
            MalformedJobError: one is unknown, of another type, or missing.
        """
        members: dict[str, Any] = {}
        for name, attribute in item.items():
            match self.kinds.get(name), attribute:
                case "S", {"S": str(text)}:
                    members[name] = text
                case "N", {"N": str(digits)} if digits.removeprefix("-").isdecimal():
                    members[name] = int(digits)
                case "BOOL", {"BOOL": bool(flag)}:
                    members[name] = flag
                case None, _:
                    raise MalformedJobError(f"unknown attribute of a job: {name}")
                case _:
                    raise MalformedJobError(f"{name} of a job has the wrong type")
        for name, default in self.defaults.items():
            if default is MISSING and name not in members:
                raise MalformedJobError(f"a job lacks {name}")
        return members


def _plain(value: object) -> dict[str, str]:
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def _shape_of(record: type[Job | Output]) -> _Shape:
    plain = [each for each in fields(record) if each.name not in _MAP]
    return _Shape(
        kinds={each.name: _KINDS_OF_TYPES.get(each.type, "S") for each in plain},
        defaults={each.name: each.default for each in plain},
    )


_JOB: Final = _shape_of(Job)
_OUTPUT: Final = _shape_of(Output)


def shard_of(job_id: str) -> str:
    """In which shard of the index ``open`` a job is while it is not over."""
    return SHARDS[zlib.crc32(job_id.encode()) % len(SHARDS)]


def item_of(job: Job) -> Item:
    """The job as a DynamoDB item."""
    item = _JOB.item_of(job) | {
        "hold": hold_value(job.hold),
        "outputs": {"M": {str(index): output_value(output) for index, output in job.outputs.items()}},
    }
    return item if job.is_over else item | {OPEN: {"S": shard_of(job.id)}}


def job_of(item: Item) -> Job:
    """The job in a DynamoDB item, as ``item_of`` wrote it and the store's updates changed it.

    Raises:
        MalformedJobError: it is something else.
    """
    plain = {name: value for name, value in item.items() if name not in {*_MAP, OPEN}}
    members = _JOB.members_of(plain)
    if members["kind"] not in get_args(JobKind) or members["state"] not in get_args(JobState):
        raise MalformedJobError("a job is of no known kind, or in no known state")
    try:
        outputs = {int(index): _output_of(value["M"]) for index, value in item["outputs"]["M"].items()}
        return Job(**members, hold=hold_of(item["hold"]), outputs=dict(sorted(outputs.items())))
    except (KeyError, ValueError) as error:
        raise MalformedJobError("hold or outputs of a job are not as they are written") from error


def output_value(output: Output) -> dict[str, Any]:
    """An output as a typed value."""
    return {"M": _OUTPUT.item_of(output)}


def _output_of(members: Item) -> Output:
    return Output(**_OUTPUT.members_of(members))
