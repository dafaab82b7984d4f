"""What the documentation's function is made of, where its library is missing."""

from pathlib import Path

import pytest

from local_stack import ROOT
from sluice.asgi import docs
from sluice.asgi.docs import DocsSite
from sluice.config import ConfigurationError, DocsSettings
from sluice.errors import NotFoundError

FOLDER = ROOT / "functions" / "docs"
SETTINGS = DocsSettings(counters_table="CountersTable", ip_rpm=0)


async def test_files_are_known_by_their_names_alone() -> None:
    site = DocsSite.open(SETTINGS, FOLDER)
    assert site.asset("page.js").body == (FOLDER / "page.js").read_bytes()
    for name in ("app.py", "openapi.json", "/page.js", "./page.js", "page.js/", "PAGE.JS", ""):
        with pytest.raises(NotFoundError):
            site.asset(name)
    await site.close()


async def test_what_is_the_gateways_own_is_asked_for_each_time() -> None:
    """A page whose script is an hour older than it would not work."""
    site = DocsSite.open(SETTINGS, FOLDER)
    assert [file.max_age for file in (site.page, site.document, site.asset("page.js"))] == [0, 0, 0]
    assert site.asset("swagger-ui.css").max_age > 0
    await site.close()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(docs, "LIBRARY", "no_such_package")
    with pytest.raises(ConfigurationError, match="no_such_package"):
        DocsSite.open(SETTINGS, tmp_path)
