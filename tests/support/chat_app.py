"""The chat function's application, imported: a process that has it can serve as soon as it has a socket."""

import importlib.util

from starlette.types import ASGIApp

from local_stack import ROOT

_PATH = ROOT / "functions" / "chat" / "app.py"


def _load() -> ASGIApp:
    spec = importlib.util.spec_from_file_location("chat_function", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: ASGIApp = module.app
    return app


APP = _load()
