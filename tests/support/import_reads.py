"""Imports all functions in a process of its own, and says which variables were read on the way, and by which module.

``python import_reads.py FILE…`` prints a line of JSON: a list of a module and a variable.
"""

import json
import os
import sys
from collections.abc import MutableMapping
from typing import Any

_KNOWN = os.environ
_READ: set[tuple[str, str]] = set()


class _Reading(MutableMapping[str, str]):
    """``os.environ``, whose readers are known."""

    def __getitem__(self, name: str) -> str:
        _READ.add((_reader(), name))
        return _KNOWN[name]

    def __setitem__(self, name: str, value: str) -> None:
        _KNOWN[name] = value

    def __delitem__(self, name: str) -> None:
        del _KNOWN[name]

    def __iter__(self) -> Any:
        return iter(_KNOWN)

    def __len__(self) -> int:
        return len(_KNOWN)


def _reader() -> str:
    """The first module up the stack that is neither this one nor the mapping's own."""
    frame = sys._getframe(1)
    while (name := frame.f_globals.get("__name__", "")) in (
        __name__,
        "os",
        "collections.abc",
        "_collections_abc",
    ):
        if frame.f_back is None:
            break
        frame = frame.f_back
    return str(name)


def main() -> None:
    """Import the files that the command names."""
    os.environ = _Reading()  # type: ignore[assignment] # noqa: B003 - it hands on what it is asked
    import importlib.util

    for number, file in enumerate(sys.argv[1:]):
        spec = importlib.util.spec_from_file_location(f"function_{number}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    importlib.import_module("sluice_streaming.__main__")
    sys.stdout.write(json.dumps(sorted(_READ)) + "\n")


if __name__ == "__main__":
    main()
