"""What waits for what when CloudFormation makes a template's resources."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any


def circle(resources: Mapping[str, Any]) -> list[str]:
    """Resources of which each waits for the next, and the last one is the first: such a stack cannot be made.

    Args:
        resources: those that are made, without conditions. A reference counts wherever it stands: an alias waits for
            the deployment group in its UpdatePolicy, and a resource for what its Metadata names.

    Returns:
        Nothing where all can be made one after the other.
    """
    try:
        TopologicalSorter({name: _waits_for(found) for name, found in resources.items()}).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names[::-1]
    return []


def _waits_for(part: Any) -> set[str]:
    return set(_names(part))


def _names(part: Any) -> Iterator[str]:
    match part:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
            yield from re.findall(r"\$\{(\w+)", text)
    if isinstance(part, Mapping):
        waits_for = part.get("DependsOn", [])
        yield from [waits_for] if isinstance(waits_for, str) else waits_for
    if isinstance(part, Mapping | list):
        for value in part.values() if isinstance(part, Mapping) else part:
            yield from _names(value)
