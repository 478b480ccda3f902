"""What the runs with a person need: Chromium, driven by Playwright, and a way for programs to open pages in it.

The browser is the system's own (Debian's `chromium`). It does not know the instance's certificate authority: that its
certificates are good is shown elsewhere.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.clients.browser.people import Person, make_person
from tests.clients.tools import lacking
from tests.harness import Owner

OPEN_SECONDS = 40.0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a module and no longer: while Playwright is there, its event loop is the running one of this thread."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or lacking("Chromium")
    # without a sandbox of its own only where there is no user to sandbox from, and without shared memory, which
    # containers are short of
    options = ["--disable-gpu", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a person's own browser; a page that complains on its console fails the test."""
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 900, "height": 760})
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.location['url']} {message.text}"))
    yield page
    context.close()
    # the programs' own small servers end before the browser has asked them for an icon
    assert [text for text in complaints if text.startswith("https://login.")] == []


@pytest.fixture
def person(owner: Owner) -> Person:
    return make_person(owner)


@dataclass(frozen=True)
class Opener:
    """Stands for the command that opens a page in the browser: it writes the URL down for the test."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """What a program needs to find it. Python reads BROWSER; Node's `open` looks for xdg-open."""
        script = self.folder / "xdg-open"
        if not script.exists():
            script.write_text(
                f'#!/bin/sh\nprintf %s "$1" >"{self.folder}/url.new"\nmv "{self.folder}/url.new" "{self.folder}/url"\n'
            )
            script.chmod(0o700)
        return {"BROWSER": f"{script} %s", "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def opened(self) -> str:
        """The URL that a program wanted to open; waits for it."""
        url = self.folder / "url"
        until = time.monotonic() + OPEN_SECONDS
        while not url.exists():
            assert time.monotonic() < until, "no program opened a page"
            time.sleep(0.05)
        text = url.read_text()
        url.unlink()
        return text


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(tmp_path)
