"""The documentation: the document, the page that shows it, and the files that the page loads.

They are the function's own and those of a library, Swagger UI. The package that brings the library carries it for
Django; only its files are taken, none of its code is run, and Django need not be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self

from sluice.asgi.caching import Cacheable
from sluice.asgi.exchange import Exchange
from sluice.config import ConfigurationError, DocsSettings
from sluice.errors import NotFoundError
from sluice.stores.aws import AWS

LIBRARY: Final = "drf_spectacular_sidecar"
LIBRARY_FOLDER: Final = Path("static", LIBRARY, "swagger-ui-dist")
LIBRARY_FILES: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt")

DOCUMENT: Final = "openapi.json"
PAGE: Final = "page.html"
SCRIPT: Final = "page.js"

MEDIA: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: load its own files, and ask its own host. The library's style sheet has pictures in it."""

PAGE_HEADERS: Final = {"content-security-policy": POLICY}

LIBRARY_MAX_AGE: Final = 3600
"""Seconds; all that is the gateway's own is asked for again each time, so that a page and its script fit each other."""


@dataclass(frozen=True, slots=True)
class DocsSite:
    """Settings, the files in memory, and the way to the table that requests are counted in."""

    settings: DocsSettings
    document: Cacheable
    page: Cacheable
    assets: Mapping[str, Cacheable]
    aws: AWS

    @classmethod
    def open(cls, settings: DocsSettings, folder: Path) -> Self:
        """Read all files; no request leaves yet.

        Args:
            settings: of the limit of addresses.
            folder: the function's own.

        Raises:
            ConfigurationError: the library is not there.
        """
        library = _library()
        return cls(
            settings,
            document=_read(folder / DOCUMENT),
            page=_read(folder / PAGE),
            assets={SCRIPT: _read(folder / SCRIPT)}
            | {name: _read(library / name, LIBRARY_MAX_AGE) for name in LIBRARY_FILES},
            aws=AWS(),
        )

    def asset(self, name: str) -> Cacheable:
        """A file that the page loads.

        Raises:
            NotFoundError: there is none of that name.
        """
        found = self.assets.get(name)
        if found is None:
            raise NotFoundError("The documentation has no such file.")
        return found

    async def close(self) -> None:
        """Close all connections."""
        self.aws.close()


async def send_document(exchange: Exchange, site: DocsSite) -> None:
    """Answer with the document."""
    await exchange.send_cacheable(site.document)


async def send_page(exchange: Exchange, site: DocsSite) -> None:
    """Answer with the page, which may do no more than it has to."""
    exchange.reply_headers.update(PAGE_HEADERS)
    await exchange.send_cacheable(site.page)


async def send_asset(exchange: Exchange, site: DocsSite) -> None:
    """Answer with a file that the page loads.

    Raises:
        NotFoundError: there is none of that name.
    """
    await exchange.send_cacheable(site.asset(exchange.path_parameters["file"]))


def _library() -> Path:
    spec = find_spec(LIBRARY)  # its folder; the package is not imported
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(f"the package {LIBRARY} is not installed")
    return Path(spec.submodule_search_locations[0]) / LIBRARY_FOLDER


def _read(path: Path, max_age: int = 0) -> Cacheable:
    return Cacheable(path.read_bytes(), MEDIA[path.suffix], max_age)
