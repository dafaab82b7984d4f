"""Loads what functions/*/app.py have into one process."""

import importlib.util
import sys
from typing import Any

from starlette.types import ASGIApp

from sluice.local.blueprint import Function
from sluice.local.errors import TemplateError
from sluice.local.invocations import Handler

MODULE_PREFIX = "sluice_function_"


def load_app(function: Function) -> ASGIApp:
    """Import a function's ``app.py`` under a name of its own and give its ``app``, which answers requests.

    Raises:
        TemplateError: there is none. An error inside the module is raised as it is.
    """
    app: ASGIApp = _load(function, "app")
    return app


def load_handler(function: Function) -> Handler:
    """The same for its ``handler``, which takes events.

    Raises:
        TemplateError: there is none. An error inside the module is raised as it is.
    """
    handler: Handler = _load(function, "handler")
    return handler


def _load(function: Function, attribute: str) -> Any:
    path = function.folder / "app.py"
    name = MODULE_PREFIX + function.folder.name
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise TemplateError(f"{function.name} has no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic and dataclasses look annotations up by the module's name
    spec.loader.exec_module(module)
    if not hasattr(module, attribute):
        raise TemplateError(f"{path} has no {attribute}")
    return getattr(module, attribute)
