# ruff: noqa: E501 (a row of a table is one line, so that the table can be read)
"""Signing a card: two people make it live, whatever changes of it makes it a draft again, and the change is named."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from cds_service.api.runtime import runtime_of
from cds_service.app import create_app
from cds_service.content.loading import load_content
from cds_service.content.manifest import SIGNATURES, prove_manifest, write_manifest
from cds_service.content.signing import Signatures, read_signatures, with_signatures
from cds_service.errors import ContentError
from cds_service.settings import Settings
from tests.command import run_command
from tests.support import CARDS, FIXTURES

CARD, OTHER = "glutamate-normal", "mucolytic-under-two"
SIGNERS = (("Dr A. Müller", "clinical pharmacologist"), ("Dr B", "physician"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the content, which nobody has signed."""
    return Path(shutil.copytree(CARDS, tmp_path / "cards"))


@pytest.fixture(scope="module")
def signatures_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(CARDS, tmp_path_factory.mktemp("signed") / "cards"))
    sign_by_two(folder)
    return folder / SIGNATURES


@pytest.fixture
def signed(folder: Path, signatures_of_two: Path) -> Path:
    """A copy of the content with one card that two people have signed."""
    shutil.copy(signatures_of_two, folder)
    return folder


def sign(folder: Path, card: str = CARD, name: str = "Dr A", role: str = "physician", *more: str) -> tuple[int, str]:
    done = run_command("sign", card, "--name", name, "--role", role, "--cards", str(folder), *more)
    return done.exit_code, done.output


def sign_by_two(folder: Path, card: str = CARD) -> None:
    for name, role in SIGNERS:
        assert sign(folder, card, name, role)[0] == 0


def status(folder: Path, card: str = CARD) -> str:
    content, _ = with_signatures(load_content(folder), folder, FIXTURES)
    return content.status_of(card)


def void(folder: Path) -> list[str]:
    _, signatures = with_signatures(load_content(folder), folder, FIXTURES)
    return [str(signature) for signature in signatures]


def test_the_first_name_leaves_a_draft_and_the_second_makes_the_card_live(folder: Path) -> None:
    (first, said), (second, live) = (sign(folder, CARD, *signer) for signer in SIGNERS)

    assert (first, second) == (0, 0)
    assert "is still a draft: 1 of 2 people have signed it" in said
    assert f"{CARD} is live." in live
    assert (status(folder), status(folder, OTHER)) == ("signed", "draft")


def test_the_same_person_does_not_sign_twice(folder: Path) -> None:
    sign(folder, CARD, "Dr A")
    code, said = sign(folder, CARD, "dr  a")

    assert code == 1
    assert "two different people sign" in said
    assert status(folder) == "draft"


def test_signing_changes_no_manifest_and_what_was_signed_before_stays(folder: Path) -> None:
    before = prove_manifest(folder).digest
    sign_by_two(folder)
    sign_by_two(folder, OTHER)

    assert prove_manifest(folder).digest == before
    assert (status(folder), status(folder, OTHER), void(folder)) == ("signed", "signed", [])


def test_the_service_starts_with_the_cards_as_signed_as_they_are(signed: Path) -> None:
    content = runtime_of(create_app(Settings(cards=signed))).content
    assert (content.status_of(CARD), content.status_of(OTHER), content.status) == ("signed", "draft", "draft")


# ---------------------------------------------------------------- what voids a signature


@dataclass(frozen=True)
class Change:
    """One change of one file, the part that it is named by, and whether examples are answered otherwise."""

    file: str
    old: str
    new: str
    part: str
    is_seen: bool


