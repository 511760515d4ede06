"""The words in front of people: the glossary lists them, and everything that people read keeps to it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.looking import PAGES, demo_client, look
from tests.support import FIXTURES, ROOT

_TABLE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## Words in front of people")[2]
NOT = [row[1] for row in re.findall(r"^\| (.+?) \| (.+?) \|$", _TABLE, re.MULTILINE)[2:]]


def texts() -> Iterator[tuple[str, str]]:
    """Every page of the service, every document but the glossary itself, and every golden reply, each with its name."""
    with demo_client() as client:
        for path in PAGES:
            yield path, look(client, path).text
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guidance").glob("*.md")]
    for file in (*(file for file in documents if file.name != "glossary.md"), *(FIXTURES / "responses").glob("*.json")):
        yield file.name, file.read_text(encoding="utf-8")


TEXTS = list(texts())


@pytest.mark.parametrize("words", NOT)
def test_nothing_that_people_read_says_what_the_glossary_rules_out(words: str) -> None:
    ruled_out = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)

    assert [name for name, text in TEXTS if ruled_out.search(text)] == []


def test_the_glossary_rules_something_out() -> None:
    assert len(NOT) >= 8
    assert len(TEXTS) > 100


LONG_MONTHS = "January|February|March|April|June|July|August|September|October|November|December"


@pytest.mark.parametrize("file", sorted((FIXTURES / "responses").glob("*.json")), ids=lambda file: file.stem)
def test_a_day_above_the_fold_has_a_short_month(file: Path) -> None:
    folds = re.findall(r'"detail": "(.*?)---', file.read_text(encoding="utf-8"))

    assert [fold for fold in folds if re.search(rf"\d (?:{LONG_MONTHS}) \d", fold)] == []
