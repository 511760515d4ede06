"""The report of a replay in a browser and on paper: it stands alone, is accessible."""

import re
from pathlib import Path

import pytest

from benchmarks.make_export import make_export
from tests.browser.conftest import SIZES, Open, shoot
from tests.browser.test_pages import findings, is_wider_than_its_window
from tests.replay.exports import report_of
from tests.support import CARDS


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    make_export(folder / "export", 80, 2, observations=20, share=0.6)
    report_of(folder / "export", folder / "out", "--sample", "5", "--compare-cards", str(CARDS))
    return folder / "out"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["report", "sample", "comparison"])
def test_a_page_stands_alone_and_is_accessible(replayed: Path, look: Open, shots: Path, name: str, size: str) -> None:
    address = (replayed / f"{name}.html").as_uri()
    looking = look(size)
    looking.page.goto(address)
    shoot(looking.page, shots / f"replay-{name}-{size}.png", full_page=True)

    assert looking.requests == [address]
    assert looking.complaints == []
    assert findings(looking) == []
    assert not is_wider_than_its_window(looking)


@pytest.mark.parametrize("name", ["report", "sample"])
def test_a_page_prints(replayed: Path, look: Open, shots: Path, name: str) -> None:
    looking = look("desktop")
    looking.page.goto((replayed / f"{name}.html").as_uri())
    printed = looking.page.pdf(path=shots / f"replay-{name}.pdf", format="A4")

    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1
