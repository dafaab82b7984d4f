"""The ``*`` in a template's permissions, each with the reason that stands beside it.

A reason is a comment: on the line of the ``*``, or on lines of its own right above that line, above the statement, or
on the statement's first line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Wildcard:
    """One of them.

    Attributes:
        line: its number in the file.
        sid: the statement's.
        text: the action, or the resource.
        reason: what is said of it; empty where nothing is.
    """

    line: int
    sid: str
    text: str
    reason: str


def wildcards(text: str) -> Iterator[Wildcard]:
    """All of a template's text, by line. Those in what is denied need no reason."""
    lines = text.split("\n")
    seen = set[int]()
    for parents, statement in _statements(yaml.compose(text), ()):
        if id(statement) in seen:
            continue  # an alias of one that was looked at
        seen.add(id(statement))
        members = {key.value: value for key, value in statement.value}
        starts = [parent.start_mark.line for parent in parents if isinstance(parent, yaml.SequenceNode)]
        for member in ("Action", "Resource"):
            for node in _scalars(members[member]):
                if "*" in node.value:
                    places = {statement.start_mark.line, statement.value[0][0].start_mark.line, *starts[-1:]}
                    yield Wildcard(
                        node.start_mark.line + 1,
                        members["Sid"].value if "Sid" in members else "",
                        node.value,
                        _reason(lines, node.start_mark.line, places),
                    )


def _statements(node: Any, parents: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], yaml.MappingNode]]:
    if isinstance(node, yaml.MappingNode):
        members = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        if {"Effect", "Action", "Resource"} <= members.keys() and members["Effect"].value == "Allow":
            yield (parents[-1:] if parents and parents[-1].tag == "!If" else ()), node
            return
        for _, value in node.value:
            yield from _statements(value, (*parents, node))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _statements(value, (*parents, node))


def _scalars(node: Any) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _scalars(each)


def _reason(lines: Sequence[str], line: int, places: set[int]) -> str:
    own = _comment(lines[line])
    above = _above(lines, line)
    first = [_comment(lines[place]) or _above(lines, place) for place in sorted(places)]
    return own or above or next(filter(None, first), "")


def _above(lines: Sequence[str], line: int) -> str:
    """What is said on the lines right above."""
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.append(_comment(lines[line]))
    return " ".join(reversed(found))


def _comment(line: str) -> str:
    """What is said at the end of a line."""
    head, separator, said = f" {line}".partition(" #")
    return said.strip() if separator and head.count('"') % 2 == 0 and head.count("'") % 2 == 0 else ""
