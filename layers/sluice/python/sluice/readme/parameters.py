"""The template's parameters, for the guide to deploying."""

from collections.abc import Iterator, Mapping
from typing import Any

from sluice.readme.features import line

HEAD = ("Parameter", "Default", "Values", "What it is")


def parameters(template: Mapping[str, Any]) -> str:
    """A Markdown table with a row for each parameter, in the template's order."""
    rows = [_row(name, declared) for name, declared in template["Parameters"].items()]
    return "\n".join([line(HEAD), line(["---"] * len(HEAD)), *map(line, rows)])


def _row(name: str, declared: Mapping[str, Any]) -> list[str]:
    default = str(declared["Default"])
    return [
        f"`{name}`",
        f"`{default}`" if default else "nothing",
        ", ".join(_values(declared)),
        " ".join(declared["Description"].split()).replace("|", "\\|"),
    ]


def _values(declared: Mapping[str, Any]) -> Iterator[str]:
    if "AllowedValues" in declared:
        for value in declared["AllowedValues"]:
            yield f"`{value}`"
    elif "MinValue" in declared or "MaxValue" in declared:
        least, most = declared.get("MinValue"), declared.get("MaxValue")
        yield f"{least} to {most}" if most is not None else f"{least} or more"
    elif declared["Type"] == "Number":
        yield "a number"
    else:
        yield "a text"
