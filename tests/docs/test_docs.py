"""What the documents say is run, or compared with what is true."""

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cds_service.app import create_app
from cds_service.content import load_content
from cds_service.explaining import explain_request
from cds_service.settings import CARDS, Settings, describe

ROOT = CARDS.parent
CONTENT = load_content(CARDS)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_readme_fits_on_its_first_screens() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 80


def test_the_readmes_request_gives_the_card_that_it_prints() -> None:
    words = shlex.split(next(block for block in blocks(ROOT / "README.md", "sh") if "curl" in block))
    address, file = words[2], words[-1].removeprefix("@")
    reply = TestClient(create_app(Settings(), CONTENT)).post(
        address.replace("http://127.0.0.1:8000", ""), content=(ROOT / file).read_bytes()
    )
    card, printed = reply.json()["cards"][0], json.loads(blocks(ROOT / "README.md", "json")[0])

    for name in ("summary", "indicator", "source"):
        assert card[name] == printed[name]
    assert card["detail"].startswith(printed["detail"].removesuffix(" …"))
    assert printed.keys() < card.keys()


def test_the_explanation_in_the_review_guide_is_the_real_one() -> None:
    guide = ROOT / "docs" / "reviewing-guidance.md"
    words = shlex.split(next(block for block in blocks(guide, "sh") if "explain" in block))
    now = datetime.fromisoformat(words[words.index("--now") + 1]).replace(tzinfo=UTC)
    real = iter("\n".join(explain_request((ROOT / words[-1]).read_bytes(), CONTENT, now)).splitlines())

    for line in blocks(guide, "text")[0].splitlines():
        assert line in real, line  # in this order: `in` uses the iterator up to the line


def test_the_review_guide_lists_every_card() -> None:
    guide = (ROOT / "docs" / "reviewing-guidance.md").read_text(encoding="utf-8")

    assert {card.id for card in CONTENT.cards} <= set(re.findall(r"`([a-z-]+)`", guide))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_setting_says_what_it_is_for() -> None:
    for name, default, meaning in describe():
        assert name.startswith("CDS_")
        assert default
        assert meaning.endswith(".")


def test_settings_that_documents_name_exist() -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"`(CDS_[A-Z_]+)", path.read_text(encoding="utf-8"))}

    assert named <= {name for name, _, _ in describe()}
