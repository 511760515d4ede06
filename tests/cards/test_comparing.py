"""`cds-service diff`: a committee sees every change of rows, words, codes and numbers, and which answers change."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command import run_command
from tests.support import CARDS

EDITS = {
    "words": ("passages.toml", "most studies: 2,400 mg", "most studies used 2,400 mg"),
    "rows": ("gates.toml", 'at_least = "18 a"', 'at_least = "19 a"'),
    "a number": ("thresholds.toml", "value = 365", "value = 300"),
    "a code": ("codelists/nitroglycerin.csv", ",yes,", ",no,"),
    "a card": ("mucolytic-under-two/card.toml", 'title = "', 'title = "Of a child: '),
}
SAYS = {
    "words": [
        "passage studies_used: changed",
        "- text = most studies: 2,400 mg",
        "+ text = most studies used 2,400 mg",
    ],
    "rows": ["gate age-18-or-not-known: changed", "- at_least = 18 a", "+ at_least = 19 a", "+ stay silent"],
    "a number": ["threshold result-age: changed", "- value = 365", "+ value = 300", "- advise", "+ stay silent"],
    "a code": ["code list nitroglycerin: changed", ", yes, ", ", no, ", "nitroglycerin-interaction"],
    "a card": ["card mucolytic-under-two: words: changed", "+ title = Of a child: "],
}


def diff(*arguments: str) -> tuple[int, str]:
    done = run_command("diff", *arguments)
    return done.exit_code, done.output


def edited(tmp_path: Path, *names: str) -> Path:
    folder = Path(shutil.copytree(CARDS, tmp_path / "cards"))
    for file, old, new in (EDITS[name] for name in names):
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_shown_with_what_was_and_who_uses_it(name: str, tmp_path: Path) -> None:
    code, said = diff(str(CARDS), "--cards", str(edited(tmp_path, name)))

    assert code == 0
    assert [words for words in SAYS[name] if words not in said] == []
    assert "1 part differs." in said


def test_examples_that_are_answered_otherwise_are_shown_before_and_after(tmp_path: Path) -> None:
    _, said = diff(str(CARDS), "--cards", str(edited(tmp_path, "words")))

    assert "glutamate-normal, example “Bruno: the card's own patient”: answered otherwise" in said
    assert "- - Dose **1,200 mg per day**; most studies: 2,400 mg." in said
    assert "+ - Dose **1,200 mg per day**; most studies used 2,400 mg." in said
    assert "used by glutamate-high, glutamate-low, " in said


def test_the_same_content_does_not_differ(tmp_path: Path) -> None:
    assert diff(str(CARDS), "--cards", str(edited(tmp_path))) == (0, "No parts differ.\nNo examples differ.\n")


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_revision_is_compared_with_the_cards_as_they_are(tmp_path: Path) -> None:
    folder = edited(tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    path = folder / "thresholds.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("value = 365", "value = 300", 1), encoding="utf-8")
    code, said = diff("HEAD", "--cards", str(folder))

    assert (code, "threshold result-age: changed" in said, "1 part differs." in said) == (0, True, True)


WRONG = ["nowhere", "HEAD~999", "--output=x", "-x", "", "$(touch x)", "\x1b[2J"]


@pytest.mark.parametrize("revision", WRONG)
def test_what_is_neither_a_folder_nor_a_revision_is_refused_in_words(revision: str, tmp_path: Path) -> None:
    folder = edited(tmp_path)
    code, said = diff("--cards", str(folder), "--", revision)

    assert code == 1
    assert "neither a folder nor a revision" in said or "holds no content" in said
    assert "\x1b" not in said


def test_a_folder_without_content_is_refused_in_words(tmp_path: Path) -> None:
    code, said = diff(str(tmp_path))
    assert (code, "there is no content.toml in it" in said) == (1, True)


def test_content_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    folder = edited(tmp_path)
    (folder / "gates.toml").write_text("[[gate", encoding="utf-8")
    code, said = diff(str(folder))
    assert (code, "the content before cannot be read" in said) == (1, True)


def test_content_with_a_mistake_is_compared_but_for_its_examples(tmp_path: Path) -> None:
    folder = edited(tmp_path, "words")
    path = folder / "gates.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('fact = "use"', 'fact = "usage"', 1), encoding="utf-8")
    code, said = diff(str(folder))

    assert code == 1
    assert "passage studies_used: changed" in said
    assert "Examples are not compared" in said
    assert "no fact is called usage" in said


def test_what_a_terminal_would_obey_is_not_printed(tmp_path: Path) -> None:
    folder = edited(tmp_path)
    path = folder / "passages.toml"
    text = path.read_text(encoding="utf-8").replace("most studies: 2,400", "most \\u001b[31m studies: 2,400", 1)
    path.write_text(text, encoding="utf-8")
    code, said = diff(str(CARDS), "--cards", str(folder))
    assert (code, "\x1b" in said, "most \ufffd[31m studies" in said) == (0, False, True)
