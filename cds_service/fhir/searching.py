"""Answers FHIR R4 searches from given resources, as a server would: for examples, fixtures and the demo server.

A parameter that is not understood is ignored, as FHIR allows; `SearchResult.used` lists those that were understood.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from cds_service.fhir.codes import CodeList
from cds_service.fhir.datetimes import sample_moment
from cds_service.fhir.json import Coding, Json, Resource, codings, member, objects, text
from cds_service.fhir.queries import FOR_ORDERS, PATIENT, QUERIES, Query, fhir_query
from cds_service.fhir.versions import R4
from cds_service.fhir.versions.elements import SUBJECTS, subjects_of

Parameters = Sequence[tuple[str, str]]

TOKENS: Mapping[str, str] = {  # search parameter -> element
    "category": "category",
    "clinical-status": "clinicalStatus",
    "code": "code",
    "status": "status",
}
_SORT_ORDERS = ("date", "-date")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All matches of a search, in its order, and the parameters that were understood."""

    matches: list[Resource]
    used: list[tuple[str, str]]

    def count(self, default: int) -> int:
        """How many matches a page holds."""
        return int(dict(self.used).get("_count", default))


def prefetch_from(
    bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList], keys: Iterable[str] = FOR_ORDERS
) -> dict[str, Any]:
    """What a client with these resources would send for the queries of these keys."""
    return {key: search(QUERIES[key], bundle, patient_id, code_lists) for key in keys}


def search(query: Query, bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList]) -> Resource | None:
    """The Patient for the read, a searchset Bundle for a search; None where there is no such patient."""
    resources = resources_in(bundle)
    if query.key == PATIENT:
        return read(resources, query.resource_type, patient_id)
    resource_type, _, parameters = fhir_query(query, quote(patient_id, safe=""), code_lists, R4).partition("?")
    matches = find(resources, resource_type, parse_qsl(parameters)).matches
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in matches[: query.count]]
    return searchset(entries, len(matches))


def resources_in(bundle: Resource) -> list[Resource]:
    """The resources of a Bundle."""
    return [
        resource for entry in objects(bundle.get("entry")) if isinstance(resource := member(entry, "resource"), dict)
    ]


def read(resources: Iterable[Resource], resource_type: str, identity: str) -> Resource | None:
    """The resource of a type with an id."""
    of_type = (resource for resource in resources if resource.get("resourceType") == resource_type)
    return next((resource for resource in of_type if resource.get("id") == identity), None)


def find(resources: Iterable[Resource], resource_type: str, parameters: Parameters) -> SearchResult:
    """The resources of a type that match every parameter, sorted if that was asked for."""
    used = [(name, value) for name, value in parameters if _is_understood(name, value)]
    of_type = (resource for resource in resources if resource.get("resourceType") == resource_type)
    matches = [resource for resource in of_type if all(_matches(resource, name, value) for name, value in used)]
    return SearchResult(_sorted(matches, dict(used).get("_sort", "")), used)


def searchset(entries: Sequence[Resource], total: int, links: Sequence[Resource] = ()) -> Resource:
    """A searchset Bundle. An empty `link` or `entry` is left out: nothing in FHIR may be empty."""
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": total}
    if links:
        bundle["link"] = [*links]
    return {**bundle, "entry": [*entries]} if entries else bundle


def whole_number(written: str) -> int | None:
    """A number of entries, of at most nine digits; None for anything else."""
    return int(written) if re.fullmatch(r"\d{1,9}", written, re.ASCII) else None


def _is_understood(name: str, value: str) -> bool:
    if name == "_count":
        return whole_number(value) is not None
    if name == "_sort":
        return value in _SORT_ORDERS
    return bool(value) and (name == "_id" or name in TOKENS or name in SUBJECTS)


def _matches(resource: Resource, name: str, value: str) -> bool:
    """True if the resource matches; a comma in the value means "or"."""
    wanted = value.split(",")
    if name == "_id":
        return text(resource.get("id")) in wanted
    if name in SUBJECTS:
        return any(reference.rpartition("/")[2] in _patients_of(resource) for reference in wanted)
    if name in TOKENS:
        tokens = _tokens(resource.get(TOKENS[name]))
        return any(_matches_token(coding, token) for coding in tokens for token in wanted)
    return True  # `_count` and `_sort` say how to show matches, not which they are


def _patients_of(resource: Resource) -> list[str]:
    return [reference.rpartition("/")[2] for reference in subjects_of(resource) if "Patient/" in reference]


def _tokens(element: Json) -> list[Coding]:
    return [Coding("", element)] if isinstance(element, str) else codings(element)


def _matches_token(coding: Coding, token: str) -> bool:
    """`code`, `system|code`, `|code` for a code without a system, `system|` for any code of it."""
    system, bar, code = token.rpartition("|")
    return (not code or coding.code == code) and (not bar or coding.system == system)


def _sorted(matches: list[Resource], order: str) -> list[Resource]:
    """Undated resources come last in either order."""
    if not order:
        return matches
    moments = [(sample_moment(resource), resource) for resource in matches]
    dated = [(moment.earliest, resource) for moment, resource in moments if moment is not None]
    dated.sort(key=lambda pair: pair[0], reverse=order == "-date")
    return [resource for _, resource in dated] + [resource for moment, resource in moments if moment is None]
