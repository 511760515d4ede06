"""What somebody clicks on /try is in the report on the database of the demo."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.browser.conftest import Open
from tests.loopback import serving


def report(address: str) -> Any:
    """What `cds-service report --json` prints of a database."""
    environment = {**os.environ, "CDS_DATABASE_URL": address}
    command = [sys.executable, "-m", "cds_service", "report", "--json"]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout)


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database of its own, in a file, so that the report can read it."""
    return f"sqlite:///{tmp_path / 'records.sqlite3'}"


def test_a_suggestion_taken_and_a_card_set_aside_are_in_the_report(database: str, look: Open) -> None:
    page = look().page
    with serving(create_app(Settings(demo=True, demo_database_url=database))) as address:
        page.goto(f"{address}/try?patient=ines-allergic")
        page.get_by_role("button", name="Sign the order").click()
        page.get_by_label("Override reason").select_option(index=1)
        page.get_by_role("button", name="Set aside").click()
        page.get_by_text("Feedback was sent and kept (status 200)").wait_for()
        page.goto(f"{address}/try?patient=alma-glutamate-high")
        page.get_by_role("button", name="Sign the order").click()
        page.get_by_role("button", name="Order plasma amino acids in 8 weeks").click()
        page.get_by_text("Plasma amino acids, due").wait_for()
        page.get_by_text("Feedback was sent and kept (status 200)").wait_for()

    cards = {one["card"]: one for one in report(database)["cards"]}  # what waited was written when the service stopped
    allergy, glutamate = cards["acetylcysteine-hypersensitivity"], cards["glutamate-high"]
    assert (allergy["shown"], allergy["overridden"], allergy["accepted"]) == (1, 1, 0)
    assert list(allergy["reasons"].values()) == [1]
    assert (glutamate["shown"], glutamate["overridden"], glutamate["accepted"]) == (2, 0, 1)
    assert report(database)["feedback_on_unknown_cards"] == {}
