"""Loads the applications of functions/*/app.py into one process."""

import importlib.util
import sys

from starlette.types import ASGIApp

from sluice.local.blueprint import Function, TemplateError

MODULE_PREFIX = "sluice_function_"


def load_app(function: Function) -> ASGIApp:
    """Import a function's ``app.py`` under a name of its own and give its ``app``.

    Raises:
        TemplateError: there is none. An error inside the module is raised as it is.
    """
    path = function.folder / "app.py"
    name = MODULE_PREFIX + function.folder.name
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise TemplateError(f"{function.name} has no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic and dataclasses look annotations up by the module's name
    spec.loader.exec_module(module)
    if not hasattr(module, "app"):
        raise TemplateError(f"{path} has no app")
    app: ASGIApp = module.app
    return app
