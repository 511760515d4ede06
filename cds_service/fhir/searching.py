"""Answers FHIR R4 searches from resources at hand, as a server would: for examples, fixtures and the demo server.

A parameter that is not understood is ignored, as FHIR lets a server do; `Found.used` names those that were.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from cds_service.fhir.codes import CodeList
from cds_service.fhir.datetimes import sample_moment
from cds_service.fhir.json import Coding, Json, Resource, codings, member, objects, text
from cds_service.fhir.queries import PATIENT, QUERIES, Query, fhir_query
from cds_service.fhir.versions import R4
from cds_service.fhir.versions.elements import SUBJECTS, subjects_of

Parameters = Sequence[tuple[str, str]]

TOKENS: Mapping[str, str] = {  # search parameter -> element
    "category": "category",
    "clinical-status": "clinicalStatus",
    "code": "code",
    "status": "status",
}
_ORDERS = ("date", "-date")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """All that a search found, in its order, and the parameters that were understood."""

    matches: list[Resource]
    used: list[tuple[str, str]]

    def count(self, default: int) -> int:
        """How many of them a page holds."""
        return int(dict(self.used).get("_count", default))


def prefetch_from(bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList]) -> dict[str, Any]:
    """What a client with these resources would send for every query."""
    return {key: search(query, bundle, patient_id, code_lists) for key, query in QUERIES.items()}


def search(query: Query, bundle: Resource, patient_id: str, code_lists: Mapping[str, CodeList]) -> Resource | None:
    """The Patient for the read, a searchset Bundle for a search; None where there is no such patient."""
    resources = resources_in(bundle)
    if query.key == PATIENT:
        return read(resources, query.resource_type, patient_id)
    kind, _, asked = fhir_query(query, quote(patient_id, safe=""), code_lists, R4).partition("?")
    found = find(resources, kind, parse_qsl(asked))
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found.matches[: query.count]]
    return searchset(entries, len(found.matches))


def resources_in(bundle: Resource) -> list[Resource]:
    """The resources of a Bundle."""
    entries = [member(entry, "resource") for entry in objects(bundle.get("entry"))]
    return [one for one in entries if isinstance(one, dict)]


def read(resources: Iterable[Resource], kind: str, identity: str) -> Resource | None:
    """The resource of that type with that id."""
    return next((one for one in resources if one.get("resourceType") == kind and one.get("id") == identity), None)


def find(resources: Iterable[Resource], kind: str, parameters: Parameters) -> SearchResult:
    """The resources of a type that fit every parameter, sorted if that was asked for."""
    used = [(name, value) for name, value in parameters if _is_understood(name, value)]
    matches = [
        one
        for one in resources
        if one.get("resourceType") == kind and all(_matches(one, name, value) for name, value in used)
    ]
    return SearchResult(_sorted(matches, dict(used).get("_sort", "")), used)


def searchset(entries: Sequence[Resource], total: int, links: Sequence[Resource] = ()) -> Resource:
    """A Bundle of what was found; without `link` or `entry` where there is none, since nothing in FHIR is empty."""
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
        return value in _ORDERS
    return bool(value) and (name == "_id" or name in TOKENS or name in SUBJECTS)


def _matches(resource: Resource, name: str, value: str) -> bool:
    """True if the resource fits; a comma in the value means "or"."""
    wanted = value.split(",")
    if name == "_id":
        return text(resource.get("id")) in wanted
    if name in SUBJECTS:
        return any(one.rpartition("/")[2] in _patients_of(resource) for one in wanted)
    if name in TOKENS:
        return any(_fits(coding, one) for coding in _tokens(resource.get(TOKENS[name])) for one in wanted)
    return True  # how to show what was found, not what to find


def _patients_of(resource: Resource) -> list[str]:
    return [one.rpartition("/")[2] for one in subjects_of(resource) if "Patient/" in one]


def _tokens(element: Json) -> list[Coding]:
    return [Coding("", element)] if isinstance(element, str) else codings(element)


def _fits(coding: Coding, wanted: str) -> bool:
    """`code`, `system|code`, `|code` for a code without a system, `system|` for any code of it."""
    system, bar, code = wanted.rpartition("|")
    return (not code or coding.code == code) and (not bar or coding.system == system)


def _sorted(matches: list[Resource], order: str) -> list[Resource]:
    if not order:
        return matches
    dated: list[tuple[datetime, Resource]] = []
    undated = []
    for one in matches:
        moment = sample_moment(one)
        if moment is None:
            undated.append(one)
        else:
            dated.append((moment.earliest, one))
    dated.sort(key=lambda pair: pair[0], reverse=order == "-date")
    return [one for _, one in dated] + undated
