"""The paths that the functions serve, and the methods of each."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sluice.asgi.application import Application
from sluice.local.blueprint import FUNCTION, Function, read_template
from sluice.local.errors import TemplateError
from sluice.local.event_sources import Route, sources_of
from sluice.local.functions import load_app
from sluice.local.server import TEMPLATE

IMPLIED = frozenset({"HEAD", "OPTIONS"})
"""Methods that a path has because it has others, or because a browser asks; the document does not list them."""

type Routes = Mapping[str, frozenset[str]]
"""Methods by path, in OpenAPI's notation."""


def routes(template: Path = TEMPLATE) -> Routes:
    """What the functions' applications serve. Not to be called on a running event loop.

    Raises:
        TemplateError: a function that has routes has no ``Application``.
    """
    return asyncio.run(_routes(template))


async def _routes(template: Path) -> Routes:
    """The same on an event loop, which Mangum looks for when a function's module is loaded."""
    found: dict[str, frozenset[str]] = {}
    for function in _functions(template):
        app = load_app(function)
        if not isinstance(app, Application):
            raise TemplateError(f"the app of {function.name} is no Application")
        for path, methods in app.methods.items():
            found[re.sub(r"\{(\w+):\w+\}", r"{\1}", path)] = frozenset(methods) - IMPLIED
    return found


def _functions(template: Path) -> Iterator[Function]:
    for name, resource in read_template(template)["Resources"].items():
        if resource["Type"] != FUNCTION:
            continue
        properties = resource["Properties"]
        sources = sources_of(name, properties.get("Events", {}))
        paths = tuple(source for source in sources if isinstance(source, Route))
        if paths:
            yield Function(name, template.parent / properties["CodeUri"], paths, {})
