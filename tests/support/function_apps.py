"""The applications of the functions that take requests to models, imported: ready as soon as they have a socket."""

import importlib.util
from typing import Final, Literal

from starlette.types import ASGIApp

from local_stack import ROOT

FunctionName = Literal["chat", "completions", "embeddings"]


def _load(name: FunctionName) -> ASGIApp:
    spec = importlib.util.spec_from_file_location(f"{name}_function", ROOT / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: ASGIApp = module.app
    return app


APPS: Final[dict[FunctionName, ASGIApp]] = {
    name: _load(name) for name in ("chat", "completions", "embeddings")
}
