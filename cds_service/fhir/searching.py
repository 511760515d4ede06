"""Answers our queries from a Bundle of one patient's resources, as a FHIR server would: for examples and fixtures."""

from collections.abc import Mapping
from typing import Any

from cds_service.clinical.codes import LOINC, CodeList
from cds_service.clinical.elements import Resource, codings, objects, text
from cds_service.clinical.queries import PATIENT, QUERIES, Query, codes_of
from cds_service.clinical.versions import is_about


def prefetch_from(bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList]) -> dict[str, Any]:
    """What a client with these resources would send for every query."""
    return {key: search(query, bundle, patient_id, code_lists) for key, query in QUERIES.items()}


def search(query: Query, bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList]) -> Resource | None:
    """The Patient for the read, a searchset Bundle for a search; None where there is no such patient."""
    resources = [entry["resource"] for entry in objects(bundle.get("entry")) if isinstance(entry.get("resource"), dict)]
    own = [one for one in resources if one.get("resourceType") == query.resource_type]
    if query.key == PATIENT:
        return next((one for one in own if one.get("id") == patient_id), None)
    codes = set(codes_of(query, code_lists))
    found = [one for one in own if is_about(one, patient_id) and _matches(one, query, codes)]
    if codes:
        found.sort(key=lambda one: text(one.get("effectiveDateTime")), reverse=True)
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found[: query.count]]
    searchset: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    return {**searchset, "entry": entries} if entries else searchset


def _matches(resource: Resource, query: Query, codes: set[str]) -> bool:
    if query.filter and resource.get("status") != query.filter.partition("=")[2]:
        return False
    return not codes or any(one.system == LOINC and one.code in codes for one in codings(resource.get("code")))
