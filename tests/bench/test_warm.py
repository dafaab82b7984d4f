"""The measurement of warm requests, which reaches into the path by name: no type checker sees that."""

import ast
import importlib

from tests.bench.warm import WARM


def test_what_it_replaces_is_there() -> None:
    aliases = {
        alias.asname: importlib.import_module(alias.name)
        for node in ast.walk(ast.parse(WARM))
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    assert hasattr(aliases["path"], "held")
