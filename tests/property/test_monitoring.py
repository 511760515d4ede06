"""Monitoring of charts of any kind: what is missing or cannot be read makes no card speak, and is never none."""

import random
from copy import deepcopy
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.clinical.facts import ABSENT, KNOWN, Facts
from cds_service.clinical.orders.drugs import MEDICATION_LISTS
from cds_service.fhir.queries import FOR_TREATMENTS
from cds_service.guidance.deciding import Outcome
from tests.builders import allergy, bundle
from tests.unit.clinical.monitoring.treated import (
    BREAST_FEEDING,
    DAY_AFTER,
    GAPS,
    NAMELESS,
    NITROGLYCERIN,
    NOT_SENT,
    PATIENT,
    PREGNANCY,
    STAGE_3,
    STAGE_5,
    START,
    VARICES,
    decisions,
    drug,
    glutamate,
    glutamine,
    problem,
    reaction,
    statement,
    treatment,
)
from tests.unit.clinical.orders.test_laboratory import PLASMA, request

Json = Any
Prefetch = dict[str, Json]
LISTS = ("problemList", "allergyList", *MEDICATION_LISTS)
NEW = (
    *("new_hypersensitivity", "new_nitroglycerin", "new_glutamine"),
    *("new_bleeding_risk", "new_pregnancy", "new_glutamine_risk"),
)

dates = st.sampled_from([None, "2026-01-01", START, DAY_AFTER, "2026-11-02", "2026-09", "2026", "lately"])
codes = st.sampled_from([VARICES, PREGNANCY, STAGE_5, STAGE_3, BREAST_FEEDING, NAMELESS, {"text": "fracture"}])
allergies = st.builds(reaction, dates) | st.builds(
    lambda recorded, code: allergy(code, recordedDate=recorded),
    dates,
    st.sampled_from([NAMELESS, {"text": "penicillin"}]),
)
drugs = st.builds(drug, st.sampled_from([NITROGLYCERIN, NAMELESS, {"text": "ibuprofen"}]), dates)
orders = drugs | st.builds(glutamine, dates) | st.builds(lambda began: treatment(authoredOn=began), dates)
statements = st.builds(lambda began: statement(effectiveDateTime=began), dates)
days = st.sampled_from(["2026-08-01", "2026-09-20", START, "2026-10-23", "2026-10-24", "2026-11-20", "2026-11", None])
results = st.builds(glutamate, days, st.sampled_from([5, 90, 150, 2000]))
few: dict[str, Json] = {"max_size": 3}


@st.composite
def charts(draw: st.DrawFn) -> Prefetch:
    """What is prefetched of a woman on acetylcysteine, each entry with an id of its own."""
    numbers = count()

    def listed(entries: st.SearchStrategy[Json], *always: Json) -> Json:
        found = [*always, *draw(st.lists(entries, **few))]
        return bundle(*({**entry, "id": f"e{next(numbers)}"} for entry in found))

    return {
        **dict.fromkeys(FOR_TREATMENTS),
        "patient": PATIENT,
        "aminoAcids": listed(results),
        "problemList": listed(st.builds(problem, codes, dates)),
        "allergyList": listed(allergies),
        "activeMedications": listed(orders, treatment()),
        "medicationStatements": listed(statements),
        "laboratoryOrders": listed(st.just(request(PLASMA))),
    }


def outcomes(prefetch: Prefetch) -> dict[str, tuple[Outcome, str]]:
    """What every card comes to, and how urgent it is."""
    return {
        card: (decision.outcome, decision.indicator.level if decision.indicator else "")
        for card, decision in decisions(**prefetch).items()
    }


def facts_of(prefetch: Prefetch) -> Facts:
    return decisions(**prefetch)["new-risk"].facts


def entries_in(prefetch: Prefetch, key: str) -> list[Json]:
    found: list[Json] = (prefetch[key] or {}).get("entry", [])
    return found


