"""A real browser: the system's Chromium, driven by playwright, which need not download one of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from engine_processes import EVERY_ENGINE

NO_CHROMIUM = "the browser's tests need Chromium: apt-get install chromium, brew install chromium"
COMMANDS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium while the context lasts; a test fails where it is missing and has to be there, elsewhere it is skipped.

    While it runs, this thread has an event loop that no other can run beside: no asynchronous test may run meanwhile.
    """
    executable = next(filter(None, map(shutil.which, COMMANDS)), None)
    if executable is None:
        if os.environ.get(EVERY_ENGINE):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        # Its sandbox does not run as root, who runs tests in a container; all pages here are the tests' own.
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield found
        finally:
            found.close()
