"""What a client is asked to prefetch: each template, word for word, as discovery publishes it."""

import pytest

from cds_service.fhir.codes import CodeList, CodeRow
from cds_service.fhir.queries import QUERIES, Query, codes_of, fhir_query, prefetch_template
from cds_service.fhir.versions import DSTU2, R4, R5, STU3
from tests.support import VOCABULARY

CODE_LISTS = VOCABULARY.code_lists
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "problemList": "Condition?patient={{context.patientId}}&_count=200",
    "allergyList": "AllergyIntolerance?patient={{context.patientId}}&_count=200",
    "activeMedications": "MedicationRequest?patient={{context.patientId}}&status=active&_count=200",
    "medicationStatements": "MedicationStatement?patient={{context.patientId}}&status=active&_count=200",
    "acetaminophenLevels": "Observation?patient={{context.patientId}}"
    "&code=http://loinc.org|3298-7,http://loinc.org|14581-3,http://loinc.org|70198-7&_sort=-date&_count=10",
}


def row(code: str, system: str = LOINC, included: bool = True) -> CodeRow:
    return CodeRow(code, system, code, included, "a test")


@pytest.mark.parametrize("key", TEMPLATES)
def test_a_template_asks_for_one_patient_and_says_how_much(key: str) -> None:
    assert prefetch_template(QUERIES[key], CODE_LISTS) == TEMPLATES[key]


LISTS = {
    "first": CodeList([row("1-8"), row("2-6", included=False), row("3-4")]),
    "second": CodeList([row("3-4"), row("4-2", included=False), row("22298006", SNOMED)]),
}


def test_the_included_codes_are_asked_for_once_each_in_the_order_of_the_lists() -> None:
    query = Query("results", "Observation", "results", ("second", "first"), count=5)

    assert [asked.code for asked in codes_of(query, LISTS)] == ["3-4", "1-8"]
    assert prefetch_template(query, LISTS) == (
        "Observation?patient={{context.patientId}}&code=http://loinc.org|3-4,http://loinc.org|1-8&_sort=-date&_count=5"
    )


def test_the_refused_codes_of_a_list_are_asked_for_only_where_a_card_names_them() -> None:
    query = Query("results", "Observation", "results", ("first", "second"), named=("first",), count=5)

    assert [asked.code for asked in codes_of(query, LISTS)] == ["1-8", "2-6", "3-4"]


CODES = "http://loinc.org|3298-7,http://loinc.org|14581-3,http://loinc.org|70198-7"
LEVELS = f"Observation?patient=p1&code={CODES}&_sort=-date&_count=10"
OF_ONE_PATIENT = {
    "the read": ("patient", R4, "Patient/p1"),
    "a list": ("problemList", R4, "Condition?patient=p1&_count=200"),
    "results, STU3": ("acetaminophenLevels", STU3, LEVELS),
    "results, R5": ("acetaminophenLevels", R5, LEVELS),
    "results, DSTU2": ("acetaminophenLevels", DSTU2, LEVELS.replace("_sort=-date", "_sort:desc=date")),
    "medications, R4": ("activeMedications", R4, "MedicationRequest?patient=p1&status=active&_count=200"),
    "medications, DSTU2": ("activeMedications", DSTU2, "MedicationOrder?patient=p1&status=active&_count=200"),
    "statements, DSTU2": ("medicationStatements", DSTU2, "MedicationStatement?patient=p1&status=active&_count=200"),
    "statements, R4": ("medicationStatements", R4, "MedicationStatement?patient=p1&status=active&_count=200"),
    "statements, R5": ("medicationStatements", R5, "MedicationStatement?patient=p1&status=recorded&_count=200"),
    "the read, DSTU2": ("patient", DSTU2, "Patient/p1"),
}


@pytest.mark.parametrize(("key", "version", "expected"), OF_ONE_PATIENT.values(), ids=OF_ONE_PATIENT)
def test_the_query_for_one_patient_is_written_as_a_server_of_its_version_reads_it(
    key: str, version: str, expected: str
) -> None:
    assert fhir_query(QUERIES[key], "p1", CODE_LISTS, version) == expected
