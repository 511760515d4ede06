"""Content of which anything is missing, cut or changed does not start: its manifest says what there has to be."""

import os
import shutil
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.content.loading import load_content
from cds_service.content.manifest import NAME, prove_manifest, take_stock, write_manifest
from cds_service.errors import ContentError, Mistake
from cds_service.settings import Settings
from tests.command import NO_PORT, run_command
from tests.support import CARDS

FILES = sorted(path.relative_to(CARDS).as_posix() for path in CARDS.rglob("*") if path.suffix in (".toml", ".csv"))
CONTENT_FILES = [file for file in FILES if file != NAME]
CARD = "acetylcysteine-hypersensitivity/card.toml"
LIST = "codelists/acetylcysteine.csv"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CARDS, tmp_path / "cards"))


def mistakes_in(folder: Path) -> list[Mistake]:
    """What the manifest says against a content."""
    with pytest.raises(ContentError) as error:
        prove_manifest(folder)
    return error.value.mistakes


def test_the_content_of_the_package_agrees_with_its_manifest() -> None:
    manifest = prove_manifest(CARDS)
    assert sorted(manifest.files) == CONTENT_FILES
    assert manifest.cards == [card.id for card in load_content(CARDS).cards]
    assert manifest.rows["acetylcysteine"] == len(load_content(CARDS).vocabulary.code_lists["acetylcysteine"].rows)


def test_every_file_that_is_missing_cut_or_changed_is_named(cards: Path) -> None:
    for file in CONTENT_FILES:
        path, whole = cards / file, (cards / file).read_bytes()
        path.unlink()
        assert [mistake.file for mistake in mistakes_in(cards)] == [f"cards/{file}"]
        path.write_bytes(whole[: len(whole) // 2])
        assert [mistake.file for mistake in mistakes_in(cards)] == [f"cards/{file}"]
        path.write_bytes(whole + b"\n")
        assert [mistake.file for mistake in mistakes_in(cards)] == [f"cards/{file}"]
        path.write_bytes(whole)
    prove_manifest(cards)


def test_a_code_list_says_how_many_rows_it_lacks(cards: Path) -> None:
    lines = (cards / LIST).read_text(encoding="utf-8").splitlines(keepends=True)
    (cards / LIST).write_text("".join(lines[:2]), encoding="utf-8")
    (mistake,) = mistakes_in(cards)
    assert f"with 1 rows instead of {len(lines) - 1}" in mistake.problem


def test_a_file_that_nobody_listed_is_named(cards: Path) -> None:
    shutil.copytree(cards / "glutamate-high", cards / "glutamate-higher")
    assert {mistake.file for mistake in mistakes_in(cards)} == {
        "cards/glutamate-higher/card.toml",
        "cards/glutamate-higher/examples.toml",
    }


@pytest.mark.parametrize("written", [None, "", "cards = 1", "[files]\nx = 'short'", "\x00"])
def test_a_manifest_that_is_missing_or_none_is_a_mistake(cards: Path, written: str | None) -> None:
    (cards / NAME).unlink()
    if written is not None:
        (cards / NAME).write_text(written, encoding="utf-8")
    assert {mistake.file for mistake in mistakes_in(cards)} == {f"cards/{NAME}"}


def test_a_manifest_that_contradicts_itself_is_a_mistake(cards: Path) -> None:
    text = (cards / NAME).read_text(encoding="utf-8")
    (cards / NAME).write_text(text.replace('  "glutamate-high",\n', ""), encoding="utf-8")
    assert [mistake.file for mistake in mistakes_in(cards)] == [f"cards/{NAME}"]


def test_the_command_writes_it_after_a_change_that_is_meant(cards: Path) -> None:
    (cards / LIST).write_text((cards / LIST).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    before = take_stock(CARDS).digest
    assert run_command("manifest", "--cards", str(cards)).exit_code == 0
    assert prove_manifest(cards).digest != before
    write_manifest(cards)


@pytest.mark.parametrize("gone", [CARD, "glutamate-normal/card.toml", "codelists/route-words.csv", NAME])
def test_neither_the_service_nor_the_check_starts_without(cards: Path, gone: str) -> None:
    (cards / gone).unlink()
    with pytest.raises(ContentError):
        create_app(Settings(cards=cards))
    settings = {"CDS_CARDS": str(cards), "CDS_DATABASE_URL": "sqlite:///:memory:"}
    for words in (["serve", "--port", NO_PORT], ["check"]):
        done = run_command(*words, settings=settings)
        assert (done.exit_code, gone in done.output) == (1, True)


def test_cards_that_contradict_each_other_do_not_start_although_their_manifest_agrees(cards: Path) -> None:
    shutil.rmtree(cards / "glutamate-normal")
    write_manifest(cards)
    settings = {"CDS_CARDS": str(cards), "CDS_DATABASE_URL": "sqlite:///:memory:"}
    done = run_command("serve", "--port", NO_PORT, settings=settings)
    assert done.exit_code == 1
    assert "0 advise instead of 1" in done.output


def test_a_pipe_in_place_of_a_file_is_a_mistake_and_is_not_waited_for(cards: Path) -> None:
    for name in ("codelists/pipe.csv", "phrases.toml"):
        (cards / name).unlink(missing_ok=True)
        os.mkfifo(cards / name)
    with pytest.raises(ContentError) as error:
        load_content(cards)
    pipes = {mistake.file for mistake in error.value.mistakes if mistake.problem == "not a file"}
    assert pipes == {"cards/codelists/pipe.csv", "cards/phrases.toml"}
