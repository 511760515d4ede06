"""What of a resource is read to tell whether it matters."""

import msgspec
import pytest

from cds_service.fhir.versions.skimming import patient_of, skim, subject_of
from tests.support import Json, to_bytes

PATIENTS: dict[str, str] = {  # reference -> the id of the patient
    "Patient/p1": "p1",
    " Patient/p1 ": "p1",
    "https://fhir.example.org/r4/Patient/p1": "p1",
    "Patient/p1/_history/2": "p1",
    "p1": "p1",
    "urn:uuid:6f1d": "6f1d",
    "urn:oid:1.2": "",
    "#p1": "",
    "Group/g1": "",
    "": "",
}


@pytest.mark.parametrize(("reference", "patient"), PATIENTS.items())
def test_a_reference_names_a_patient_or_nobody(reference: str, patient: str) -> None:
    assert patient_of(reference) == patient
    assert subject_of({"subject": {"reference": reference}}) == patient


def test_a_resource_without_a_subject_is_about_nobody() -> None:
    assert subject_of({"resourceType": "Condition"}) == ""


ABOUT: list[tuple[Json, str]] = [
    ({"resourceType": "Patient", "id": "p1"}, "p1"),
    ({"resourceType": "Patient", "id": 1}, ""),
    ({"resourceType": "Patient"}, ""),
    ({"resourceType": "Observation", "subject": {"reference": "Patient/p1"}}, "p1"),
    ({"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}}, "p1"),
    ({"resourceType": "Observation", "subject": "Patient/p1"}, ""),
    ({"resourceType": "Observation", "subject": {"display": "somebody"}}, ""),
    ({"resourceType": "Observation"}, ""),
]


@pytest.mark.parametrize(("resource", "patient"), ABOUT)
def test_a_line_is_about_a_patient_or_nobody(resource: Json, patient: str) -> None:
    assert skim(to_bytes(resource)).patient_id == patient


def test_a_type_has_its_name_since_stu3() -> None:
    assert skim(b'{"resourceType": "MedicationOrder"}').type == "MedicationRequest"
    assert skim(b'{"resourceType": "Observation"}').type == "Observation"


def test_a_drug_by_reference_is_where_each_version_has_it() -> None:
    reference = {"reference": "Medication/m1"}
    assert skim(to_bytes({"medicationReference": reference})).drug_by_reference == reference
    assert skim(to_bytes({"medication": {"reference": reference}})).drug_by_reference == {"reference": reference}
    assert skim(b"{}").drug_by_reference is None


def test_what_is_no_resource_is_an_error() -> None:
    with pytest.raises(msgspec.MsgspecError):
        skim(b"[]")
