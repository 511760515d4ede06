"""Risks that came on record after a treatment began: the date of recording decides, and what leaves it open."""

from collections.abc import Callable

import pytest

from cds_service.clinical.facts import ABSENT, KNOWN, UNKNOWN, State
from tests.builders import ATC, SNOMED, allergy, bundle, concept
from tests.support import Body, Json
from tests.unit.clinical.monitoring.treated import (
    BREAST_FEEDING,
    DAY_AFTER,
    GAPS,
    IV,
    NAMELESS,
    NITROGLYCERIN,
    PATIENT,
    PREGNANCY,
    STAGE_5,
    START,
    VARICES,
    allergic,
    decisions,
    drug,
    fact,
    facts,
    glutamine,
    medications,
    on_glutamine,
    on_nitroglycerin,
    outcome,
    problem,
    problems,
    reaction,
    speaking,
    statement,
    treatment,
)

OTHER = {"text": "fracture of the wrist"}


RISKS: dict[str, Callable[..., Body]] = {
    "new_hypersensitivity": allergic,
    "new_nitroglycerin": on_nitroglycerin,
    "new_bleeding_risk": lambda recorded: problems(VARICES, recorded=recorded),
    "new_pregnancy": lambda recorded: problems(PREGNANCY, recorded=recorded),
    "new_glutamine": lambda recorded: on_glutamine(recorded, STAGE_5),
}

# --- on which side of the start ---------------------------------------------------------------------------------------

RECORDED = {
    "the day of the start": (START, ABSENT),
    "the day after": (DAY_AFTER, KNOWN),
    "the day of the start, later": (f"{START}T23:59:59Z", ABSENT),
    "the day of the start in the west": (f"{START}T23:30:00-08:00", ABSENT),  # the 29th in UTC
    "the day after in the east": (f"{DAY_AFTER}T00:30:00+13:00", KNOWN),  # the 28th in UTC
    "the month before": ("2026-08", ABSENT),
    "the month after": ("2026-10", KNOWN),
    "the month of the start": ("2026-09", UNKNOWN),
    "the year of the start": ("2026", UNKNOWN),
    "the year before": ("2025", ABSENT),
    "nobody says when": (None, ABSENT),
    "in words": ("last week", UNKNOWN),
    "no day that there is": ("2026-11-31", UNKNOWN),
    "a number": (20261102, UNKNOWN),
}


@pytest.mark.parametrize(("recorded", "expected"), RECORDED.values(), ids=RECORDED)
@pytest.mark.parametrize("name", RISKS)
def test_a_risk_is_new_that_was_recorded_after_the_day_of_the_start(name: str, recorded: Json, expected: State) -> None:
    assert fact(name, **RISKS[name](recorded)).state is expected
    told = {KNOWN: "advise", UNKNOWN: "cannot tell", ABSENT: "stay silent"}
    assert outcome("new-risk", **RISKS[name](recorded)) == told[expected]


DAYS = {"2026-11-02": "2 Nov 2026", "2026-11-02T08:00:00Z": "2 Nov 2026", "2026-10": "since then"}


@pytest.mark.parametrize(("recorded", "expected"), DAYS.items())
@pytest.mark.parametrize("name", RISKS)
def test_the_day_of_the_recording_is_said_where_it_is_known(name: str, recorded: str, expected: str) -> None:
    assert fact(name, **RISKS[name](recorded)).texts["day"] == expected


def test_of_two_courses_what_came_after_the_first_is_new() -> None:
    orders = bundle(treatment(), treatment(id="t2", authoredOn="2026-11-10"))
    assert fact("new_hypersensitivity", activeMedications=orders, **allergic("2026-10-20")).state is KNOWN


