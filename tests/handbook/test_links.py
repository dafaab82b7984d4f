"""Each link of the pages leads somewhere."""

from pathlib import Path

import pytest

from handbook import PAGES, anchors_of, links_of
from local_stack import ROOT


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file_or_a_heading_that_is_there(page: str) -> None:
    broken = [link for link in links_of(page) if not leads_somewhere(page, link)]
    assert not broken


def leads_somewhere(page: str, link: str) -> bool:
    if link.startswith(("https://", "http://")):
        return True
    path, _, anchor = link.partition("#")
    target = path or page
    if not (ROOT / target).exists():
        return False
    return not anchor or anchor in anchors_of(target)


@pytest.mark.parametrize("link", ["nowhere.md", "DEPLOY.md#nowhere", "#nowhere"])
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert not leads_somewhere("README.md", link)


def test_readme_leads_to_both_guides() -> None:
    assert {"DEPLOY.md", "SECURITY.md"} <= {
        Path(link.partition("#")[0]).name for link in links_of("README.md")
    }
