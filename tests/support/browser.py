"""A real browser: the system's Chromium, driven by playwright, which need not download one of its own."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from engine_processes import EVERY_ENGINE

NO_CHROMIUM = "the browser's tests need Chromium: apt-get install chromium, brew install chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; its tests fail where it is missing and has to be there, and are skipped elsewhere.

    Not for the whole session: while it runs, this thread has an event loop that no other can run beside.
    """
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        if os.environ.get(EVERY_ENGINE):
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright:
        # Its sandbox does not run as root, which is who runs tests in a container; all pages here are the tests' own.
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield found
        found.close()