DATED_OTHERWISE: dict[str, tuple[str, Body, State]] = {
    "an allergy of STU3": (
        "new_hypersensitivity",
        {"allergyList": bundle(reaction(None, assertedDate="2026-11-02"))},
        KNOWN,
    ),
    "a condition of STU3": (
        "new_bleeding_risk",
        {"problemList": bundle(problem(VARICES, None, assertedDate="2026-11-02"))},
        KNOWN,
    ),
    "a condition of DSTU2": (
        "new_bleeding_risk",
        {"problemList": bundle(problem(VARICES, None, dateRecorded="2026-11-02", clinicalStatus="active"))},
        KNOWN,
    ),
    "the onset of a disease is no date of recording": (
        "new_bleeding_risk",
        {"problemList": bundle(problem(VARICES, None, onsetDateTime="2026-11-02"))},
        ABSENT,
    ),
    "an early onset, recorded since": (
        "new_bleeding_risk",
        {"problemList": bundle(problem(VARICES, onsetDateTime="2020-01-01"))},
        KNOWN,
    ),
    "an order of DSTU2": (
        "new_nitroglycerin",
        {"activeMedications": medications(drug(NITROGLYCERIN, None, dateWritten="2026-11-02"))},
        KNOWN,
    ),
    "a statement": (
        "new_nitroglycerin",
        {
            "medicationStatements": bundle(
                statement(
                    id="n", medicationCodeableConcept=NITROGLYCERIN, effectiveDateTime=None, dateAsserted="2026-11-02"
                )
            )
        },
        KNOWN,
    ),
    "an allergy on the problem list": (
        "new_hypersensitivity",
        {"problemList": bundle(problem({"text": "allergy to acetylcysteine"}))},
        KNOWN,
    ),
}


@pytest.mark.parametrize(("name", "prefetch", "expected"), DATED_OTHERWISE.values(), ids=DATED_OTHERWISE)
def test_each_version_has_its_own_date_of_recording(name: str, prefetch: Body, expected: State) -> None:
    assert fact(name, **prefetch).state is expected


def test_of_entries_that_cannot_be_told_apart_no_day_is_said() -> None:
    other = allergy({"text": "penicillin"}, id=None, recordedDate="2026-10-05")
    both = {"allergyList": bundle(other, reaction(id=None))}
    assert fact("new_hypersensitivity", **both).texts["day"] == "since then"


# --- what counts ------------------------------------------------------------------------------------------------------

STOMACH = [{"manifestation": [{"text": "nausea"}]}]
INTOLERANT: Body = {"type": "intolerance", "reaction": STOMACH}


def test_an_intolerance_is_no_allergy() -> None:
    intolerance = fact("new_hypersensitivity", **allergic(**INTOLERANT))
    assert (intolerance.state, intolerance.note) == (ABSENT, "an intolerance, and no allergy")
    assert speaking(**allergic(**INTOLERANT)) == {"follow-up-due"}


def test_an_allergy_beside_an_intolerance_counts() -> None:
    both = bundle(reaction("2026-11-01", id="a1", **INTOLERANT), reaction(id="a2"))
    assert fact("new_hypersensitivity", allergyList=both).texts["day"] == "2 Nov 2026"


def test_an_intolerance_beside_an_unclear_entry_leaves_an_allergy_open() -> None:
    unclear = allergy({"text": "no information"}, id="a2", recordedDate="2026-11-02")
    assert fact("new_hypersensitivity", allergyList=bundle(reaction(**INTOLERANT), unclear)).state is UNKNOWN


def test_breast_feeding_is_no_pregnancy() -> None:
    assert fact("new_pregnancy", **problems(BREAST_FEEDING)).state is ABSENT
    assert fact("new_pregnancy", **problems(BREAST_FEEDING, PREGNANCY)).state is KNOWN


def test_breast_feeding_does_not_settle_a_pregnancy_that_is_in_doubt() -> None:
    assert fact("new_pregnancy", **problems(BREAST_FEEDING, {"text": "pregnancy?"})).state is UNKNOWN
    incomplete = {**problems(BREAST_FEEDING)["problemList"], "total": 9}
    assert fact("new_pregnancy", problemList=incomplete).state is UNKNOWN


