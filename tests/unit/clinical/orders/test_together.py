"""The sum of all acetylcysteine by mouth: drafts of the call, and active orders that they do not replace."""

from decimal import Decimal
from typing import Any

import pytest

from cds_service.clinical.facts import Fact, State
from cds_service.clinical.orders.facts import read_order_facts
from cds_service.clinical.reading import read_patient_facts
from cds_service.gathering.prefetch import build_chart
from tests.builders import bundle
from tests.support import NOW, VOCABULARY, draft_orders_of

Json = Any
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
KEYS = ("patient", "aminoAcids", "kidneyResults", "bodyMeasures", "acetaminophenLevels")
EMPTY = dict.fromkeys((*KEYS, "problemList", "allergyList", "activeMedications"))


def order(identity: str, mg: int | None = 1200, name: str = "", **members: Json) -> Json:
    """An order for so many mg once a day, of a product with a name of its own; without a dose where it is None."""
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    dose = {"doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]} if mg else {"text": "as told"}
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "draft",
        "medicationCodeableConcept": {"text": name or f"acetylcysteine of maker {identity}"},
        "subject": {"reference": "Patient/p"},
        "dosageInstruction": [{"timing": timing, "route": {"text": "oral"}, **dose}],
        **members,
    }


def active(identity: str, mg: int | None = 1200, name: str = "", **members: Json) -> Json:
    """The same, active on record."""
    return order(identity, mg, name, **{"status": "active", **members})


def together(drafts: list[Json], *on_record: Json, background: tuple[Json, ...] = ()) -> Fact:
    """The sum that the first draft is told of."""
    chart = build_chart("p", {**EMPTY, "activeMedications": bundle(*on_record)})
    orders = draft_orders_of(*drafts, background=background)
    return read_order_facts(orders, read_patient_facts(orders, chart, VOCABULARY, NOW), chart, VOCABULARY, NOW)[0][
        "dose_together"
    ]


VIAL: Json = {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "307718"}]}}
EYE: Json = {"medicationCodeableConcept": {"text": "acetylcysteine eye drops"}}
DOSE: Json = {"doseQuantity": {"value": 100, "unit": "mg"}}
INHALED: Json = {"dosageInstruction": [{"route": {"text": "inhalation"}, **DOSE}]}
CODE: Json = {"coding": [{"system": "http://example.org", "code": "7"}]}
FOLLOWS: Json = {"priorPrescription": {"reference": "https://ehr.example.org/MedicationRequest/b/_history/2"}}

KNOWN = {
    "two drafts": ([order("a"), order("b", 900)], [], 2100, ""),
    "three drafts": ([order("a"), order("b"), order("c")], [], 3600, ""),
    "an active order": ([order("a")], [active("b", 600)], 1800, " with the active 600 mg once daily"),
    "two active orders": (
        [order("a")],
        [active("b", 600), active("c", 300)],
        2100,
        " with the active 600 mg once daily and 300 mg once daily",
    ),
    "a product that is active twice": (
        [order("a")],
        [active("b", 600, "NAC 600 mg"), active("c", 600, "NAC 600 mg")],
        1800,
        " with the active 600 mg once daily",
    ),
    "a dose that takes many words": (
        [order("a")],
        [
            active(
                "b",
                dosageInstruction=[{"timing": {"code": {"text": "Q4H"}}, "doseQuantity": {"value": 100, "unit": "mg"}}],
            )
        ],
        1800,
        " with the active 600 mg per day",
    ),
}


@pytest.mark.parametrize(("drafts", "on_record", "total", "beside"), KNOWN.values(), ids=KNOWN)
def test_drafts_and_what_is_active_beside_them_are_added(
    drafts: list[Json], on_record: list[Json], total: int, beside: str
) -> None:
    fact = together(drafts, *on_record)
    assert (fact.value, fact.texts["active"]) == (Decimal(total), beside)
    assert fact.texts["amount"] == f"{total:,} mg"


def test_a_draft_that_the_hook_does_not_ask_about_counts_too() -> None:
    assert together([order("a")], background=(order("b", 900),)).value == 2100
    assert together([order("a")], background=(order("b", 900, "amoxicillin"),)).state is State.ABSENT
    others = order("b", 900, subject={"reference": "Patient/q"})
    assert together([order("a")], background=(others,)).state is State.ABSENT


ABSENT = {
    "one order": ([order("a")], []),
    "the same order, signed again": ([order("a")], [active("a")]),
    "the order that it follows": ([order("a", **FOLLOWS)], [active("b")]),
    "the same product by name": ([order("a", name="NAC 600 mg")], [active("b", name="nac 600 MG")]),
    "the same product by code": (
        [order("a", medicationCodeableConcept={**CODE, "text": "acetylcysteine"})],
        [active("b", medicationCodeableConcept={**CODE, "text": "N-acetyl cysteine"})],
    ),
    "an inhaled one": ([order("a")], [active("b", **INHALED)]),
    "an inhalation product": ([order("a")], [active("b", dosageInstruction=[], **VIAL)]),
    "eye drops": ([order("a")], [active("b", **EYE)]),
    "one of another patient": ([order("a")], [active("b", subject={"reference": "Patient/q"})]),
    "one that is stopped": ([order("a")], [active("b", status="stopped")]),
    "another drug": ([order("a")], [active("b", name="amoxicillin")]),
    "an inhaled draft": ([order("a"), order("b", **INHALED)], []),
}


@pytest.mark.parametrize(("drafts", "on_record"), ABSENT.values(), ids=ABSENT)
def test_there_is_no_sum_where_there_is_nothing_to_add(drafts: list[Json], on_record: list[Json]) -> None:
    assert together(drafts, *on_record).state is State.ABSENT


UNKNOWN = {
    "a draft": ([order("a"), order("b", None)], [], "the dose of one of the orders is not known"),
    "an active order": (
        [order("a")],
        [active("b", None)],
        "the dose of acetylcysteine that is active already cannot be read",
    ),
    "an active order without a dose": (
        [order("a")],
        [active("b", dosageInstruction=[])],
        "the dose of acetylcysteine that is active already cannot be read",
    ),
}


@pytest.mark.parametrize(("drafts", "on_record", "why"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_sum_of_which_a_part_cannot_be_read_is_not_known(drafts: list[Json], on_record: list[Json], why: str) -> None:
    fact = together(drafts, *on_record)
    assert (fact.state, fact.note, fact.texts["why"]) == (State.UNKNOWN, why, why)


def test_an_antidote_is_not_added_up() -> None:
    assert together([order("a"), order("b", 9000)]).state is State.ABSENT