CHANGES = {
    "a comma in the card": Change(f"{CARD}/card.toml", "Plasma glutamate normal (", "Plasma glutamate, normal (", "words changed", True),
    "a comma in a shared block": Change("passages.toml", "most studies: 2,400 mg", "most studies:, 2,400 mg", "passage studies_used changed", True),
    "a comma in a phrase": Change("phrases.toml", "Content {content.version}.", "Content, {content.version}.", "phrase version_line changed", True),
    "a comma in a code list": Change("codelists/glutamate.csv", ",yes,", ",no,", "code list glutamate changed", False),
    "a threshold": Change("thresholds.toml", "value = 365", "value = 366", "threshold result-age changed", False),
    "a gate": Change("gates.toml", 'id = "other-use"\nfact = "use"\nis = "other"', 'id = "other-use"\nfact = "use"\nis_one_of = ["other", "somatic"]', "gate other-use changed", True),
    "what a source supports": Change("sources.toml", "Brain glutamate was higher at baseline", "Brain glutamate, was higher at baseline", "source schmaal-2012 changed", False),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_makes_a_draft_of_the_card_and_undoing_it_makes_it_live_again(change: Change, signed: Path) -> None:
    path = signed / change.file
    original = path.read_text(encoding="utf-8")
    assert change.old in original
    path.write_text(original.replace(change.old, change.new, 1), encoding="utf-8")

    assert status(signed) == "draft"
    said = void(signed)
    assert [f"of {name} ({role}) of " in line for (name, role), line in zip(SIGNERS, said, strict=True)] == [True, True]
    assert all(change.part in line for line in said)
    if change.is_seen:
        assert all("answered otherwise" in line for line in said)

    path.write_text(original, encoding="utf-8")
    assert (status(signed), void(signed)) == ("signed", [])


SAME = {
    "a comment": (f"{CARD}/card.toml", 'scope = "patient"', 'scope = "patient" # for all orders'),
    "another layout": (f"{CARD}/card.toml", 'scope = "patient"', 'scope  =  "patient"'),
    "the version": ("content.toml", 'version = "', 'version = "20'),
    "who wrote it": (f"{CARD}/card.toml", 'written_by = "', 'written_by = "all of the '),
    "the reason of an example": (f"{CARD}/examples.toml", "Every condition holds.", "All conditions hold."),
    "another card": (f"{OTHER}/card.toml", 'title = "', 'title = "A '),
}


@pytest.mark.parametrize(("file", "old", "new"), SAME.values(), ids=SAME)
def test_a_change_of_nothing_that_the_card_uses_leaves_it_live(file: str, old: str, new: str, signed: Path) -> None:
    path = signed / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    new = 'version = "2030.01.1"\n#' if file == "content.toml" else new
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    assert (status(signed), void(signed)) == ("signed", [])


def test_a_new_example_takes_nothing_away_and_a_lost_one_does(signed: Path) -> None:
    path = signed / CARD / "examples.toml"
    first, *examples = path.read_text(encoding="utf-8").split("[[example]]\n")
    more = [*examples, examples[0].replace('name = "', 'name = "Again: ')]
    path.write_text("[[example]]\n".join([first, *more]), encoding="utf-8")
    assert status(signed) == "signed"

    path.write_text("[[example]]\n".join([first, *examples[1:]]), encoding="utf-8")
    assert status(signed) == "draft"
    assert "an example is answered otherwise or gone, such as “Bruno: the card's own patient”" in void(signed)[0]


def test_a_void_signature_is_renewed_by_signing_again(folder: Path) -> None:
    sign_by_two(folder)
    path = folder / CARD / "card.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("Plasma glutamate", "The glutamate"), encoding="utf-8")
    write_manifest(folder)
    sign_by_two(folder)

    assert (status(folder), void(folder)) == ("signed", [])
    assert len(read_signatures(folder / "signatures.toml").signature) == 2


def test_a_signature_of_a_card_that_is_gone_is_named(folder: Path) -> None:
    sign_by_two(folder, OTHER)
    shutil.rmtree(folder / OTHER)
    assert all(f"{OTHER}: " in line and "there is no such card" in line for line in void(folder))


def test_check_names_what_is_void_and_why(signed: Path) -> None:
    path = signed / "passages.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("most studies: 2,400", "most studies 2,400"), encoding="utf-8"
    )
    write_manifest(signed)
    done = run_command("check", "--cards", str(signed))

    assert done.exit_code == 0
    assert "signatures: 0 of 22 cards are signed by two people" in done.output
    assert f"{CARD}: the signature of Dr B (physician) of" in done.output
    assert "passage studies_used changed" in done.output


