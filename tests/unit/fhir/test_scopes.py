"""The SMART scopes of the queries: every resource type, in both spellings, and as the document for EHRs has them."""

import re

from cds_service.fhir.queries import FOR_ORDERS, FOR_TREATMENTS, QUERIES
from cds_service.fhir.scopes import smart_scopes
from tests.support import ROOT


def test_every_query_has_a_scope_of_its_resource_type() -> None:
    found = {key: scope for scope in smart_scopes(FOR_TREATMENTS) for key in scope.keys}
    assert found.keys() == QUERIES.keys()
    assert {key for scope in smart_scopes() for key in scope.keys} == set(FOR_ORDERS)
    for key, scope in found.items():
        assert scope.smart_1 == f"patient/{QUERIES[key].resource_type}.read"
        assert scope.smart_2.startswith(f"patient/{QUERIES[key].resource_type}.r")


def test_a_search_needs_the_right_to_search_and_a_read_does_not() -> None:
    rights = {scope.smart_2.rpartition(".")[2]: scope.keys for scope in smart_scopes() if "aminoAcids" in scope.keys}
    assert rights.keys() == {"rs"}
    assert {scope.smart_2 for scope in smart_scopes() if scope.smart_2.endswith(".r")} == {
        "patient/Patient.r",
        "patient/Medication.r",
    }


def test_the_document_for_ehrs_has_the_same_scopes() -> None:
    document = (ROOT / "docs/integrating.md").read_text(encoding="utf-8")
    table = document.partition("| prefetch key | SMART v1 | SMART v2 |")[2].partition("\n\n")[0]
    earlier = {f"patient/{name}.read" for name in ("MedicationOrder", "DiagnosticOrder", "ProcedureRequest")}
    written = set(re.findall(r"`(patient/\w+\.\w+)`", table)) - earlier  # those of DSTU2 and STU3
    scopes = smart_scopes(FOR_TREATMENTS)
    assert written == {spelling for scope in scopes for spelling in (scope.smart_1, scope.smart_2)}
