"""Writes the parts into README.md and DEPLOY.md, each between its marks, such as ``<!-- models -->``."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sluice.catalog import load_catalog
from sluice.local.blueprint import read_template
from sluice.local.server import TEMPLATE
from sluice.providers.registry import PROVIDERS
from sluice.readme.features import matrix
from sluice.readme.media import media_matrix
from sluice.readme.models import retirements, variables
from sluice.readme.parameters import parameters
from sluice.readme.parts import with_parts

TARGET = TEMPLATE.parent / "README.md"
GUIDE = TEMPLATE.parent / "DEPLOY.md"


def rendered(text: str) -> str:
    """README.md's text with its parts as they are now.

    Raises:
        ValueError: a part has no place in it.
    """
    catalog = load_catalog()
    parts = {
        "models": variables(catalog),
        "retired": retirements(catalog),
        "features": matrix(PROVIDERS),
        "media": media_matrix(PROVIDERS),
    }
    return with_parts(text, parts)


def rendered_guide(text: str) -> str:
    """The same of DEPLOY.md's."""
    return with_parts(text, {"parameters": parameters(read_template(TEMPLATE))})


RENDERERS: Mapping[Path, Callable[[str], str]] = {TARGET: rendered, GUIDE: rendered_guide}


def write(target: Path, renderer: Callable[[str], str] = rendered) -> str:
    """Bring a file up to date; what was done, for the one who asked for it."""
    before = target.read_text(encoding="utf-8")
    after = renderer(before)
    if after == before:
        return f"{target.name} is unchanged"
    target.write_text(after, encoding="utf-8")
    return f"{target.name} is written"


if __name__ == "__main__":
    for path, renderer_of_it in RENDERERS.items():
        sys.stdout.write(write(path, renderer_of_it) + "\n")
