"""No acetylcysteine on record is missed as a chart is opened: every listed code and name, in every place for a drug."""

import asyncio
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from cds_service.clinical.monitoring.treatments import read_treatments
from cds_service.clinical.orders.recognise import recognise
from cds_service.clinical.text_limits import limit_texts
from cds_service.fhir.systems import RXNORM
from cds_service.gathering.orders import gather_medications
from cds_service.gathering.server import NO_SERVER
from cds_service.hooks.requests import read_request
from tests.builders import bundle, concept, medication_request
from tests.support import INSTANCE, NOW, VOCABULARY, Body, to_bytes

ANOTHER = medication_request(concept("308191", RXNORM, text="Amoxicillin 500 mg capsule"), id="another")
STATEMENT = {"resourceType": "MedicationStatement", "id": "s1", "status": "active"}
OTHER_STATEMENT = {**STATEMENT, "medicationCodeableConcept": {"text": "Amoxicillin"}}
OLD_ORDER = {"resourceType": "MedicationOrder", "id": "o1", "status": "active"}

Place = Callable[[Body], tuple[list[Body], list[Body]]]  # a drug -> the entries of the two lists
BY_REFERENCE = {"medicationReference": {"reference": "Medication/drug"}, "medicationCodeableConcept": None}


def medication(drug: Body) -> Body:
    return {"resourceType": "Medication", "id": "drug", "code": drug}


def by_reference(drug: Body) -> Body:
    return medication_request(None, **BY_REFERENCE | {"medicationReference": {"reference": "#drug"}}, contained=[drug])


PLACES: dict[str, Place] = {
    "an order": lambda drug: ([ANOTHER, medication_request(drug)], []),
    "an order of R5": lambda drug: ([medication_request(None, medication={"concept": drug})], []),
    "an order of DSTU2": lambda drug: ([ANOTHER, {**OLD_ORDER, "medicationCodeableConcept": drug}], []),
    "a statement": lambda drug: ([ANOTHER], [{**STATEMENT, "medicationCodeableConcept": drug}]),
    "a contained Medication": lambda drug: ([by_reference(medication(drug))], []),
    "a Medication beside it": lambda drug: ([medication_request(None, **BY_REFERENCE), medication(drug)], [ANOTHER]),
    "a Medication in the other list": lambda drug: (
        [medication_request(None, **BY_REFERENCE)],
        [OTHER_STATEMENT, medication(drug)],
    ),
    "an ingredient": lambda drug: (
        [by_reference({**medication({}), "ingredient": [{"itemCodeableConcept": drug}]})],
        [],
    ),
}


def listed() -> Iterator[tuple[Body, bool | None]]:
    """Each code and name of the lists as a drug, and whether it is acetylcysteine where that can be told at once."""
    for name in ("acetylcysteine", "nitroglycerin", "glutamine-drugs"):
        for row in VOCABULARY.code_lists[name].rows:
            is_listed = name == "acetylcysteine" and row.included
            yield concept(row.code.replace("*", "1"), row.system), is_listed
            yield concept(row.code.replace("*", "1"), row.system, text="acetylcysteine 600 mg"), is_listed or None
    for name in ("acetylcysteine-names", "acetylcysteine-brands", "nac-companions", "nitroglycerin-names"):
        for named in VOCABULARY.name_lists[name].rows:
            is_listed = name.startswith("acetylcysteine") and named.included and named.match != "capitals"
            for written in ways_to_write(named.name.replace(" + ", " ")):
                yield {"text": written}, is_listed or None
                yield {"coding": [{"display": f"{written} 600 mg"}]}, is_listed or None
            yield {"text": f"NAC {named.name}"}, None
    for written in ("NAC", "nac 600 mg", "N.A.C.", "NAC-600", "FOLFOX NAC", "pinnacle", "NAC " * 50):
        yield {"text": written}, None


def ways_to_write(name: str) -> list[str]:
    return [name, name.upper(), name.lower(), unicodedata.normalize("NFD", name), f"{name} " + "x" * 1000]


def is_read(drug: Body, place: Place) -> bool:
    """Whether the call at which a chart is opened takes this drug for acetylcysteine."""
    orders, statements = place(drug)
    body = {"hook": "patient-view", "hookInstance": INSTANCE, "context": {"patientId": "p"}}
    body["prefetch"] = {"activeMedications": bundle(*orders), "medicationStatements": bundle(*statements)}
    _, chart = asyncio.run(gather_medications(read_request(to_bytes(body), "patient-view"), NO_SERVER))
    return bool(read_treatments(limit_texts(chart), VOCABULARY, NOW).acetylcysteine_orders)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_drug_on_record_is_what_it_would_be_in_an_order(place: Place) -> None:
    new = replace(VOCABULARY)  # nothing is kept in it
    assert not new.recognised
    differing = []
    for drug, is_listed in listed():
        rows, named = recognise([drug], new)
        new.recognised.clear()
        expected = bool(rows) or named
        assert is_listed in (expected, None), drug
        differing += [drug for _ in range(2) if is_read(drug, place) is not expected]  # the second time from memory
    assert differing == []


def test_what_is_kept_of_a_drug_is_its_own_vocabularys() -> None:
    ours = replace(VOCABULARY)
    names = {**VOCABULARY.name_lists, "acetylcysteine-names": VOCABULARY.name_lists["nac-companions"]}
    theirs = replace(ours, name_lists=names)
    assert recognise([{"text": "acetylcysteine"}], ours) == ((), True)
    assert recognise([{"text": "acetylcysteine"}], theirs) == ((), False)


def test_a_number_in_the_place_of_a_code_is_not_what_the_code_is() -> None:
    kept = replace(VOCABULARY)
    rows, _ = recognise([concept("197", RXNORM)], kept)
    assert [row.code for row in rows] == ["197"]
    assert recognise([{"coding": [{"system": RXNORM, "code": 197}]}], kept) == ((), False)


def test_only_so_many_drugs_are_kept_and_none_that_is_long() -> None:
    kept = replace(VOCABULARY)
    for number in range(5000):
        recognise([{"text": f"drug {number}"}], kept)
    assert 0 < len(kept.recognised) <= 4096
    before = len(kept.recognised)
    recognise([{"text": "acetylcysteine " + "x" * 1000}], kept)
    assert len(kept.recognised) == before
