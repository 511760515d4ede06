"""What the models of content refuse, and how its texts are filled; real files: `tests/cards/test_broken_content.py`."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from cds_service.clinical.vocabulary import Vocabulary
from cds_service.guidance.evidence import EvidencePage, EvidenceSource
from cds_service.guidance.model import (
    About,
    Card,
    Content,
    Passage,
    Phrase,
    Screen,
    Signature,
    StatusNotes,
    SuggestionRow,
    Threshold,
    same_name,
)
from cds_service.guidance.templates import parse_template, replace_holes
from tests.reviews import signed_by

Body = dict[str, Any]

SUGGESTION = {"id": "an-offer", "label": "Label", "description": "Description"}
TEXT = {"summary": "Summary", "fold": "", "detail": ""}
TOPIC = {"id": "question", "title": "The question", "text": "What is known.", "sources": ["a"]}
STATEMENT = {
    "under": "Summary",
    "says": "It lowers",
    "became": "left out",
    "instead": "Not known.",
    "verified": "Read.",
    "sources": ["a"],
}
BECAUSE = "a reason that is long enough"
RISK = {"fact": "bronchospasm_risk", "is": "present", "because": BECAUSE}
ALLERGY = {"fact": "hypersensitivity", "is": "present", "because": BECAUSE}
WRITTEN = {"written_by": "one", "written_on": date(2026, 11, 1)}


def card(**members: Any) -> Card:
    usual = {
        "id": "a-card",
        "title": "Title",
        "scope": "patient",
        "sources": [],
        "review": WRITTEN,
        "when": [RISK],
        "indicator": [{"level": "info"}],
        "text": {"summary": "Summary", "fold": "Fold", "detail": "Detail"},
    }
    return Card.model_validate({**usual, **members})


# --- holes ------------------------------------------------------------------------------------------------------------


def test_the_holes_of_a_text_are_facts_with_their_words_and_phrases() -> None:
    assert parse_template("{glutamate.result} and {renal_line}, but not {Glutamate} nor {a.b.c} nor {}").holes == (
        "glutamate.result",
        "renal_line",
    )


# --- cards ------------------------------------------------------------------------------------------------------------


def content_of(cards: int, signatures: Mapping[str, tuple[Signature, ...]]) -> Content:
    """A content with cards called card-0, card-1, …, and signatures."""
    about = About(
        version="2026.01.1",
        status_notes=StatusNotes(draft="a draft", signed="signed by two"),
        source_label="Label",
        topic_system="urn:topics",
        override_system="urn:reasons",
        link_hosts=["doi.org"],
    )
    written = tuple(card(id=f"card-{number}") for number in range(cards))
    evidence = EvidencePage.model_validate({"topic": [TOPIC], "statement": [STATEMENT]})
    return Content(about, written, {}, {}, {}, Vocabulary({}, {}, {}), evidence, signatures=signatures)


NOBODY: tuple[str, ...] = ()
TWO = ("Dr A", "Dr B")


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (NOBODY, "draft"),
        (("Dr A",), "draft"),
        (("Dr A", "Dr A"), "draft"),
        (("Dr A", " dr  a"), "draft"),
        (("Dr A", "Ｄr A"), "draft"),  # a full-width letter
        (TWO, "signed"),
        (("Dr A", "dr a", "Dr B"), "signed"),
    ],
)
def test_a_card_is_signed_once_two_different_people_have_signed_it(names: tuple[str, ...], status: str) -> None:
    content = content_of(2, {"card-0": tuple(map(signed_by, names))})

    assert content.status_of("card-0") == status
    assert content.status_note_of("card-0") == {"draft": "a draft", "signed": "signed by two"}[status]
    assert content.status_of("card-1") == "draft"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Dr A", "dr  a "),
        ("Dr A. Example", "Dr. a example"),
        ("Jane Smith", "Smith, Jane"),
        ("José Müller", "Jose Muller"),
        ("Jane O’Brien-Smith", "jane obrien smith"),
        ("A.B. Smith", "A. B. Smith"),
    ],
)
def test_a_name_in_other_letters_is_the_same_person(name: str, other: str) -> None:
    assert same_name(name, other)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Dr A", "Dr B"), ("Jane Smith", "Jane Smyth"), ("रवि", "रवी"), ("王伟", "王芳"), ("?", "!")],
)
def test_another_name_is_another_person(name: str, other: str) -> None:
    assert not same_name(name, other)


@pytest.mark.parametrize(
    ("names", "status"),
    [((TWO, TWO), "signed"), ((TWO, TWO[:1]), "draft"), ((NOBODY, NOBODY), "draft"), ((), "draft")],
    ids=["every card signed", "one card not signed", "no card signed", "no cards"],
)
def test_the_content_is_signed_if_every_card_is(names: tuple[tuple[str, ...], ...], status: str) -> None:
    signatures = {f"card-{number}": tuple(map(signed_by, signers)) for number, signers in enumerate(names)}
    content = content_of(len(names), signatures)

    assert (content.status, content.status_note) == (
        status,
        {"draft": "a draft", "signed": "signed by two"}[status],
    )


REFUSED = {
    "a status of its own": ({"status": "signed"}, "Extra inputs are not permitted"),
    "written by a blank": ({"review": {**WRITTEN, "written_by": " "}}, "should match pattern"),
    "a signature of its own": ({"review": {**WRITTEN, "checked_by": "another"}}, "Extra inputs are not permitted"),
    "a title of 140 characters": ({"title": "x" * 140}, "fewer than 140 characters"),
    "a summary of 140 characters": (
        {"text": {"summary": "x" * 140, "fold": "", "detail": ""}},
        "fewer than 140 characters",
    ),
    "a warning that cannot be overridden": (
        {"indicator": [{"level": "warning"}]},
        "a warning or critical card offers override reasons",
    ),
    "an indicator that may not hold": (
        {"indicator": [{"level": "info", "when": [RISK]}]},
        "the last indicator has no conditions",
    ),
}


@pytest.mark.parametrize(("members", "said"), REFUSED.values(), ids=REFUSED)
def test_a_card_that_must_not_be_shown_cannot_be_written(members: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        card(**members)


def test_a_title_and_a_summary_of_139_characters_are_short_enough() -> None:
    assert card(title="x" * 139, text={**TEXT, "summary": "x" * 139})


def test_every_condition_of_a_card_is_known() -> None:
    removal = {**SUGGESTION, "does": "remove-order", "when": [ALLERGY]}
    either = {"any_of": [RISK, ALLERGY], "because": BECAUSE}
    indicator = [{"level": "warning", "when": [RISK]}, {"level": "info"}]
    one = card(when=[RISK, either], indicator=indicator, suggestion=[removal], override_reasons=["seen"])
    assert [row.fact for row in one.conditions()] == ["bronchospasm_risk", "bronchospasm_risk", "hypersensitivity"]
    assert [row.fact for row in one.other_conditions()] == ["bronchospasm_risk", "hypersensitivity"]


def test_every_condition_of_a_phrase_is_known() -> None:
    says = [{"when": [RISK, ALLERGY], "text": "one"}, {"text": "another"}]
    phrase = Phrase.model_validate({"id": "line", "about": "A line.", "says": says})
    assert [row.fact for row in phrase.conditions()] == ["bronchospasm_risk", "hypersensitivity"]


def test_the_holes_of_a_passage_are_filled_where_there_is_something_to_fill_them() -> None:
    passage = Passage(id="kidney", about="The kidney.", text="{kidney_line} {effects_line}")
    assert passage.holes == ("kidney_line", "effects_line")
    assert replace_holes(passage.text, {"effects_line": "Effects."}) == "{kidney_line} Effects."


# --- what cards are made of -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        {"does": "set-dose"},
        {"does": "remove-order", "dose_mg": 1200},
        {"does": "order-amino-acids", "dose_mg": 1200},
    ],
    ids=["a dose that is not there", "a dose to remove", "a dose of a laboratory order"],
)
def test_setting_a_dose_and_nothing_else_has_one(members: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="and nothing else, has dose_mg"):
        SuggestionRow.model_validate({**SUGGESTION, **members})


def test_a_screen_is_for_uses_that_exist() -> None:
    with pytest.raises(ValidationError, match="no use is called sublingual"):
        Screen.model_validate({"fact": "kidney", "uses": ["other", "sublingual"], "because": "for the test"})


def test_a_screen_is_of_a_fact_that_exists() -> None:
    with pytest.raises(ValidationError, match="no fact is called liver"):
        Screen.model_validate({"fact": "liver", "uses": ["other"], "because": "for the test"})


LIST: Body = {"lead": "None: ", "items": [{"when": [RISK], "text": "one"}, {"when": [ALLERGY], "text": "other"}]}


SAYS: Body = {"says": [{"text": "one"}]}


def test_the_conditions_of_a_list_are_those_of_its_items() -> None:
    phrase = Phrase.model_validate({"id": "line", "about": "A line.", **LIST})
    assert [row.fact for row in phrase.conditions()] == ["bronchospasm_risk", "hypersensitivity"]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"lead": "None: "},
        {**LIST, "says": [{"text": "one"}]},
        {"items": LIST["items"]},
        {"lead": "N", "says": [{"text": "one"}]},
    ],
    ids=["nothing", "a lead alone", "wordings and items", "items without a lead", "a lead before wordings"],
)
def test_a_phrase_has_wordings_or_a_list(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="wordings, or a lead and items"):
        Phrase.model_validate({"id": "line", "about": "A line.", **members})


SOURCE = {"id": "the-source", "supports": "a claim", "verified": "by reading it", "authors": "Pak"}


@pytest.mark.parametrize(
    ("address_is", "said"),
    [("the article", ""), ("a third-party copy", " (a third-party copy)"), ("a home page", " (a home page)")],
)
def test_an_address_that_is_not_the_thing_itself_says_so(address_is: str, said: str) -> None:
    source = EvidenceSource.model_validate({**SOURCE, "url": "https://doi.org/1", "address_is": address_is})
    assert source.where_it_leads == said


@pytest.mark.parametrize("members", [{"url": "https://doi.org/1"}, {"address_is": "the article"}])
def test_an_address_says_what_it_is(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="says what the address is"):
        EvidenceSource.model_validate({**SOURCE, **members})


def test_a_card_names_the_sources_of_its_passages_once() -> None:
    assert card(sources=["a", "b"], shared_sources=["b", "c"]).all_sources == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("members", "label"),
    [
        pytest.param({"authors": "Pak", "journal": "A journal", "title": "T", "year": 2026}, "Pak, A journal, 2026"),
        pytest.param({"authors": "Pak", "title": "A title"}, "Pak, A title"),
        pytest.param({"year": 2026}, "2026"),
        pytest.param({}, "the-source"),
    ],
    ids=["author, journal, year", "a title for a journal", "only a year", "nothing but its id"],
)
def test_a_source_has_a_short_name(members: dict[str, Any], label: str) -> None:
    source = {"id": "the-source", "supports": "a claim", "verified": "by reading it", **members}
    assert EvidenceSource.model_validate(source).label == label


@pytest.mark.parametrize(("value", "expected"), [(365, Decimal(365)), (Decimal("0.23"), Decimal("0.23"))])
def test_a_threshold_is_an_exact_number(value: object, expected: Decimal) -> None:
    threshold = {"id": "t", "value": value, "unit": "d", "because": BECAUSE, "source": "guidance"}
    assert Threshold.model_validate(threshold).value == expected


def test_a_threshold_is_never_a_floating_point_number() -> None:
    with pytest.raises(ValidationError):
        Threshold.model_validate({"id": "t", "value": 0.23, "unit": "", "because": BECAUSE, "source": "guidance"})