PEOPLE = {
    "a man": ({**PATIENT, "gender": "male"}, ABSENT),
    "a girl of 11 years": ({**PATIENT, "birthDate": "2014-11-24"}, ABSENT),
    "a girl of 12 years": ({**PATIENT, "birthDate": "2014-11-23"}, KNOWN),
    "a woman of 55 years": ({**PATIENT, "birthDate": "1970-11-24"}, KNOWN),
    "a woman of 56 years": ({**PATIENT, "birthDate": "1970-11-23"}, ABSENT),
    "nobody knows": (None, KNOWN),
}


@pytest.mark.parametrize(("person", "expected"), PEOPLE.values(), ids=PEOPLE)
def test_a_pregnancy_is_looked_for_in_women_of_12_to_55_years(person: Json, expected: State) -> None:
    assert fact("new_pregnancy", patient=person, **problems(PREGNANCY)).state is expected


NOT_ANY_MORE: dict[str, tuple[str, Body]] = {
    "an allergy refuted": ("new_hypersensitivity", allergic(verificationStatus={"coding": [{"code": "refuted"}]})),
    "an allergy to another drug": ("new_hypersensitivity", {"allergyList": bundle(allergy({"text": "penicillin"}))}),
    "varices resolved": (
        "new_bleeding_risk",
        {"problemList": bundle(problem(VARICES, clinicalStatus={"coding": [{"code": "resolved"}]}))},
    ),
    "nitroglycerin stopped": (
        "new_nitroglycerin",
        {"activeMedications": medications(drug(NITROGLYCERIN, status="stopped"))},
    ),
    "another nitrate": ("new_nitroglycerin", {"activeMedications": medications(drug({"text": "isosorbide"}))}),
    "glutamine to swallow": (
        "new_glutamine",
        {"activeMedications": medications(glutamine(dosageInstruction=[{"route": concept("26643006", SNOMED)}]))},
    ),
}


@pytest.mark.parametrize(("name", "prefetch"), NOT_ANY_MORE.values(), ids=NOT_ANY_MORE)
def test_what_is_over_or_something_else_is_no_risk(name: str, prefetch: Body) -> None:
    assert fact(name, **prefetch).state is ABSENT


# --- an entry that cannot be read -------------------------------------------------------------------------------------

UNCLEAR: dict[str, tuple[str, Body]] = {
    "an allergy without a name": (
        "new_hypersensitivity",
        {"allergyList": bundle(allergy(NAMELESS, recordedDate="2026-11-02"))},
    ),
    "a problem without a name": ("new_bleeding_risk", problems(NAMELESS)),
    "a drug without a name": ("new_nitroglycerin", {"activeMedications": medications(drug(NAMELESS))}),
    "glutamine without a route": (
        "new_glutamine",
        {"activeMedications": medications(glutamine(dosageInstruction=None))},
    ),
    "a glutamine of which nobody is sure": (
        "new_glutamine",
        {"activeMedications": medications(drug(concept("A16AA03", ATC), dosageInstruction=[{"route": IV}]))},
    ),
}


@pytest.mark.parametrize(("name", "prefetch"), UNCLEAR.values(), ids=UNCLEAR)
def test_a_later_entry_that_may_be_one_leaves_it_open(name: str, prefetch: Body) -> None:
    assert fact(name, **prefetch).state is UNKNOWN
    assert outcome("new-risk", **prefetch) == "cannot tell"


def test_an_earlier_entry_that_may_be_one_is_not_new() -> None:
    assert fact("new_bleeding_risk", **problems(NAMELESS, recorded="2026-01-01")).state is ABSENT
    assert fact("new_hypersensitivity", **problems(NAMELESS, recorded="2026-01-01")).state is ABSENT


