"""Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

EVERY_ENGINE = "SLUICE_EVERY_ENGINE"
"""This variable, if not empty, says that an engine which cannot run is a failure and no reason to skip."""

NO_CHROMIUM = (
    "The page is looked at in Chromium: apt-get install chromium, or another package that brings the command"
)
COMMANDS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser while the context lasts; the test is skipped where there is none, or fails where all have to run."""
    command = next(filter(None, map(shutil.which, COMMANDS)), None)
    if command is None:
        if os.environ.get(EVERY_ENGINE):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        # Its sandbox does not start as root, as in a container; it sees nothing but this gateway.
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
