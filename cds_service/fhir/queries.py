"""The FHIR queries behind the facts: one place from which discovery, gathering and the review pages read.

Results are asked for in groups, so that a patient with daily creatinine cannot crowd out a yearly glutamate.
Only what CDS Hooks recommends for prefetch is used: read or search, no parameter twice, `_sort=-date`, `_count`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.fhir.codes import LOINC, CodeList
from cds_service.fhir.versions.writing import write_search

_PATIENT_TOKEN = "{{context.patientId}}"

PATIENT, PROBLEMS, ALLERGIES, MEDICATIONS = "patient", "problemList", "allergyList", "activeMedications"
AMINO_ACIDS, KIDNEY, BODY, ACETAMINOPHEN = (
    "aminoAcids",
    "kidneyResults",
    "bodyMeasures",
    "acetaminophenLevels",
)


@dataclass(frozen=True, slots=True)
class Query:
    """One prefetch key: the resource type it brings, what clinicians call it, and the code lists it asks for.

    Of a code list the included codes are asked for; of those in `named` the refused ones too, so that a card can
    say what it saw and did not use.
    """

    key: str
    resource_type: str
    label: str
    code_lists: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    count: int = 0
    filter: str = ""


_AMINO_ACID_LISTS = ("glutamate", "cystine", "glutamine", "amino-acid-panels")
_KIDNEY_LISTS = ("creatinine", "dialysis-creatinine", "egfr")

QUERIES: Mapping[str, Query] = {
    query.key: query
    for query in (
        Query(PATIENT, "Patient", "patient record"),
        Query(AMINO_ACIDS, "Observation", "amino acid results", _AMINO_ACID_LISTS, ("glutamate",), 50),
        Query(KIDNEY, "Observation", "kidney results", _KIDNEY_LISTS, count=50),
        Query(BODY, "Observation", "weight and height", ("body-weight", "body-height"), count=20),
        Query(ACETAMINOPHEN, "Observation", "acetaminophen levels", ("acetaminophen-level",), count=10),
        Query(PROBLEMS, "Condition", "problem list", count=200),
        Query(ALLERGIES, "AllergyIntolerance", "allergy list", count=200),
        Query(MEDICATIONS, "MedicationRequest", "list of active medications", count=200, filter="status=active"),
    )
}


def codes_of(query: Query, code_lists: Mapping[str, CodeList]) -> list[str]:
    """The LOINC codes of a result query, in the order of the code lists, each once."""
    rows = (row for name in query.code_lists for row in code_lists[name].rows if row.included or name in query.named)
    return list(dict.fromkeys(row.code for row in rows if row.system == LOINC))


def prefetch_template(query: Query, code_lists: Mapping[str, CodeList]) -> str:
    """The prefetch template of a query, relative to the FHIR base."""
    if query.key == PATIENT:
        return f"Patient/{_PATIENT_TOKEN}"
    parts = [f"patient={_PATIENT_TOKEN}"]
    if query.code_lists:
        parts.append("code=" + ",".join(f"{LOINC}|{code}" for code in codes_of(query, code_lists)))
        parts.append("_sort=-date")
    parts += [part for part in (query.filter, f"_count={query.count}") if part]
    return f"{query.resource_type}?" + "&".join(parts)


def fhir_query(query: Query, patient_id: str, code_lists: Mapping[str, CodeList], version: str) -> str:
    """The query for one patient, as a server of this FHIR version reads it; `patient_id` is fit for a URL."""
    return write_search(version, prefetch_template(query, code_lists).replace(_PATIENT_TOKEN, patient_id))
