"""What calls a function: HTTP requests, a table's stream, a schedule, the end of a deployment or of an execution."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.local.errors import TemplateError

GIVES_FAILURES = "ReportBatchItemFailures"
FROM_THE_BEGINNING = "TRIM_HORIZON"
MOST_RECORDS = 100
"""A stream's batch size where the template says none."""

DEPLOYED = "CREATE_COMPLETE"

UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")

type Record = Mapping[str, Any]
"""A record of a stream, as AWS has it."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path in API Gateway's notation, ``/models/{id+}``, and the method it takes, or ``ANY``."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a record has to be like: the members named here, each with one of the values listed."""

    members: Mapping[str, Any]

    def matches(self, record: Record) -> bool:
        """Whether the record is like it."""
        return _matches(self.members, record)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A table whose stream calls a function, from its beginning."""

    table: str
    """Its name in the template."""
    batch_size: int
    """How many records the function gets at once."""
    patterns: tuple[Pattern, ...]
    """It gets only those that are like one of these, or all where there are none."""
    reports_failures: bool
    """Whether its reply names the records that it wants again."""

    def takes(self, record: Record) -> bool:
        """Whether the function gets a record."""
        return not self.patterns or any(pattern.matches(record) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function is called each time so many seconds have passed."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """A function is called when the stack has been made or changed."""


@dataclass(frozen=True, slots=True)
class ExecutionEnd:
    """A function is called when an execution of a state machine has ended in a certain way."""

    statuses: tuple[str, ...]
    """How, in Step Functions' words."""
    machines: tuple[str, ...]
    """Of which machines, by their names in the template."""


type Source = Route | StreamSource | Schedule | Deployment | ExecutionEnd


def sources_of(function: str, events: Mapping[str, Any]) -> Iterator[Source]:
    """The sources of a function's events, as a SAM template describes them.

    Args:
        function: its name, for errors.
        events: the function's property of this name.

    Raises:
        TemplateError: the development server does not know such a source, or not in this form.
    """
    for event in events.values():
        properties = event["Properties"]
        match event["Type"]:
            case "Api":
                yield Route(properties["Method"].upper(), properties["Path"])
            case "DynamoDB":
                yield _stream_source(function, properties)
            case "Schedule":
                yield _schedule(function, properties)
            case "EventBridgeRule":
                yield _rule(function, properties)
            case other:
                raise TemplateError(f"{function} has an event of the type {other}, which nothing here feeds")


def _stream_source(function: str, properties: Mapping[str, Any]) -> StreamSource:
    if properties["StartingPosition"] != FROM_THE_BEGINNING:
        raise TemplateError(f"{function} does not read its stream from {FROM_THE_BEGINNING}")
    match properties["Stream"]:
        case {"Fn::GetAtt": [str(table), "StreamArn"]}:
            pass
        case other:
            raise TemplateError(f"{function} reads a stream that is no table's of the template: {other}")
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamSource(
        table=table,
        batch_size=int(properties.get("BatchSize", MOST_RECORDS)),
        patterns=tuple(_pattern(function, each["Pattern"]) for each in filters),
        reports_failures=GIVES_FAILURES in properties.get("FunctionResponseTypes", []),
    )


def _pattern(function: str, text: str) -> Pattern:
    members = json.loads(text)
    if not _is_plain(members):
        raise TemplateError(f"{function} filters its events in a way that is not known here: {text}")
    return Pattern(members)


def _is_plain(pattern: object) -> bool:
    """Whether a pattern lists values and uses none of the operators, such as ``{"prefix": …}``."""
    match pattern:
        case dict():
            return all(map(_is_plain, pattern.values()))
        case list():
            return not any(isinstance(value, dict | list) for value in pattern)
        case _:
            return False


def _matches(pattern: Mapping[str, Any] | Iterable[Any], value: Any) -> bool:
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and _matches(part, value[name]) for name, part in pattern.items()
        )
    return value in pattern


def _rule(function: str, properties: Mapping[str, Any]) -> Deployment | ExecutionEnd:
    match properties["Pattern"]:
        case {"source": ["aws.cloudformation"], "detail": {"status-details": {"status": list(statuses)}}}:
            if DEPLOYED in statuses:
                return Deployment()
        case {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"status": list(statuses), "stateMachineArn": list(machines), **others},
        } if not others and all(isinstance(each, Mapping) and list(each) == ["Ref"] for each in machines):
            return ExecutionEnd(tuple(statuses), tuple(machine["Ref"] for machine in machines))
        case _:
            pass
    raise TemplateError(
        f"{function} has a rule that is neither for the end of a deployment nor for that of an execution: "
        f"{dict(properties)}"
    )


def _may_run(state: object) -> bool:
    """Whether a schedule runs, or a parameter decides on it: here it runs then."""
    match state:
        case None | "ENABLED" | {"Fn::If": [str(), "ENABLED", "DISABLED"]}:
            return True
        case _:
            return False


def _schedule(function: str, properties: Mapping[str, Any]) -> Schedule:
    match = _RATE.fullmatch(properties["Schedule"])
    if match is None or properties.keys() & {"Enabled", "Input"} or not _may_run(properties.get("State")):
        raise TemplateError(
            f"{function} has a schedule other than rate(n minutes|hours|days): {dict(properties)}"
        )
    return Schedule(int(match[1]) * UNIT_SECONDS[match[2]])
