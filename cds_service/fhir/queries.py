"""The FHIR queries behind the facts, for discovery, gathering and the review pages alike.

Results are asked for in groups, so that daily creatinine results cannot crowd out a yearly glutamate. Queries use only
what CDS Hooks recommends for prefetch: a read or a search, no parameter twice, `_sort=-date` and `_count`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cds_service.fhir.codes import CodeList
from cds_service.fhir.json import Coding
from cds_service.fhir.systems import LOINC
from cds_service.fhir.versions import LABORATORY_ORDER
from cds_service.fhir.versions.writing import write_search

_CONTEXT_PATIENT_ID = "{{context.patientId}}"

PATIENT, PROBLEMS, ALLERGIES, MEDICATIONS = "patient", "problemList", "allergyList", "activeMedications"
STATEMENTS, LABORATORY_ORDERS = "medicationStatements", "laboratoryOrders"
AMINO_ACIDS, KIDNEY, BODY, ACETAMINOPHEN = (
    "aminoAcids",
    "kidneyResults",
    "bodyMeasures",
    "acetaminophenLevels",
)


@dataclass(frozen=True, slots=True)
class Query:
    """The query of one prefetch key: the resource type, what clinicians call it, and the code lists it asks for.

    Of a code list the included codes are asked for; of those in `named` the refused ones too, so that a card can
    name results that it did not use. An `optional` query may be left out: many servers have no such list, so that its
    absence alone leaves no screen undone.
    """

    key: str
    resource_type: str
    label: str
    code_lists: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    count: int = 0
    filter: str = ""
    optional: bool = False


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
        Query(
            STATEMENTS,
            "MedicationStatement",
            "list of medication statements",
            count=200,
            filter="status=active",
            optional=True,
        ),
        Query(
            LABORATORY_ORDERS,
            LABORATORY_ORDER,
            "list of laboratory orders",
            count=50,
            filter="status=draft,active",
            optional=True,
        ),
    )
}
FOR_TREATMENTS = tuple(QUERIES)
FOR_ORDERS = tuple(
    key for key in QUERIES if key != LABORATORY_ORDERS
)  # the drafts of laboratory orders are in the call


def codes_of(query: Query, code_lists: Mapping[str, CodeList]) -> list[Coding]:
    """The LOINC codes of a result query, in the order of the code lists, and the site's own for them; each once."""
    asked: list[Coding] = []
    for name in query.code_lists:
        rows = [(Coding(row.system, row.code), row) for row in code_lists[name].rows if row.system == LOINC]
        rows += code_lists[name].find_local_codes()
        asked += [coding for coding, row in rows if row.included or name in query.named]
    return list(dict.fromkeys(asked))


def prefetch_template(query: Query, code_lists: Mapping[str, CodeList]) -> str:
    """The prefetch template of a query, relative to the FHIR base."""
    if query.key == PATIENT:
        return f"Patient/{_CONTEXT_PATIENT_ID}"
    parameters = [f"patient={_CONTEXT_PATIENT_ID}"]
    if query.code_lists:
        parameters.append("code=" + ",".join(f"{asked.system}|{asked.code}" for asked in codes_of(query, code_lists)))
        parameters.append("_sort=-date")
    if query.filter:
        parameters.append(query.filter)
    return f"{query.resource_type}?" + "&".join([*parameters, f"_count={query.count}"])


def fhir_query(query: Query, patient_id: str, code_lists: Mapping[str, CodeList], version: str) -> str:
    """The query for one patient, relative to the FHIR base, as a server of this FHIR version understands it.

    `patient_id` is URL-encoded by the caller.
    """
    return write_search(version, prefetch_template(query, code_lists).replace(_CONTEXT_PATIENT_ID, patient_id))
