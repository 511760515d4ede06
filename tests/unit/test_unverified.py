"""A code or a word that is not verified may make the service more silent or more careful, and never makes it speak."""

import re
from typing import Any

import pytest

from cds_service.clinical.vocabulary import CODE_LISTS, NAME_LISTS
from cds_service.fhir.codes import CodeRow, NameRow
from tests.builders import bundle, concept
from tests.support import VOCABULARY
from tests.unit.test_in_doubt import V3, called, details, order

_UNVERIFIED = re.compile(r"from memory|seen in part|\bM\b|\bV-part\b|unverified", re.IGNORECASE)
ONLY_SILENCE = {  # lists whose entries take a card or a suggestion away, leave a screen open, or are only asked for
    *("acetaminophen-poisoning", "acetaminophen-poisoning-words", "amino-acid-order-words", "amino-acid-panels"),
    *("breast-feeding", "eye-product-names", "no-information", "no-information-words", "other-specimen-codes"),
    *("other-specimens", "pregnancy", "qualifying-words", "somatic-conditions", "somatic-condition-words"),
    *("somatic-reasons", "somatic-words", "blood-words", "liver-failure", "liver-failure-words", "cystinuria"),
    *("cystinuria-words", "amount-words"),
}
VERIFIED_AS_THEY_ARE_USED = {"307718", "307719"}  # only which of the two is the stronger is not verified
ROWS: list[tuple[str, CodeRow | NameRow]] = [
    *((name, row) for name in CODE_LISTS for row in VOCABULARY.code_lists[name].rows),
    *((name, row) for name in NAME_LISTS for row in VOCABULARY.name_lists[name].rows),
]
UNSURE_ROUTES = [row for row in VOCABULARY.code_lists["routes"].rows if row.unsure]
CAREFUL = {"acetylcysteine-hypersensitivity", "bronchospasm-inhaled", "screening-incomplete"}
NITROGLYCERIN = {"resourceType": "MedicationRequest", "id": "n", "medicationCodeableConcept": {"text": "GTN"}}
ALLERGY = {"resourceType": "AllergyIntolerance", "id": "x", "code": {"text": "acetylcysteine"}}
ASTHMA = {"resourceType": "Condition", "id": "c", "code": {"text": "asthma"}}
UNREAD = {"coding": [{"system": "urn:ehr", "code": "17"}]}


def bare(row: CodeRow) -> dict[str, Any]:
    return concept(row.code.replace("*", "X"), row.system)


def cards_by(route: Any, **members: Any) -> set[str]:
    drafted = order(**members, instruction={"route": route})
    on_record = {"allergyList": bundle(ALLERGY), "problemList": bundle(ASTHMA)}
    return set(called(drafted, NITROGLYCERIN, **on_record).card_ids) | set(called(drafted, NITROGLYCERIN).card_ids)


def test_a_row_that_is_not_verified_is_unsure_unless_its_list_only_silences() -> None:
    speaking = [
        (name, row)
        for name, row in ROWS
        if row.included and name not in ONLY_SILENCE and _UNVERIFIED.search(row.reason)
    ]
    codes = {row.code if isinstance(row, CodeRow) else row.name for _, row in speaking}
    assert codes == VERIFIED_AS_THEY_ARE_USED


@pytest.mark.parametrize("row", UNSURE_ROUTES, ids=lambda row: f"{row.term} {row.code}")
@pytest.mark.parametrize("reason", ["", "cough", "depression"])
def test_a_route_that_is_not_verified_adds_no_card_to_those_of_one_that_is_not_read(row: CodeRow, reason: str) -> None:
    members = {"reasonCode": [{"text": reason}]} if reason else {}
    assert cards_by(bare(row), **members) <= cards_by(UNREAD, **members) | CAREFUL


@pytest.mark.parametrize("row", UNSURE_ROUTES, ids=lambda row: f"{row.term} {row.code}")
def test_a_route_that_is_not_verified_never_makes_a_glutamine_parenteral(row: CodeRow) -> None:
    drafted: dict[str, Any] = {**NITROGLYCERIN, "medicationCodeableConcept": {"text": "glutamine"}}
    ill = {"resourceType": "Condition", "id": "c", "code": {"text": "CKD stage 5"}}
    for route in (bare(row), concept(row.code.replace("*", "X"), "urn:ehr")):
        drafted["dosageInstruction"] = [{"route": route}]
        answered = called(order(), drafted, problemList=bundle(ill))
        assert not {"glutamine-contraindicated", "glutamine-kidney-disease"} & set(answered.card_ids)


BY_MOUTH = {
    "EDQM": concept("20053000", "http://standardterms.edqm.eu"),
    "EDQM under its OID": concept("20053000", "urn:oid:0.4.0.127.0.16.1.1.2.1"),
    "v3": concept("PO", V3),
    "v3 under its OID": concept("PO", "urn:oid:2.16.840.1.113883.5.112"),
    "v3 of STU3": concept("PO", "http://hl7.org/fhir/v3/RouteOfAdministration"),
    "an abbreviation of a system of the site": concept("PO", "urn:ehr"),
}


@pytest.mark.parametrize("route", BY_MOUTH.values(), ids=BY_MOUTH)
def test_a_bare_code_by_mouth_that_is_not_verified_is_named_and_its_name_is_read(route: dict[str, Any]) -> None:
    answered = called(order(instruction={"route": route}))
    assert "a route is stated that has no name that can be read" in details(answered)
    named = {**route, "text": "oral use"}
    assert called(order(instruction={"route": named})).card_ids == ["glutamate-unclassified"]


@pytest.mark.parametrize("route", BY_MOUTH.values(), ids=BY_MOUTH)
def test_a_bare_code_by_mouth_that_is_not_verified_still_lets_the_service_say_less(route: dict[str, Any]) -> None:
    assert (
        "glutamate-unclassified"
        not in called(order(instruction={"route": route}, reasonCode=[{"text": "cough"}])).card_ids
    )
    assert (
        "glutamate-unclassified"
        in called(order(instruction={"route": UNREAD}, reasonCode=[{"text": "cough"}])).card_ids
    )