# ---------------------------------------------------------------- what is refused


REFUSED = {
    "an unknown card": (("nowhere", "Dr A", "physician"), "there is no such card; there are: "),
    "no name": ((CARD, " ", "physician"), "1 to 100 characters"),
    "a long name": ((CARD, "A" * 101, "physician"), "1 to 100 characters"),
    "an escape sequence": ((CARD, "Dr \x1b[31mA", "physician"), "all of them printable"),
    "a second line": ((CARD, "Dr A\nDr B", "physician"), "all of them printable"),
    "text that runs backwards": ((CARD, "Dr \u202eA", "physician"), "all of them printable"),
    "no role": ((CARD, "Dr A", ""), "1 to 100 characters"),
    "a review in the past": ((CARD, "Dr A", "physician", "--review-by", "2020-01-01"), "comes after today"),
}


@pytest.mark.parametrize(("arguments", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_signed_is_refused_and_nothing_is_written(
    arguments: tuple[str, ...], says: str, folder: Path
) -> None:
    code, said = sign(folder, *arguments)

    assert (code, says in said, "\x1b" in said) == (1, True, False)
    assert not (folder / "signatures.toml").exists()


def test_a_card_whose_examples_do_not_hold_is_not_signed(folder: Path) -> None:
    path = folder / CARD / "examples.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"advise"', '"silent"', 1), encoding="utf-8")
    write_manifest(folder)
    assert "its example “Bruno: the card's own patient” does not hold" in sign(folder)[1]


ROW = '[[signature]]\ncard = "a"\nname = "Dr A"\nrole = "x"\non = 2026-11-01\nreview_by = 2027-11-01\nhash = "{}"\n'
WHOLE = ROW.format("0" * 64)
BROKEN = {
    "not TOML": ("[[signature", 1, "not TOML"),
    "an unknown key": (WHOLE + "live = true\n", 8, "live: there is no such key"),
    "a digest that is none": (ROW.format("abc"), 7, "hash: String should match pattern"),
    "a name with an escape": (WHOLE.replace("Dr A", "Dr \\u001b[2J"), 3, "all of them printable"),
    "a review before the signature": (WHOLE.replace("2027", "2025"), 1, "review_by comes after the day"),
}


@pytest.mark.parametrize(("text", "line", "says"), BROKEN.values(), ids=BROKEN)
def test_a_file_of_signatures_with_a_mistake_is_refused_with_its_line(
    text: str, line: int, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "signatures.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as error:
        read_signatures(file)
    assert [(mistake.file, mistake.line) for mistake in error.value.mistakes] == [("signatures.toml", line)]
    assert says in error.value.mistakes[0].problem


def test_a_digest_that_was_changed_by_hand_does_not_count(signed: Path) -> None:
    file = signed / "signatures.toml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if line.startswith("words = "))
    file.write_text("".join([*lines[:at], 'words = "0000000000000000"\n', *lines[at + 1 :]]), encoding="utf-8")

    assert status(signed) == "draft"
    assert "the file was changed by hand" in void(signed)[0]


def test_the_file_is_read_as_it_was_written(folder: Path) -> None:
    sign(folder, CARD, 'Dr "A" \\ ü', "role = [x]", "--review-by", "2030-01-31")
    signatures = read_signatures(folder / "signatures.toml")

    row = signatures.signature[0]
    assert (row.name, row.role, row.review_by) == ('Dr "A" \\ ü', "role = [x]", date(2030, 1, 31))
    assert signatures == Signatures.model_validate(signatures.model_dump())
