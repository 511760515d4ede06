"""The pictures of README.md, taken from the running service: `make pictures` runs this file, and needs pngquant."""

import subprocess
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.browser.conftest import Open
from tests.support import ROOT

FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 60 * 1024


def take(of: Page | Locator, name: str) -> None:
    """Takes a picture of a page or a part of it, in at most 32 colours."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / name
    of.screenshot(path=path, animations="disabled")
    subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--output", path, "32", path], check=True)
    assert path.stat().st_size <= MOST_BYTES, f"{name} has {path.stat().st_size} bytes"


def test_the_small_ehr_and_a_card(base: str, look: Open) -> None:
    page = look().page
    page.goto(f"{base}/try?patient=alma-glutamate-high")
    page.set_viewport_size({"width": 1000, "height": 640})
    take(page, "try.png")

    page.get_by_role("button", name="Sign the order").click()
    card = page.locator("article.card").first
    card.wait_for()
    take(card, "card.png")
    assert sorted(path.name for path in Path(FOLDER).iterdir()) == ["card.png", "try.png"]
