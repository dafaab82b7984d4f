"""Writes the parts into README.md, each between its two marks: ``<!-- features -->`` and ``<!-- /features -->``."""

import sys
from pathlib import Path

from sluice.catalog import load_catalog
from sluice.local.server import TEMPLATE
from sluice.providers.registry import PROVIDERS
from sluice.readme.features import matrix
from sluice.readme.media import media_matrix
from sluice.readme.models import retirements, variables

TARGET = TEMPLATE.parent / "README.md"


def rendered(text: str) -> str:
    """The text with its parts as they are now.

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
    for name, part in parts.items():
        text = _with_part(text, name, part)
    return text


def _with_part(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"README.md has no place for the part '{name}'")
    return f"{before}{begin}{part}\n{end}{after}"


def write(target: Path) -> str:
    """Bring a file up to date; what was done, for the one who asked for it."""
    before = target.read_text(encoding="utf-8")
    after = rendered(before)
    if after == before:
        return f"{target.name} is unchanged"
    target.write_text(after, encoding="utf-8")
    return f"{target.name} is written"


if __name__ == "__main__":
    sys.stdout.write(write(TARGET) + "\n")
