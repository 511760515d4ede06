"""The service in demo mode on loopback, with a database of its own, and a real browser that reaches nothing else."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Error, Page, Playwright, sync_playwright

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.loopback import serving
from tests.support import ROOT

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"phone": (390, 844), "desktop": (1366, 768)}
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SHOTS = 3  # tries
Open = Callable[..., "Looking"]


class Looking:
    """A page of the browser, and what it did: every request, and everything that it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def shoot(page: Page, path: Path, *, full_page: bool = False) -> None:
    """Takes a picture for people; Chromium now and then cannot at once, while it shows a bubble of its own."""
    for attempt in range(_SHOTS):
        try:
            page.screenshot(path=path, full_page=full_page)
            return
        except Error as error:
            if "Unable to capture screenshot" not in str(error) or attempt == _SHOTS - 1:
                raise
            page.wait_for_timeout(500)


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots and figures go."""
    folder = Path(os.environ.get("SCREENSHOTS", ROOT / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Demo mode."""
    return Settings(demo=True)


@pytest.fixture(scope="session")
def base(settings: Settings) -> Iterator[str]:
    """The address of the service."""
    with serving(create_app(settings)) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as one:
        yield one


@pytest.fixture
def look(playwright: Playwright) -> Iterator[Open]:
    """Opens a page of a size, each in a browser with a profile of its own."""
    with ExitStack() as stack:

        def opened(size: str = "desktop", **more: Any) -> Looking:
            profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            width, height = SIZES[size]
            context = playwright.chromium.launch_persistent_context(
                profile,
                executable_path=CHROMIUM,
                headless=True,
                args=_FLAGS,
                viewport={"width": width, "height": height},
                **more,
            )
            stack.callback(context.close)
            return Looking(context.pages[0])

        yield opened
