# ruff: noqa: E501 (a row of a table is one line, so that the table can be read)
"""Every mistake that content can have is refused, with its file, its line and a sentence; all mistakes at once.

Each case is a copy of `cards/` with one small edit. What the edit breaks is named by the mark that stands in the line
which the refusal must point to.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.content.checking import CheckReport, check_content
from cds_service.content.loading import load_content
from cds_service.errors import ContentError, Mistake
from cds_service.settings import Settings
from tests.support import CARDS, FIXTURES

DOSE, LOW, ALLERGY = "dose-above-studied", "glutamate-low", "acetylcysteine-hypersensitivity"


@dataclass(frozen=True)
class Edit:
    """One edit of one file: the first place where `old` stands gets `new`. Without `old` the file becomes `new`."""

    file: str
    old: str | None
    new: str

    def make(self, folder: Path) -> None:
        path = folder / self.file
        if self.old is None:
            path.parent.mkdir(exist_ok=True)
            path.write_text(self.new, encoding="utf-8")
            return
        text = path.read_text(encoding="utf-8")
        assert self.old in text, f"{self.file} no longer holds: {self.old}"
        path.write_text(text.replace(self.old, self.new, 1), encoding="utf-8")


def copy_of_cards(tmp_path: Path, *edits: Edit) -> Path:
    folder = tmp_path / "cards"
    shutil.copytree(CARDS, folder)
    for edit in edits:
        edit.make(folder)
    return folder


def refused(folder: Path) -> list[Mistake]:
    """The mistakes for which a content is refused."""
    with pytest.raises(ContentError) as error:
        load_content(folder)
    return error.value.mistakes


def checked(folder: Path) -> CheckReport:
    """The report of the proofs over a content that loads."""
    return check_content(load_content(folder), folder, FIXTURES)


def line_of(folder: Path, file: str, at: str | int | tuple[str, int]) -> int:
    """A line by its number, by a mark that stands in it, or by a mark and how many lines away it is."""
    if isinstance(at, int):
        return at
    mark, away = at if isinstance(at, tuple) else (at, 0)
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if mark in line) + away


def test_the_content_as_it_is_has_no_mistake(tmp_path: Path) -> None:
    assert checked(copy_of_cards(tmp_path)).mistakes == []


# ---------------------------------------------------------------- TOML that breaks a rule of the model

CARD, PHRASES, SOURCES = f"{DOSE}/card.toml", "phrases.toml", "sources.toml"
GATES, PASSAGES, SUGGESTIONS = "gates.toml", "passages.toml", "suggestions.toml"
WHEN = 'fact = "dose_per_day"\nabove = "2400 mg/d"'
LAST = '[[indicator]]\nlevel = "warning"'


@dataclass(frozen=True)
class Case:
    """A broken content: what it is, the edit, the line, and words of the refusal.

    The line is a number, a mark that stands in it, or a mark and how many lines away from it.
    """

    name: str
    edit: Edit
    at: str | int | tuple[str, int]
    says: str
    file: str = ""


def card(name: str, old: str, new: str, at: str | int | tuple[str, int], says: str) -> Case:
    return Case(name, Edit(CARD, old, new), at, says)


MODEL = [
    # a condition
    card("a fact that does not exist", WHEN, WHEN.replace("dose_per_day", "dose_a_day"), "dose_a_day", "no fact is called dose_a_day"),
    card("no test", WHEN, 'fact = "dose_per_day"', "[[when.any_of]]", "exactly one of is, is_one_of, below, above"),
    card("two tests", WHEN, WHEN + '\nbelow = "9 mg/d"', "[[when.any_of]]", "exactly one of is, is_one_of, below, above"),
    card("a test that does not exist", WHEN, WHEN + '\nover = "9 mg/d"', "over =", "over: there is no such key"
    ), card(
        "a bound in another unit", WHEN, WHEN.replace("mg/d", "g/d"), "[[when.any_of]]", "dose_per_day is not compared in g/d; its unit: mg/d"),
    card("a bound without a unit", WHEN, WHEN.replace(" mg/d", ""), "[[when.any_of]]", "dose_per_day is not compared in a bare number"),
    card("a bound that is no number", WHEN, WHEN.replace("2400", "2,400"), "[[when.any_of]]", "2,400 is not a number"),
    card("a bound that is not written as text", WHEN, 'fact = "dose_per_day"\nabove = 2400', "above = 2400", "above: Input should be a valid string"),
    card("a bound on a category", WHEN, 'fact = "use"\nabove = "2400 mg/d"', "[[when.any_of]]", "use is not compared in mg/d"),
    card("a category of a number", WHEN, 'fact = "dose_per_day"\nis = "high"', "[[when.any_of]]", "dose_per_day is never high"
    ), card(
        "a category that does not exist", '["somatic", "other"]', '["somatic", "oral"]', ('fact = "use"', -1), "use is never oral; it is one of: antidote, inhaled"),
    card("a state that does not exist", WHEN, 'fact = "dose_per_day"\nstate = ["missing"]', "state = ", "state.0: Input should be 'known', 'absent' or 'unknown'"),
    card("a state that the fact never has", WHEN, 'fact = "use"\nstate = ["unknown"]', "[[when.any_of]]", "use is never unknown"
    ), card(
        "a state counted as yes that the fact never has", WHEN, 'fact = "age"\nabove = "18 a"\nalso_when = ["absent"]', "[[when.any_of]]", "age is never absent"),
    card("a known state counted as yes", WHEN, WHEN + '\nalso_when = ["known"]', "also_when", "also_when.0: Input should be 'absent' or 'unknown'"),
    card("no reason", 'because = "2,400 mg is', '#ause = "2,400 mg is', "[[when]]", "because: it is missing"),
    card("a reason of one word", 'because = "An antidote dose is far larger and right; inhaled doses are not doses by mouth."', 'because = "Right."', 'because = "Right."', "because: String should have at least 10 characters"),
    # a card
    card("no title", 'title = "Dose above the doses studied"', "", 1, "title: it is missing"),
    card("a misspelt key", 'scope = "patient"', 'scope = "patient"\nafter_other = true', "after_other", "after_other: there is no such key"),
    card("an id with capitals", f'id = "{DOSE}"', 'id = "Dose"', 'id = "Dose"', "id: String should match pattern"),
    card("a scope that does not exist", 'scope = "patient"', 'scope = "person"', 'scope = "person"', "scope: Input should be 'order' or 'patient'"),
    card("a status of its own", 'scope = "patient"', 'scope = "patient"\nstatus = "signed"', 'status = "signed"', "status: there is no such key"),
    card("a family that does not exist", 'scope = "patient"', 'scope = "patient"\nfamily = "safety"', "family", "family: Input should be 'baseline'"),
    card("sources that are no list", 'sources = ["schmaal-2012", "mcqueen-2018", "girgis-2019", "woodcock-2021", "colonis-acetylcysteine-smpc", "drug-safety-2021"]', 'sources = "schmaal-2012"', "sources = ", "sources: Input should be a valid list"),
    card("a title of 140 characters", 'title = "Dose above the doses studied"', f'title = "{"x" * 140}"', 1, "title and summary have fewer than 140 characters"),
    card("a summary of 140 characters", 'summary = "', f'summary = "{"x" * 140}', 1, "title and summary have fewer than 140 characters"),
    card("a link in the detail", "{version_line}", "[read](/more) {version_line}", "[read](/more)", "words hold no link"),
    card("HTML in the detail", "{version_line}", "<b>now</b> {version_line}", "<b>now", "words hold no link"),
    card("an address in the summary", 'summary = "', 'summary = "www.doi.org: ', "www.doi.org", "words hold no link"),
    card("no summary", 'summary = "', 'resume = "', "[text]", "text.summary: it is missing"),
    card("a level that does not exist", 'level = "warning"', 'level = "hard-stop"', "hard-stop", "indicator.0.level: Input should be 'info', 'warning' or 'critical'"),
    card("a warning without override reasons", "override_reasons = [", "#verride_reasons = [", 1, "a warning or critical card offers override reasons"),
    card("a last level with a condition", LAST, LAST + '\nwhen = [{ fact = "use", is = "other", because = "Only in other use." }]', 1, "the last indicator has no conditions"),
    card("a condition of a level that is wrong", LAST, '[[indicator]]\nlevel = "info"\nwhen = [{ fact = "use", is = "oral", because = "Only in oral use." }]\n\n'
        + LAST, ('level = "info"', 1), "use is never oral"),
    card("a date that is written as text", "written_on = 2026-11-28", 'written_on = "2026-11-23"', "written_on", "review.written_on: Input should be a valid date"),
    card(
        "no author", 'written_by = "product team, not clinicians"', "", "[review]", "review.written_by: it is missing"
    ),
]  # fmt: skip
OTHER_FILES = [
    Case("a phrase without a wording", Edit(PHRASES, None, '[[phrase]]\nid = "dose_line"\nabout = "Nothing."\nsays = []\n'), 1, "a phrase has wordings, or a lead and items"),
    Case("a phrase with a hyphen in its id", Edit(PHRASES, 'id = "result_fold"', 'id = "result-fold"'), 'id = "result-fold"', "id: String should match pattern"),
    Case("a wording without a text", Edit(PHRASES, 'text = "No end is stated', 'texts = "No end is stated'), "texts =", "there is no such key"),
    Case("a condition of a wording that is wrong", Edit(PHRASES, '{ fact = "cystine", is = "unclassified"', '{ fact = "cystine", is = "higher"'), 'is = "higher"', "cystine is never higher"),
    Case("an address that does not say what it leads to", Edit(SOURCES, 'address_is = "the article"', 'doi_is = "the article"'), "doi_is", "doi_is: there is no such key"),
    Case("a phrase that is neither wordings nor a list", Edit(PHRASES, 'lead = "None on record: "', 'lead = ""'), ('lead = ""', -3), "a phrase has wordings, or a lead and items"),
    Case("a source of a passage that does not exist", Edit(PASSAGES, '"nolin-2010"', '"nolin-2011"'), '"nolin-2011"', "no source is called nolin-2011"),
    Case("a hole in the label of a suggestion", Edit(SUGGESTIONS, 'label = "Remove', 'label = "{dose_line} Remove'), "{dose_line}", "nothing fills the hole dose_line"),
    Case("a source without what supports it", Edit(SOURCES, 'verified = "Abstract read on the publisher', '#erified = "Abstract read on the publisher'), ('id = "schmaal-2012"', -1), "verified: it is missing"),
    Case("a source with an address that is not https", Edit(SOURCES, 'url = "https://doi.org/10.1038/npp.2012.66"', 'url = "http://doi.org/10.1038/npp.2012.66"'), "http://doi", "url: String should match pattern"),
    Case("a source on a host that is not listed", Edit(SOURCES, "https://doi.org/10.1038/npp.2012.66", "https://doi.example/10.1038"), "doi.example", "its host is not among link_hosts"),
    Case("a source on a host that begins like one listed", Edit(SOURCES, "https://doi.org/10.1038/npp.2012.66", "https://doi.org.example/1"), "doi.org.example", "its host is not among link_hosts"),
    Case("a source with a user before the host", Edit(SOURCES, "https://doi.org/10.1038/npp.2012.66", "https://doi.org@evil.example/1"), "doi.org@", "its host is not among link_hosts"),
    Case("a source on another port of a host", Edit(SOURCES, "https://doi.org/10.1038/npp.2012.66", "https://doi.org:8443/1"), "doi.org:8443", "its host is not among link_hosts"),
    Case("a source with a backslash in its host", Edit(SOURCES, 'url = "https://doi.org/10.1038/npp.2012.66"', "url = 'https://evil.example\\.doi.org/1'"), "evil.example", "its host is not among link_hosts"),
    Case("a content without hosts to link to", Edit("content.toml", "link_hosts = [", "link_hosts = []\nrest = ["), "link_hosts = []", "link_hosts: List should have at least 1 item"),
    Case("an address in the words of a phrase", Edit(PHRASES, "No end is stated.", "See http://doi.org/1. No end is stated."), "http://doi.org/1", "words hold no link"),
    Case("a source with a year as text", Edit(SOURCES, "year = 2012", 'year = "2012"'), 'year = "2012"', "year: Input should be a valid integer"),
    Case("an override reason without words", Edit("override-reasons.toml", 'display = "This dose is intended"', ""), ('code = "dose-intended"', -1), "display: it is missing"),
    Case("an override reason with a capital", Edit("override-reasons.toml", 'code = "dose-intended"', 'code = "Dose"'), 'code = "Dose"', "code: String should match pattern"),
    Case("a threshold that is no number", Edit("thresholds.toml", "value = 365", 'value = "365"'), 'value = "365"', "value: Input should be an instance of Decimal"),
    Case("a threshold without its reason", Edit("thresholds.toml", 'because = "A level that', '#ecause = "A level that'), ('id = "acetaminophen-level-window"', -1), "because: it is missing"),
    Case("a version that is no version", Edit("content.toml", 'version = "2026', 'version = "v2026'), "version = ", "version: String should match pattern"),
    Case("a content with a status of its own", Edit("content.toml", 'version = "', 'status = "signed"\nversion = "'), 'status = "signed"', "status: there is no such key"),
    Case("a content without words for what is signed", Edit("content.toml", "signed = ", "live = "), "[status_notes]", "status_notes.signed: it is missing"),
    Case("a content without a topic system", Edit("content.toml", "topic_system", "topics_system"), "topics_system", "there is no such key"),
    Case("an example with another expectation", Edit(f"{DOSE}/examples.toml", 'expect = "silent"', 'expect = "quiet"'), 'expect = "quiet"', "expect: Input should be 'advise', 'silent' or 'cannot tell'"),
    Case("an example without a reason", Edit(f"{DOSE}/examples.toml", 'because = "Free text is not read as a dose."', ""), ('name = "The dose is free text"', -1), "because: it is missing"),
    Case("an example with a date for a moment", Edit(f"{DOSE}/examples.toml", "now = 2026-11-23T09:00:00+00:00", "now = 2026-11-23"), "now = 2026-11-23", "now: Input should be a valid datetime"),
]  # fmt: skip
SHAPE = [
    Case("a misspelt table", Edit(SOURCES, "[[source]]", "[[sources]]"), "[[sources]]", "unknown key sources"),
    Case("a table for a list of tables", Edit("override-reasons.toml", None, '[reason]\ncode = "a"\n'), 1, "reason is not a list of tables"),
    Case("a value for a list of tables", Edit("override-reasons.toml", None, 'reason = "a"\n'), 1, "reason is not a list of tables"),
    Case("TOML that is cut off in a card", Edit(CARD, 'title = "Dose above the doses studied"', 'title = "Dose above'), 'title = "Dose above', "not TOML: "),
    Case("TOML that is wrong in the phrases", Edit(PHRASES, 'about = "The kidney findings in', "about = The kidney findings in"), "about = The kidney findings", "not TOML: "),
    Case("TOML that is wrong in the examples", Edit(f"{DOSE}/examples.toml", 'because = "Below 2,400 mg."', "because ="), "because =", "not TOML: "),
    Case("TOML that is wrong in the sources", Edit(SOURCES, "year = 2021", "year == 2021"), "year == 2021", "not TOML: "),
    Case("a key that stands twice", Edit(CARD, 'scope = "patient"', 'scope = "patient"\nscope = "patient"'), ('scope = "patient"', 1), "not TOML: "),
    Case("a card in the folder of another", Edit(CARD, f'id = "{DOSE}"', 'id = "dose-above"'), 1, "the id dose-above is not the name of its folder"),
    Case("a phrase that stands twice", Edit(PHRASES, 'id = "cystine_line"', 'id = "handling_line"'), 1, "id handling_line stands twice"),
    Case("a source that stands twice", Edit(SOURCES, 'id = "mcqueen-2018"', 'id = "girgis-2019"'), 1, "id girgis-2019 stands twice"),
    Case("an override reason that stands twice", Edit("override-reasons.toml", 'code = "will-be-monitored"', 'code = "dose-intended"'), 1, "code dose-intended stands twice"),
    Case("a threshold that stands twice", Edit("thresholds.toml", 'id = "weight-age"', 'id = "result-age"'), 1, "id result-age stands twice"),
]  # fmt: skip
REFERENCES = [
    card("a source that does not exist", '"mcqueen-2018"', '"mcqueen-2019"', "mcqueen-2019", "no source is called mcqueen-2019"),
    card("an override reason that does not exist", '"dose-intended"', '"intended"', '"intended"', "no override reason has the code intended"),
    card("a screened fact that does not exist", "[[indicator]]", '[[screens]]\nfact = "gravidity"\nuses = ["other"]\nbecause = "for the test"\n\n[[indicator]]', "[[screens]]", "no fact is called gravidity"),
    card("a hole in the detail that nothing fills", "{version_line}", "{version_lines}", "{version_lines}", "nothing fills the hole version_lines"),
    card("a hole in the summary that nothing fills", 'summary = "{dose_summary}', 'summary = "{dose_per_day.sum}', "{dose_per_day.sum}", "nothing fills the hole dose_per_day.sum"),
    card("a hole of a fact that does not exist", "{version_line}", "{weight.amount}", "{weight.amount}", "nothing fills the hole weight.amount"),
    Case("a hole in a phrase that nothing fills", Edit(PHRASES, "{glutamate_before.change}", "{glutamate_before.difference}"), "glutamate_before.difference", "nothing fills the hole glutamate_before.difference"),
    Case("a phrase inside a phrase", Edit(PHRASES, "No end is stated.", "{range_line} No end is stated."), "{range_line}", "nothing fills the hole range_line"),
    Case("a hole in a passage that nothing fills", Edit(PASSAGES, "{cystine_line}", "{cysteine_line}"), "{cysteine_line}", "nothing fills the hole cysteine_line"),
    Case("a passage that stands after the one that uses it", Edit(PASSAGES, "most studies: 2,400 mg", "{adult_sections} most studies: 2,400 mg"), "{adult_sections} most", "nothing fills the hole adult_sections"),
    Case("a link in a passage", Edit(PASSAGES, "most studies: 2,400", "See www.doi.org: most studies: 2,400"), "www.doi.org", "words hold no link"),
    Case("a link in the label of a suggestion", Edit(SUGGESTIONS, 'label = "Remove', 'label = "<b>Remove'), "<b>Remove", "words hold no link"),
    Case("a gate that does not exist", Edit(f"{LOW}/card.toml", '"other-use"', '"another-use"'), '"another-use"', "no gate is called another-use"),
    Case("a gate of a phrase that does not exist", Edit(PHRASES, '"glutamate-absent"', '"glutamate-gone"'), '"glutamate-gone"', "no gate is called glutamate-gone"),
    Case("a gate of a suggestion that does not exist", Edit(SUGGESTIONS, '"no-pregnancy"', '"no-child"'), '"no-child"', "no gate is called no-child"),
    Case("a gate with a mistake", Edit(GATES, 'id = "other-use"\nfact = "use"', 'id = "other-use"\nfact = "uses"'), 'fact = "uses"', "no fact is called uses"),
    Case("a suggestion that does not exist", Edit(f"{LOW}/card.toml", '"set-the-studied-dose"', '"set-a-dose"'), '"set-a-dose"', "no suggestion is called set-a-dose"),
    Case("suggestions that are no list", Edit(f"{ALLERGY}/card.toml", 'suggestions = ["remove-the-order"]', 'suggestions = "remove-the-order"'), "suggestions = ", "suggestions is not a list of names"),
    Case("a sentence of a card in another card", Edit(f"{ALLERGY}/card.toml", "{label_line}", "Acetylcysteine enhances the vasodilator and antiplatelet effect of nitroglycerin (glyceryl trinitrate)."), "Acetylcysteine enhances the vasodilator", "the same words stand in cards/acetylcysteine-hypersensitivity/card.toml", "nitroglycerin-interaction/card.toml"),
    Case("a reason that stands as a gate", Edit(CARD, 'because = "The largest amount on a day of treatment of one order."', 'because = "Labels differ on pregnancy and breast-feeding: no dose is offered."'), "Labels differ on pregnancy", "the same words stand in cards/gates.toml"),
    Case("the orders in a phrase about one", Edit(PHRASES, "No end is stated.", "{content.name} No end is stated."), "{content.name}", "nothing fills the hole content.name"),
]  # fmt: skip

ROUTES, NAMES = "codelists/routes.csv", "codelists/route-words.csv"
ORAL = "26643006,http://snomed.info/sct,oral route,yes,"
LISTS = [
    Case("included is neither yes nor no", Edit(ROUTES, ORAL, ORAL.replace("yes", "maybe")), "26643006", "included is yes, no, unsure or vague"),
    Case("included in capitals", Edit(ROUTES, ORAL, ORAL.replace("yes", "Yes")), "26643006", "included is yes, no, unsure or vague"),
    Case("included is empty", Edit(ROUTES, ORAL, ORAL.replace("yes", "")), "26643006", "included is yes, no, unsure or vague"),
    Case("a code that stands twice", Edit(ROUTES, "47625008,", "26643006,"), 3, "it stands in the list twice"),
    Case("a missing cell", Edit(ROUTES, ",\"Seen with its name in a public source\",oral", ",oral"), "26643006", "more or fewer cells than there are columns"),
    Case("a cell too many", Edit(ROUTES, "public source\",oral", "public source\",oral,more"), "26643006", "more or fewer cells than there are columns"),
    Case("no reason", Edit(ROUTES, "\"Seen with its name in a public source\",oral", " ,oral"), "26643006", "a code or name and a reason are needed"),
    Case("no code", Edit(ROUTES, "26643006,", " ,"), 2, "a code or name and a reason are needed"),
    Case("a code without the form of its system", Edit(ROUTES, "26643006,", "PO,"), 2, "PO does not have the form of a code of http://snomed.info/sct"),
    Case("a code system that is not in use", Edit(ROUTES, "26643006,http://snomed.info/sct", "26643006,http://snomed.org"), "26643006", "no code system http://snomed.org is in use"),
    Case("a wrong check digit", Edit("codelists/glutamate.csv", "20642-5,", "20642-6,"), "20642-6", "the check digit of 20642-6 is wrong"),
    Case("columns in another order", Edit(ROUTES, "code,system,term", "system,code,term"), 1, "the columns begin with code,system,term,included,reason"),
    Case("columns without a reason", Edit(ROUTES, "included,reason", "included,because"), 1, "the columns begin with code,system,term,included,reason"),
    Case("columns of names in another order", Edit(NAMES, "name,match", "match,name"), 1, "the columns begin with name,match,included,reason"),
    Case("a name that is matched in another way", Edit(NAMES, "intravenous,word", "intravenous,prefix"), 2, "match is word, capitals, part or whole"),
    Case("a name that stands twice", Edit(NAMES, "IV,word", "intravenous,word"), 3, "it stands in the list twice"),
    Case("an empty name", Edit(NAMES, "intravenous,word", ",word"), 2, "a code or name and a reason are needed"),
    Case("an empty list", Edit(ROUTES, None, ""), 1, "the columns begin with code,system,term,included,reason"),
]  # fmt: skip

LOADING = [*MODEL, *OTHER_FILES, *SHAPE, *REFERENCES, *LISTS]


@pytest.mark.parametrize("case", LOADING, ids=lambda case: f"{case.edit.file}: {case.name}")
def test_a_mistake_is_refused_with_its_file_its_line_and_a_sentence(tmp_path: Path, case: Case) -> None:
    folder = copy_of_cards(tmp_path, case.edit)
    file = case.file or case.edit.file
    line = line_of(folder, file, case.at)
    found = [one for one in refused(folder) if case.says in one.problem]
    assert [(one.file, one.line) for one in found] == [(f"cards/{file}", line)]


@pytest.mark.parametrize(
    "file",
    [
        "content.toml",
        GATES,
        PASSAGES,
        SUGGESTIONS,
        PHRASES,
        SOURCES,
        "override-reasons.toml",
        "thresholds.toml",
        f"{DOSE}/examples.toml",
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, file: str) -> None:
    folder = copy_of_cards(tmp_path)
    (folder / file).unlink()
    assert Mistake(f"cards/{file}", 1, "cannot be read: No such file or directory") in refused(folder)


@pytest.mark.parametrize("file", [CARD, "content.toml", PHRASES, f"{DOSE}/examples.toml", "thresholds.toml"])
def test_a_file_that_is_no_utf_8_is_named(tmp_path: Path, file: str) -> None:
    folder = copy_of_cards(tmp_path)
    (folder / file).write_bytes(b'id = "\xff"\n')
    assert any(one.file == f"cards/{file}" and "not TOML" in one.problem for one in refused(folder))


@pytest.mark.parametrize("file", [CARD, "content.toml", PHRASES, SOURCES, f"{DOSE}/examples.toml", "thresholds.toml"])
def test_a_file_that_is_empty_is_named(tmp_path: Path, file: str) -> None:
    folder = copy_of_cards(tmp_path, Edit(file, None, ""))
    assert any(one.file == f"cards/{file}" for one in refused(folder))


UNREADABLE = {
    "no UTF-8": b"code,system,term,included,reason,route\n26643006,http://snomed.info/sct,\xff,yes,V,oral\n",
    "an open quotation": b'code,system,term,included,reason,route\n26643006,http://snomed.info/sct,"oral,yes,V,oral\n',
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    folder = copy_of_cards(tmp_path)
    (folder / ROUTES).write_bytes(content)
    assert any(one.file == f"cards/{ROUTES}" for one in refused(folder))


def test_a_content_without_cards_is_refused(tmp_path: Path) -> None:
    folder = copy_of_cards(tmp_path)
    for path in folder.glob("*/card.toml"):
        shutil.rmtree(path.parent)
    assert [str(one) for one in refused(folder)] == ["cards:1: there are no cards"]


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == [Mistake("nowhere", 1, "the folder of the content is missing")]


# ---------------------------------------------------------------- several mistakes at once


def test_several_mistakes_are_all_reported_each_where_it_is(tmp_path: Path) -> None:
    cases = [
        MODEL[0],
        next(one for one in LISTS if one.name == "included is neither yes nor no"),
        next(one for one in REFERENCES if one.name == "a phrase inside a phrase"),
        Case("", Edit(f"{ALLERGY}/examples.toml", 'expect = "silent"', 'expect = "quiet"'), "quiet", "expect: Input should be"),
        next(one for one in OTHER_FILES if one.name == "a source with a year as text"),
        Case("", Edit(f"{LOW}/card.toml", '"wright-2015"', '"wright-2016"'), "wright-2016", "no source is called wright-2016"),
        Case("", Edit(f"{ALLERGY}/card.toml", "{version_line}", "{version_words}"), "version_words", "nothing fills the hole version_words"),
    ]  # fmt: skip
    folder = copy_of_cards(tmp_path, *(case.edit for case in cases))
    found = refused(folder)
    for case in cases:
        line = line_of(folder, case.edit.file, case.at)
        assert (f"cards/{case.edit.file}", line) in [(one.file, one.line) for one in found if case.says in one.problem]
    assert found == sorted(found)


def test_a_mistake_in_a_card_hides_none_in_its_examples(tmp_path: Path) -> None:
    wrong = Edit(f"{DOSE}/examples.toml", 'expect = "silent"', 'expect = "quiet"')
    files = {one.file for one in refused(copy_of_cards(tmp_path, MODEL[0].edit, wrong))}
    assert files == {f"cards/{CARD}", f"cards/{DOSE}/examples.toml"}


def test_two_mistakes_in_one_file_are_both_reported(tmp_path: Path) -> None:
    folder = copy_of_cards(
        tmp_path, Edit(CARD, "{version_line}", "{one} {two}"), Edit(CARD, '"mcqueen-2018"', '"mcqueen-2019"')
    )
    assert sorted(one.problem for one in refused(folder)) == [
        "no source is called mcqueen-2019",
        "nothing fills the hole one",
        "nothing fills the hole two",
    ]


def test_two_mistakes_in_one_list_are_both_reported(tmp_path: Path) -> None:
    folder = copy_of_cards(
        tmp_path,
        Edit(ROUTES, ORAL, ORAL.replace("yes", "maybe")),
        Edit(ROUTES, "47625008,http://snomed.info/sct", "47625008,http://snomed.org"),
    )
    assert [(one.line, one.problem) for one in refused(folder)] == [
        (2, "included is yes, no, unsure or vague"),
        (3, "no code system http://snomed.org is in use"),
    ]


def test_the_message_has_one_line_for_each_mistake(tmp_path: Path) -> None:
    folder = copy_of_cards(tmp_path, Edit(CARD, "{version_line}", "{one} {two}"))
    with pytest.raises(ContentError) as error:
        load_content(folder)
    number = line_of(folder, CARD, "{one}")
    assert str(error.value).splitlines() == [
        f"cards/{CARD}:{number}: nothing fills the hole one",
        f"cards/{CARD}:{number}: nothing fills the hole two",
    ]


def test_a_mistake_stops_the_start_of_the_service(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        create_app(Settings(cards=copy_of_cards(tmp_path, MODEL[0].edit)))


def test_the_second_of_two_equal_keys_is_pointed_to_and_not_the_first(tmp_path: Path) -> None:
    edit = Edit(CARD, 'is_one_of = ["somatic", "other"]', 'is_one_of = "other"')
    folder = copy_of_cards(tmp_path, edit)
    assert [one.line for one in refused(folder)] == [line_of(folder, CARD, 'is_one_of = "other"')]


# ---------------------------------------------------------------- what reading needs and content does not give

LISTS_THAT_ARE_READ = sorted(path.stem for path in (CARDS / "codelists").glob("*.csv"))


def test_a_list_that_reading_needs_and_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    assert [name for name in LISTS_THAT_ARE_READ if not is_refused_without_list(tmp_path / name, name)] == []


def is_refused_without_list(where: Path, name: str) -> bool:
    folder = copy_of_cards(where)
    (folder / "codelists" / f"{name}.csv").unlink()
    try:
        load_content(folder)
    except ContentError as error:
        return any(name in one.file + one.problem for one in error.mistakes)
    return False


def test_a_threshold_that_reading_needs_and_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    names = re.findall(r'^id = "([^"]+)"', (CARDS / "thresholds.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) >= 7
    assert [name for name in names if not is_refused_without_threshold(tmp_path / name, name)] == []


def is_refused_without_threshold(where: Path, name: str) -> bool:
    folder = copy_of_cards(where, Edit("thresholds.toml", f'id = "{name}"', 'id = "something-else"'))
    try:
        load_content(folder)
    except ContentError as error:
        return any(name in one.problem for one in error.mistakes)
    return False


# ---------------------------------------------------------------- content that loads and is wrong

AGE_18 = 'below = "18 a"'


def check(name: str, file: str, old: str, new: str, says: str, at: str = "") -> Case:
    return Case(name, Edit(file, old, new), 1, says, at or file)


PROOFS = [
    # the baseline family
    check("an age threshold at 17: nobody speaks for those aged 17", "no-paediatric-evidence/card.toml", AGE_18, 'below = "17 a"', "0 advise instead of 1", "baseline"),
    check("an age threshold at 19: two speak for those aged 18", "no-paediatric-evidence/card.toml", AGE_18, 'below = "19 a"', "2 advise instead of 1", "baseline"),
    check("an age that includes 18: two speak at 18", "no-paediatric-evidence/card.toml", AGE_18, 'at_most = "18 a"', "2 advise instead of 1", "baseline"),
    check("another card begins at 17", GATES, 'at_least = "18 a"', 'at_least = "17 a"', "2 advise instead of 1 (glutamate-low, no-paediatric-evidence)", "baseline"),
    check("another card begins over 18", GATES, 'at_least = "18 a"', 'above = "18 a"', "0 advise instead of 1", "baseline"),
    check("a card that stops at an unknown age", GATES, 'at_least = "18 a"\nalso_when = ["unknown"]', 'at_least = "18 a"', "0 advise instead of 1", "baseline"),
    check("a card that forgets a class of cystine", f"{LOW}/card.toml", '["normal", "high", "unclassified"]', '["normal", "unclassified"]', "0 advise instead of 1", "baseline"),
    check("a card that takes a class from another", f"{LOW}/card.toml", '["normal", "high", "unclassified"]', '["low", "normal", "high", "unclassified"]', "glutamate-low-cystine-low", "baseline"),
    check("a card that speaks in somatic use too", f"{LOW}/card.toml", '    "other-use",', '    "use-by-mouth",', "1 advise instead of 0 (glutamate-low)", "baseline"),
    check("nothing stands in where glutamate is unknown", "screening-incomplete/card.toml", '"elsewhere", "somatic", "other", "another patient"]', '"elsewhere", "somatic", "another patient"]', "nothing stands in where glutamate is unknown", "baseline"),
    # a card
    check("a card that nobody can reach", CARD, '["somatic", "other"]', '["somatic"]\nbecause = "Only by mouth, for the lungs."\n\n[[when]]\nfact = "use"\nis_one_of = ["other"]', "no patient can reach this card"),
    check("a text that has no value where the card speaks", CARD, "{version_line}", "{dose_per_day.why} {version_line}", "{dose_per_day.why} has no value: "),
    check("a text of a fact that may be absent", CARD, "{version_line}", "{glutamate.result} {version_line}", "{glutamate.result} has no value: "),
    check("a text of the summary that has no value", CARD, 'summary = "{dose_summary}', 'summary = "{dose_per_day.why}', "{dose_per_day.why} has no value: "),
    # a phrase
    check("a wording is removed", PHRASES, '[[phrase.says]]\nwhen = [{ fact = "cystine", is = "unclassified"', '[[phrase.says]]\nwhen = [{ fact = "cystine", state = ["known"]', "cystine_line: never said: "),
    check("the last wording is removed", PHRASES, '\n[[phrase.says]]\ntext = "Plasma cystine could not be read."\n', "", "cystine_line says nothing for: cystine unknown"),
    check("a wording that another hides", PHRASES, 'when = [{ fact = "duration", above = "56 d", because = "No study of glutamate was longer than 8 weeks." }]', 'when = [{ fact = "duration", above = "0 d", because = "No study of glutamate was longer than 8 weeks." }]\ntext = "For some days."\n\n[[phrase.says]]\nwhen = [{ fact = "duration", above = "56 d", because = "Longer than 8 weeks." }]', "duration_line: never said: Duration {duration.amount}: **longer"),
    check("a text of a phrase that has no value", PHRASES, "Plasma cystine could not be read.", "Plasma cystine could not be read: {cystine.result}.", "cystine_line: {cystine.result} has no value: cystine unknown"),
    # the fold
    check("a fold of 61 words", PASSAGES, "no dose is established.", "no dose is yet established.", "its fold can have 61 words, and 60 are the most", "glutamate-high/card.toml"),
    # a suggestion
    check("a text of a suggestion that has no value", SUGGESTIONS, '    "product-in-whole-units",\n', "", "set-the-studied-dose: {whole_units.units} has no value: whole_units absent"),
    check("a dose other than the one that was read for", SUGGESTIONS, "dose_mg = 1200", "dose_mg = 1000", "dose_mg is not the threshold studied-single-dose"),
    # the antidote
    check("a card that speaks in antidote use", CARD, '["somatic", "other"]', '["antidote", "somatic", "other"]', "it advises in use antidote: use known antidote"),
    check("a card without any word about the use", "bronchospasm-inhaled/card.toml", 'fact = "use"\nis = "inhaled"', 'fact = "hypersensitivity"\nstate = ["known", "absent", "unknown"]', "it advises in use antidote: "),
    # the empty patient
    check("a card that speaks where nothing is known", "bronchospasm-oral/card.toml", 'is = "present",', 'is = "present", also_when = ["unknown"],', "it advises where nothing is known about the patient"),
    check("a card about a dose that is not stated", CARD, WHEN, 'fact = "dose_per_day"\nstate = ["absent", "unknown"]', "it advises where nothing is known about the patient"),
    # the examples
    check("a dose threshold of 2,300 mg", CARD, '"2400 mg/d"', '"2300 mg/d"', "“2,399 mg per day”: expected silent, got advise", f"{DOSE}/examples.toml"),
    check("a dose threshold of 2,500 mg", CARD, '"2400 mg/d"', '"2500 mg/d"', "“2,401 mg per day”: expected advise, got stay silent", f"{DOSE}/examples.toml"),
    check("a dose threshold that includes 2,400 mg", CARD, 'above = "2400 mg/d"', 'at_least = "2400 mg/d"', "“2,400 mg per day”: expected silent, got advise", f"{DOSE}/examples.toml"),
    check("a dose threshold of 2,399 mg", CARD, '"2400 mg/d"', '"2399 mg/d"', "expected silent, got advise", f"{DOSE}/examples.toml"),
    check("a dose threshold of 2,401 mg", CARD, '"2400 mg/d"', '"2401 mg/d"', "expected advise, got stay silent", f"{DOSE}/examples.toml"),
    check("no example just under a threshold", f"{DOSE}/examples.toml", 'order = "oral-2399-once-daily"', 'order = "oral-600-twice-daily"', "no example lies just below the threshold 2400 mg/d of dose per day"),
    check("no example just over a threshold", "glutamine-contraindicated/examples.toml", 'patient = "ulf-clearance-over-25"', 'patient = "ulf-clearance-25"', "no example lies just above the threshold 25 mL/min of creatinine clearance"),
    check("an example whose words are not said", f"{DOSE}/examples.toml", 'says = ["2,401 mg"]', 'says = ["2,402 mg"]', "“2,401 mg per day”: the card does not say: 2,402 mg"),
    check("an example of a person who does not exist", f"{DOSE}/examples.toml", 'patient = "bruno-glutamate-normal"', 'patient = "nobody"', "“2,399 mg per day” cannot be run: "),
    check("an example of an order that does not exist", f"{DOSE}/examples.toml", 'order = "oral-2399-once-daily"', 'order = "nothing"', "“2,399 mg per day” cannot be run: "),
    check("an example of an order for another drug", f"{DOSE}/examples.toml", 'order = "oral-2399-once-daily"', 'order = "amoxicillin"', "cannot be run: the order amoxicillin is not for acetylcysteine"),
    check("an example without an answer that nobody asks for", f"{DOSE}/examples.toml", "[[example]]", '[[example]]\nnot_sent = ["allergies"]', "cannot be run: 'allergies'"),
    check("no example that cannot tell", f"{DOSE}/examples.toml", 'order = "oral-text-only-dosage"\nnow = 2026-11-23T09:00:00+00:00\nexpect = "cannot tell"', 'order = "oral-no-dosage"\nnow = 2026-11-23T09:00:00+00:00\nexpect = "silent"', "no example shows that it cannot tell where dose per day is unknown"),
]  # fmt: skip


@pytest.mark.parametrize("case", PROOFS, ids=lambda case: case.name)
def test_content_that_loads_and_is_wrong_fails_the_check(tmp_path: Path, case: Case) -> None:
    mistakes = checked(copy_of_cards(tmp_path, case.edit)).mistakes
    assert any(one.file == case.file and case.says in one.problem for one in mistakes), [str(one) for one in mistakes][
        :5
    ]


def without_examples(expect: str) -> Callable[[str], str]:
    """The examples of a file without those that expect this."""

    def drop(text: str) -> str:
        head, *examples = text.split("[[example]]")
        kept = [one for one in examples if f'expect = "{expect}"' not in one]
        assert len(kept) < len(examples)
        return head + "".join(f"[[example]]{one}" for one in kept)

    return drop


EXPECTATIONS = {
    "advise": "no example expects the card to advise",
    "silent": "no example expects the card to be silent",
    "cannot tell": "no example shows that it cannot tell where dose per day is unknown",
}


@pytest.mark.parametrize(("expect", "says"), EXPECTATIONS.items(), ids=EXPECTATIONS)
def test_examples_that_leave_out_an_answer_fail_the_check(tmp_path: Path, expect: str, says: str) -> None:
    folder, file = copy_of_cards(tmp_path), f"{DOSE}/examples.toml"
    (folder / file).write_text(without_examples(expect)((CARDS / file).read_text(encoding="utf-8")), encoding="utf-8")
    assert Mistake(file, 1, says) in checked(folder).mistakes


def test_no_example_on_a_threshold_fails_the_check(tmp_path: Path) -> None:
    file = f"{DOSE}/examples.toml"
    text = (CARDS / file).read_text(encoding="utf-8")
    moved = text.replace("oral-2400-once-daily", "oral-600-twice-daily")
    moved = moved.replace("oral-1200-twice-daily", "oral-600-twice-daily")
    folder = copy_of_cards(tmp_path, Edit(file, None, moved))
    says = "no example lies at the threshold 2400 mg/d of dose per day"
    assert Mistake(file, 1, says) in checked(folder).mistakes


def test_one_edit_of_a_gate_reaches_every_card_that_names_it(tmp_path: Path) -> None:
    report = checked(copy_of_cards(tmp_path, Edit(GATES, 'at_least = "18 a"', 'at_least = "19 a"')))
    named = {
        path.parent.name for path in CARDS.glob("*/card.toml") if '"age-18-or-not-known"' in path.read_text("utf-8")
    }

    assert len(named) == 7
    assert {one.file for one in report.mistakes} >= {"baseline", *(f"{name}/examples.toml" for name in named)}


PHRASE_IDS = [phrase.id for phrase in load_content(CARDS).phrases.values() if phrase.says]  # a list may name nothing


@pytest.mark.parametrize("phrase", PHRASE_IDS)
def test_a_phrase_without_its_last_wording_fails(tmp_path: Path, phrase: str) -> None:
    """The last wording catches what the others leave: without it some patient would get half a card."""
    folder = copy_of_cards(tmp_path)
    text = (folder / PHRASES).read_text(encoding="utf-8")
    start = text.index(f'id = "{phrase}"')
    end = text.find("\n[[phrase]]", start) if "\n[[phrase]]" in text[start:] else len(text)
    last = text.rindex("[[phrase.says]]", start, end)
    (folder / PHRASES).write_text(text[:last] + text[end:], encoding="utf-8")
    if text.count("[[phrase.says]]", start, end) == 1:
        assert any("a phrase has wordings" in one.problem for one in refused(folder))
    else:
        assert any(one.problem.startswith(f"{phrase} says nothing for: ") for one in checked(folder).mistakes)


def test_the_check_reports_every_mistake_and_each_once(tmp_path: Path) -> None:
    cases = [
        one for one in PROOFS if one.name in ("a dose threshold of 2,300 mg", "a card that forgets a class of cystine")
    ]
    report = checked(copy_of_cards(tmp_path, *(case.edit for case in cases)))
    for case in cases:
        assert any(one.file == case.file and case.says in one.problem for one in report.mistakes)
    assert len(set(report.mistakes)) == len(report.mistakes)


def test_the_report_says_what_was_proved(tmp_path: Path) -> None:
    lines = "\n".join(checked(copy_of_cards(tmp_path)).lines)
    for words in (
        r"cards/: content \d{4}\.\d\d\.\d+, (draft|signed)",
        r"baseline family: 8 cards, exactly one advises in each of \d{3,} combinations",
        r"use antidote: only acetylcysteine-hypersensitivity may advise in \d{2,} combinations",
        r"empty chart: no card advises",
        r"examples: \d{2,} hold",
    ):
        assert re.search(words, lines), words
