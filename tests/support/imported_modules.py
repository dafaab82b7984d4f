"""Which packages code imports, wherever in it: found by reading it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

OWN = {"app", "sluice", "sluice_streaming"}


def imported(*places: Path) -> set[str]:
    """The top-level packages, neither ours nor Python's own, that these modules, and those below folders, import."""
    found: set[str] = set()
    for place in places:
        for path in place.rglob("*.py") if place.is_dir() else (place,):
            found |= set(_imports(ast.parse(path.read_text(encoding="utf-8"))))
    return found - OWN - sys.stdlib_module_names


def _imports(node: ast.AST) -> Iterator[str]:
    """Everywhere but under ``if TYPE_CHECKING``, which never runs."""
    match node:
        case ast.Import(names=names):
            yield from (name.name.partition(".")[0] for name in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=other):
            for statement in other:
                yield from _imports(statement)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports(child)
