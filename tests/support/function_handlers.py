"""Functions that no HTTP request calls, as Lambda runs them: the handler of their module, fed with sample events."""

import importlib.util
import json
from collections.abc import Callable
from typing import Any

from local_stack import ROOT


def load_handler(name: str) -> Callable[[Any, Any], Any]:
    """The handler of a new environment."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Any, Any], Any] = module.handler
    return found


def sample_events(name: str) -> dict[str, Any]:
    """A function's sample events, by their files' names."""
    files = (ROOT / "events" / name).glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
