"""What settings hold that is more than a number or a name, as text and as values."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

ANY_ORIGIN = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
_OWN_PORT = re.compile(r"http://.*:80|https://.*:443")
"""Browsers leave a scheme's own port out."""
_HOST = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):\d{1,5}")


def _origins(value: object) -> object:
    """The origins of a comma-separated list, as browsers send them."""
    if not isinstance(value, str):
        return value
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if not _ORIGIN.fullmatch(name) or _OWN_PORT.fullmatch(name):
            if names == [ANY_ORIGIN]:
                break
            raise PydanticCustomError(
                "origin",
                "'{name}' is no origin such as https://app.example.com, as browsers send it: no path, lower case, and "
                "no port that is the scheme's own; '*' stands alone",
                {"name": name},
            )
    return frozenset(names)


def _hosts(value: object) -> object:
    """The hosts of a comma-separated list, each with its port."""
    if not isinstance(value, str):
        return value
    names = [name.strip().lower() for name in value.split(",")]
    for name in names:
        if not _HOST.fullmatch(name):
            raise PydanticCustomError(
                "host", "'{name}' is no host with its port such as hooks.example.com:8080", {"name": name}
            )
    return frozenset(names)


def _delays(value: object) -> object:
    """The whole seconds of a comma-separated list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


JobKind = Literal["image", "video"]
Origins = Annotated[frozenset[str], BeforeValidator(_origins)]
Hosts = Annotated[frozenset[str], BeforeValidator(_hosts)]
Delays = Annotated[tuple[Annotated[int, Field(ge=0, le=7 * 86_400)], ...], BeforeValidator(_delays)]
