"""The service in demo mode on loopback, and a real browser that reaches nothing else."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SHOTS = Path(os.environ.get("SCREENSHOTS", "screenshots"))
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser(playwright: Playwright, size: str = "desktop", **more: object) -> Iterator[BrowserContext]:
    """A browser with a profile of its own, of the size of a phone or of a desk."""
    width, height = SIZES[size]
    with tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=True,
            args=_FLAGS,
            viewport={"width": width, "height": height},
            **more,  # type: ignore[arg-type]
        )
        try:
            yield context
        finally:
            context.close()