@given(charts(), st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(prefetch: Prefetch, shuffler: random.Random) -> None:
    shuffled = deepcopy(prefetch)
    for key in (*LISTS, "aminoAcids", "laboratoryOrders"):
        shuffler.shuffle(entries_in(shuffled, key))
    assert outcomes(shuffled) == outcomes(prefetch)


@given(charts())
def test_an_entry_that_was_sent_twice_changes_nothing(prefetch: Prefetch) -> None:
    doubled = deepcopy(prefetch)
    for key in (*LISTS, "aminoAcids", "laboratoryOrders"):
        entries_in(doubled, key).extend(deepcopy(entries_in(prefetch, key)))
    assert outcomes(doubled) == outcomes(prefetch)


@settings(max_examples=200)
@given(charts(), st.sets(st.sampled_from([key for key in FOR_TREATMENTS if key not in MEDICATION_LISTS])))
def test_without_a_list_no_card_speaks_that_did_not(prefetch: Prefetch, taken: set[str]) -> None:
    less = outcomes({**prefetch, **dict.fromkeys(taken, NOT_SENT)})
    for card, (outcome, _) in outcomes(prefetch).items():
        assert outcome is Outcome.ADVISE or less[card][0] is not Outcome.ADVISE


@settings(max_examples=200)
@given(charts())
def test_where_statements_cannot_be_read_no_card_speaks_that_was_silent(prefetch: Prefetch) -> None:
    """One that could not be told may: a start that cannot be read is then no longer in sight."""
    less = outcomes({**prefetch, "medicationStatements": GAPS["failed"]})
    for card, (outcome, _) in outcomes(prefetch).items():
        assert outcome is not Outcome.SILENT or less[card][0] is not Outcome.ADVISE


@settings(max_examples=200)
@given(charts(), st.sampled_from(LISTS))
def test_with_a_list_cut_off_no_card_speaks_that_did_not_and_none_falls_silent(prefetch: Prefetch, key: str) -> None:
    less = outcomes({**prefetch, key: {**prefetch[key], "total": 99}})
    for card, (outcome, level) in outcomes(prefetch).items():
        if card == "new-risk" and outcome is Outcome.ADVISE:
            assert less[card] == (outcome, level)
        assert outcome is Outcome.ADVISE or less[card][0] is not Outcome.ADVISE
        assert outcome is Outcome.SILENT or less[card][0] is not Outcome.SILENT


UNREADABLE = {
    "problemList": problem(NAMELESS),
    "allergyList": allergy(NAMELESS, recordedDate="2026-11-02"),
    "activeMedications": drug(NAMELESS),
    "medicationStatements": statement(medicationCodeableConcept=NAMELESS, effectiveDateTime="2026-11-02"),
}


@settings(max_examples=200)
@given(charts(), st.sampled_from(LISTS))
def test_one_more_entry_that_cannot_be_read_takes_no_warning_away_and_rules_nothing_out(
    prefetch: Prefetch, key: str
) -> None:
    listed = bundle(
        *(entry["resource"] for entry in entries_in(prefetch, key)), {**UNREADABLE[key], "id": "unreadable"}
    )
    before, after = outcomes(prefetch), outcomes({**prefetch, key: listed})
    if before["new-risk"][0] is Outcome.ADVISE:
        assert after["new-risk"] == before["new-risk"]
    for card, (outcome, _) in before.items():
        assert outcome is Outcome.ADVISE or after[card][0] is not Outcome.ADVISE
        assert outcome is Outcome.SILENT or after[card][0] is not Outcome.SILENT


def risks(resource: Json) -> bool:
    return "606971" not in str(resource.get("medicationCodeableConcept"))


@settings(max_examples=200)
@given(charts(), st.data())
def test_an_entry_whose_name_or_date_cannot_be_read_never_becomes_none(prefetch: Prefetch, data: st.DataObject) -> None:
    places = [
        (key, place)
        for key in LISTS
        for place, entry in enumerate(entries_in(prefetch, key))
        if risks(entry["resource"])  # without its treatment there is nothing to decide about
    ]
    if not places:
        return
    key, place = data.draw(st.sampled_from(places))
    changed = deepcopy(prefetch)
    resource = entries_in(changed, key)[place]["resource"]
    dated, named = (
        ("authoredOn", "medicationCodeableConcept") if key == "activeMedications" else ("recordedDate", "code")
    )
    if data.draw(st.booleans()):
        resource[named] = NAMELESS
    else:
        resource[dated] = data.draw(st.sampled_from(["lately", "2026-13", 5, {}, ["2026-11-02"]]))
    before, after = facts_of(prefetch), facts_of(changed)
    assert [name for name in NEW if before[name].state is KNOWN and after[name].state is ABSENT] == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([START, "2026", "active"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "end", "text"]), inner),
)
members = st.dictionaries(
    st.sampled_from(
        [
            *("authoredOn", "dateWritten", "effectiveDateTime", "effectivePeriod", "effectiveDosePeriod"),
            *("dosageInstruction", "dosage", "recordedDate", "event", "specimen", "item", "id"),
        ]
    ),
    anything,
    max_size=4,
)


@given(charts(), st.sampled_from(LISTS), members)
def test_no_entry_makes_it_raise(prefetch: Prefetch, key: str, odd: Json) -> None:
    entries = [{**entry["resource"], **odd} for entry in entries_in(prefetch, key)]
    assert set(outcomes({**prefetch, key: bundle(treatment(), *entries)})) == {"follow-up-due", "response", "new-risk"}