def test_an_undated_entry_of_something_else_leaves_nothing_open() -> None:
    assert outcome("new-risk", **problems(OTHER, recorded="2026")) == "stay silent"


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize(
    ("key", "names"),
    {
        "problemList": ("new_hypersensitivity", "new_bleeding_risk", "new_pregnancy"),
        "allergyList": ("new_hypersensitivity",),
        "activeMedications": ("new_nitroglycerin", "new_glutamine"),
    }.items(),
)
def test_without_the_whole_list_no_risk_is_ruled_out(key: str, names: tuple[str, ...], gap: Json) -> None:
    read = facts(medicationStatements=bundle(statement()), **{key: gap})
    assert {read[name].state for name in names} == {UNKNOWN}


@pytest.mark.parametrize("gap", ("failed", "of three nothing came"))
def test_without_all_statements_no_drug_is_ruled_out(gap: str) -> None:
    read = facts(medicationStatements=GAPS[gap])
    assert {read[name].state for name in ("new_nitroglycerin", "new_glutamine")} == {UNKNOWN}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("name", ("new_hypersensitivity", "new_bleeding_risk", "new_pregnancy"))
def test_where_the_start_may_be_earlier_what_came_before_it_may_be_new(name: str, gap: Json) -> None:
    stated = {"activeMedications": gap, "medicationStatements": bundle(statement())}
    assert fact(name, **stated, **RISKS[name]("2026-09-01")).state is UNKNOWN
    assert fact(name, **stated, **RISKS[name]("2026-11-02")).state is KNOWN
    assert fact(name, **stated, **RISKS[name](None)).state is ABSENT


PARTS: dict[str, tuple[Body, tuple[str, ...]]] = {
    "problemList": (problem(OTHER), ("new_hypersensitivity", "new_bleeding_risk", "new_pregnancy")),
    "allergyList": (allergy({"text": "penicillin"}), ("new_hypersensitivity",)),
    "activeMedications": (treatment(), ("new_nitroglycerin", "new_glutamine")),
    "medicationStatements": (statement(), ("new_nitroglycerin", "new_glutamine")),
}


@pytest.mark.parametrize("key", PARTS)
def test_part_of_a_list_rules_no_risk_out(key: str) -> None:
    entry, names = PARTS[key]
    read = facts(**{key: bundle(entry, total=9)})
    assert {read[name].state for name in names} == {UNKNOWN}
    assert next(read[name].note for name in names).endswith("incomplete (it has fewer entries than its total)")


@pytest.mark.parametrize("key", PARTS)
def test_a_warning_stands_on_part_of_a_list(key: str) -> None:
    part = bundle(PARTS[key][0], total=9)
    warned = {"allergyList": allergic()["allergyList"], "activeMedications": on_nitroglycerin()["activeMedications"]}
    assert "new-risk" in speaking(**{**warned, key: part})


# --- how urgent -------------------------------------------------------------------------------------------------------

URGENT = {
    "an allergy": (allergic(), "warning"),
    "nitroglycerin": (on_nitroglycerin(), "warning"),
    "varices": (problems(VARICES), "info"),
    "a pregnancy": (problems(PREGNANCY), "info"),
    "an allergy beside varices": ({**allergic(), **problems(VARICES)}, "warning"),
}


@pytest.mark.parametrize(("prefetch", "level"), URGENT.values(), ids=URGENT)
def test_an_allergy_and_nitroglycerin_are_warnings_and_the_rest_is_for_information(prefetch: Body, level: str) -> None:
    indicator = decisions(**prefetch)["new-risk"].indicator
    assert indicator is not None
    assert indicator.level == level


def test_the_drug_of_an_order_that_came_with_the_list_is_no_entry_of_its_own() -> None:
    pointing = drug(None, medicationReference={"reference": "Medication/n"})
    listed = medications(pointing, {"resourceType": "Medication", "id": "n", "code": NITROGLYCERIN})
    assert fact("new_nitroglycerin", activeMedications=listed).state is KNOWN


def test_where_nothing_is_new_the_card_stays_silent() -> None:
    assert outcome("new-risk") == "stay silent"
